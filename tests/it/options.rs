//! The effect of each option, and the combination of a block's defaults with a method's own options.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use ring_cache::clock::ManualClock;
use ring_cache::{Lru, Map, RingKey, ring, ring_impl};

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::default);

/// Advanced by one test only: other tests' entries would expire.
static TIMED: LazyLock<Map<u32>> = LazyLock::new(|| Map::with_clock(CLOCK.clone()));

#[derive(RingKey)]
struct Service {
    id: u32,
    #[ring_key(skip)]
    ttl: Duration,
}

fn service() -> Service {
    Service {
        id: 1,
        ttl: Duration::from_secs(7),
    }
}

mod expire {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[ring_impl(map = TIMED)]
    impl Service {
        #[ring(expire = 60)]
        fn seconds(&self) -> u32 {
            1
        }
        #[ring(expire = "1m 30s")]
        fn text(&self) -> u32 {
            1
        }
        #[ring(expire = MINUTE * 2)]
        fn expression(&self) -> u32 {
            1
        }
        #[ring(expire = self.ttl)]
        fn of_self(&self) -> u32 {
            1
        }
        #[ring(expire = Duration::from_secs(_seconds), ignore(_seconds))]
        fn of_argument(&self, _seconds: u64) -> u32 {
            1
        }
        #[ring]
        fn never(&self) -> u32 {
            1
        }
        #[ring(expire = Duration::ZERO)]
        fn at_once(&self) -> u32 {
            1
        }
    }

    #[test]
    fn entries_live_as_long_as_was_said() {
        let has = || {
            let service = service();
            [
                service.of_self_ring().has(),
                service.of_argument_ring(9).has(),
                service.seconds_ring().has(),
                service.text_ring().has(),
                service.expression_ring().has(),
                service.never_ring().has(),
            ]
        };
        let service = service();
        service.of_self();
        service.of_argument(9);
        service.seconds();
        service.text();
        service.expression();
        service.never();
        service.at_once();
        assert!(!service.at_once_ring().has());

        let mut expected = [true; 6];
        let mut at = 0;
        for (index, seconds) in [7, 9, 60, 90, 120].into_iter().enumerate() {
            CLOCK.advance(Duration::from_millis((seconds - at) * 1000 - 1));
            assert_eq!(has(), expected, "just before {seconds} s");
            CLOCK.advance(Duration::from_millis(1));
            expected[index] = false;
            assert_eq!(has(), expected, "after {seconds} s");
            at = seconds;
        }
    }
}

mod policy {
    use ring_cache::{Lru, Policy};

    use super::*;

    #[ring_impl(policy = scan_resistant, capacity = 100)]
    impl Service {
        #[ring]
        fn policy_of_block(n: u32) -> u32 {
            n
        }
        #[ring(policy = least_recently_used)]
        fn policy_of_method(n: u32) -> u32 {
            n
        }
        #[ring(lru = CHOSEN)]
        fn policy_elsewhere(n: u32) -> u32 {
            n
        }
    }

    static CHOSEN: LazyLock<Lru<u32>> =
        LazyLock::new(|| Lru::builder().capacity(100).policy(Policy::ScanResistant).build());

    #[ring(policy = scan_resistant)]
    fn with_the_default_capacity(n: u32) -> u32 {
        n
    }

    /// The number of fifty popular values that remain after a scan.
    fn survivors(call: impl Fn(u32) -> u32, get: impl Fn(u32) -> Option<u32>) -> usize {
        (0..9).for_each(|_| (0..50).for_each(|n| assert_eq!(call(n), n)));
        (1000..3000).for_each(|n| assert_eq!(call(n), n));
        (0..50).filter(|n| get(*n).is_some()).count()
    }

    #[test]
    fn decides_what_a_scan_leaves() {
        let block = survivors(Service::policy_of_block, |n| {
            Service::policy_of_block_ring(n).get()
        });
        let method = survivors(Service::policy_of_method, |n| {
            Service::policy_of_method_ring(n).get()
        });
        let elsewhere = survivors(Service::policy_elsewhere, |n| {
            Service::policy_elsewhere_ring(n).get()
        });
        let default = survivors(with_the_default_capacity, |n| {
            with_the_default_capacity_ring(n).get()
        });
        assert!(
            block > 40 && elsewhere > 40 && default > 40,
            "{block} {elsewhere} {default}"
        );
        assert_eq!(method, 0);
        assert_eq!(with_the_default_capacity_cache().storage().capacity(), 128);
    }
}

mod capacity {
    use super::*;

    const THREE: usize = 3;

    #[ring_impl(capacity = THREE * 2)]
    impl Service {
        const CAPACITY: usize = 5;

        #[ring]
        fn capacity_of_block(&self) -> u32 {
            1
        }
        #[ring(capacity = 2)]
        fn capacity_of_method(&self) -> u32 {
            1
        }
        #[ring(capacity = Self::CAPACITY)]
        fn of_type(&self) -> u32 {
            1
        }
        #[ring(map = TIMED)]
        fn elsewhere(&self) -> u32 {
            1
        }
    }

    #[ring]
    fn by_default() -> u32 {
        1
    }

    #[ring(capacity = 10_000)]
    fn literal() -> u32 {
        1
    }

    #[test]
    fn is_what_was_said() {
        let capacities = [
            Service::capacity_of_block_cache().storage().capacity(),
            Service::capacity_of_method_cache().storage().capacity(),
            Service::of_type_cache().storage().capacity(),
            by_default_cache().storage().capacity(),
            literal_cache().storage().capacity(),
        ];
        assert_eq!(capacities, [6, 2, 5, 128, 10_000]);
        assert_eq!(
            service().capacity_of_block() + service().capacity_of_method() + service().of_type(),
            3
        );
        assert_eq!(by_default() + literal(), 2);
        assert_eq!(service().elsewhere(), 1);
        assert!(
            Service::elsewhere_cache()
                .storage()
                .has(&service().elsewhere_ring().key())
        );
    }
}

mod storage {
    use super::*;

    static LRU: LazyLock<Lru<u32>> = LazyLock::new(|| Lru::new(10));

    #[ring_impl(lru = LRU)]
    impl Service {
        #[ring]
        fn storage_of_block(&self) -> u32 {
            1
        }
        #[ring(storage = LRU as Lru<u32>)]
        fn by_type(&self, n: u32) -> u32 {
            n
        }
        #[ring(capacity = 3)]
        fn capacity_overrides(&self) -> u32 {
            1
        }
    }

    #[test]
    fn block_and_method() {
        service().storage_of_block();
        service().by_type(2);
        service().capacity_overrides();
        assert_eq!(LRU.len(), 2);
        assert_eq!(Service::capacity_overrides_cache().storage().capacity(), 3);
    }
}

#[cfg(all(feature = "json", feature = "cbor"))]
mod coder;

mod key;

mod unless {
    use super::*;

    fn is_odd(n: &u32) -> bool {
        n % 2 == 1
    }

    #[ring_impl(unless = is_odd)]
    impl Service {
        #[ring]
        fn unless_of_block(&self, n: u32) -> u32 {
            n
        }
        #[ring(unless = |n| *n > 10)]
        fn closure(&self, n: u32) -> u32 {
            n
        }
        #[ring(unless = Option::is_none)]
        fn option(&self, n: u32) -> Option<u32> {
            (n > 0).then_some(n)
        }
        #[ring]
        fn fallible(&self, n: u32) -> Result<u32, String> {
            Ok(n)
        }
    }

    #[test]
    fn some_values_are_not_stored() {
        let service = service();
        for n in [2, 3] {
            assert_eq!(service.unless_of_block(n), n);
            assert_eq!(service.unless_of_block_ring(n).has(), n == 2);
            assert_eq!(service.fallible(n), Ok(n));
            assert_eq!(service.fallible_ring(n).has(), n == 2);
        }
        assert_eq!((service.closure(3), service.closure(12)), (3, 12));
        assert!(service.closure_ring(3).has() && !service.closure_ring(12).has());
        assert_eq!((service.option(0), service.option(1)), (None, Some(1)));
        assert!(!service.option_ring(0).has() && service.option_ring(1).has());
    }
}

mod action {
    use super::*;

    static RUNS: AtomicU32 = AtomicU32::new(0);

    #[ring_impl(action = update)]
    impl Service {
        #[ring]
        fn updated(&self) -> u32 {
            RUNS.fetch_add(1, SeqCst)
        }
        #[ring(action = execute)]
        fn executed(&self) -> u32 {
            RUNS.fetch_add(1, SeqCst)
        }
        #[ring(action = get_or_update)]
        fn plain(&self) -> u32 {
            RUNS.fetch_add(1, SeqCst)
        }
    }

    #[test]
    fn plain_calls_do_what_was_said() {
        let service = service();
        assert_ne!(service.updated(), service.updated());
        assert_eq!(service.updated_ring().get(), Some(1));
        assert_ne!(service.executed(), service.executed());
        assert!(!service.executed_ring().has());
        assert_eq!(service.plain(), service.plain());
    }
}

mod forms {
    use super::*;

    #[ring_impl]
    impl Service {
        #[ring(class)]
        fn class_form(n: u32) -> u32 {
            n
        }
        #[ring(property)]
        fn property_form(&self) -> u32 {
            self.id
        }
        #[ring(accessor = renamed)]
        fn with_accessor(&self) -> u32 {
            1
        }
    }

    #[ring(accessor = r#fn)]
    fn function() -> u32 {
        1
    }

    #[test]
    fn class_property_accessor() {
        assert_eq!(Service::class_form(3), 3);
        assert!(
            Service::class_form_ring(3)
                .key()
                .to_string()
                .ends_with("Service.class_form:Service:3")
        );
        assert_eq!(service().property_form(), 1);
        assert!(service().property_form_ring().delete());
        assert_eq!(service().with_accessor(), 1);
        assert!(service().renamed().has());
        assert_eq!(Service::renamed_cache().stats().stores, 1);
        assert_eq!(function(), 1);
        assert!(r#fn().has());
        assert_eq!(fn_cache().stats().stores, 1);
    }
}

mod flights {
    use super::*;

    static RUNS: AtomicU32 = AtomicU32::new(0);

    fn slow() -> u32 {
        thread::sleep(Duration::from_millis(80));
        RUNS.fetch_add(1, SeqCst)
    }

    #[ring_impl(coalesce = false)]
    impl Service {
        #[ring]
        fn alone(&self) -> u32 {
            slow()
        }
        #[ring(coalesce = true)]
        fn together(&self) -> u32 {
            slow()
        }
    }

    #[ring(flight_timeout = "5ms")]
    fn impatient() -> u32 {
        slow()
    }

    fn runs(call: impl Fn() -> u32 + Sync) -> u32 {
        RUNS.store(0, SeqCst);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(&call);
            }
        });
        RUNS.load(SeqCst)
    }

    #[test]
    fn calls_wait_for_each_other_as_was_said() {
        assert_eq!(runs(|| service().together()), 1);
        assert!(runs(|| service().alone()) > 1);
        assert!(runs(impatient) > 1);
    }
}
