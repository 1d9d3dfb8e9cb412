//! Two tiers as a ring sees them: every verb, in both colours, with tiers in all places.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ring_cache::clock::ManualClock;
use ring_cache::coder::Json;
use ring_cache::{AsyncCalls, Calls, Key, Lru, Map, RingKey, ring, ring_impl};
use ring_cache_backends::{Blocking, Tiered};
use serde::{Deserialize, Serialize};

use super::far::Far;
use super::{Tier, tier, view};
use crate::blocking::run;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
}

fn named(name: &str) -> User {
    User {
        name: name.to_owned(),
    }
}

type Users = Tiered<Lru<User>, Map<Vec<u8>>>;
type SlowUsers = Tiered<Map<User>, Blocking<Map<Vec<u8>>>>;

#[derive(RingKey)]
struct Shop {
    #[ring_key(skip)]
    users: Users,
    #[ring_key(skip)]
    slow: Arc<SlowUsers>,
    #[ring_key(skip)]
    computed: AtomicU32,
}

#[ring_impl(storage = self.users as Users, coder = Json, expire = "60s")]
impl Shop {
    #[ring]
    fn user(&self, name: &str) -> User {
        self.computed.fetch_add(1, Ordering::SeqCst);
        named(name)
    }

    #[ring]
    async fn user_async(&self, name: &str) -> User {
        self.computed.fetch_add(1, Ordering::SeqCst);
        named(name)
    }

    /// The coder of rings that name none.
    #[ring(storage = self.slow as SlowUsers, coder = ring_cache::coder::Json)]
    async fn slow_user(&self, name: &str) -> User {
        self.computed.fetch_add(1, Ordering::SeqCst);
        named(name)
    }
}

fn shop(clock: &ManualClock) -> Shop {
    let near = Lru::builder().capacity(10).clock(clock.clone()).build();
    Shop {
        users: Tiered::new(near, Map::with_clock(clock.clone())),
        slow: Arc::new(Tiered::new(Map::new(), Blocking::new(Map::new()))),
        computed: AtomicU32::new(0),
    }
}

impl Shop {
    fn far(&self, key: &Key) -> Option<String> {
        let bytes = self.users.far().get(key)?;
        Some(String::from_utf8(bytes).unwrap())
    }

    fn computed(&self) -> u32 {
        self.computed.load(Ordering::SeqCst)
    }
}

#[test]
fn a_value_is_near_and_far() {
    let shop = shop(&ManualClock::default());
    assert_eq!(shop.user("Ada"), named("Ada"));
    assert_eq!(shop.user("Ada"), named("Ada"));
    assert_eq!(shop.computed(), 1);
    let call = || shop.user_ring("Ada");
    let key = call().key();
    assert_eq!(shop.users.near().get(&key), Some(named("Ada")));
    assert_eq!(shop.far(&key).as_deref(), Some(r#"{"name":"Ada"}"#));

    call().set(named("Grace"));
    assert_eq!(shop.user("Ada"), named("Grace"));
    assert_eq!(shop.far(&key).as_deref(), Some(r#"{"name":"Grace"}"#));

    assert_eq!(call().update(), named("Ada"));
    assert_eq!(shop.far(&key).as_deref(), Some(r#"{"name":"Ada"}"#));

    assert!(call().has() && call().touch() && call().delete() && !call().delete());
    assert!(shop.users.near().is_empty() && shop.users.far().is_empty());
}

#[test]
fn a_value_is_near_and_far_in_async_functions() {
    run(async {
        let shop = shop(&ManualClock::default());
        assert_eq!(shop.user_async("Ada").await, named("Ada"));
        let key = shop.user_async_ring("Ada").key();
        shop.users.near().clear();
        assert_eq!(shop.user_async("Ada").await, named("Ada"));
        assert_eq!(shop.computed(), 1);
        assert_eq!(shop.users.near().get(&key), Some(named("Ada")));
        shop.user_async_ring("Ada").set(named("Grace")).await;
        assert_eq!(shop.far(&key).as_deref(), Some(r#"{"name":"Grace"}"#));
        assert!(shop.user_async_ring("Ada").delete().await);
        assert!(shop.users.near().is_empty() && shop.users.far().is_empty());
    });
}

#[test]
fn a_far_tier_that_blocks() {
    run(async {
        let shop = shop(&ManualClock::default());
        assert_eq!(shop.slow_user("Ada").await, named("Ada"));
        let far = shop.slow.far().backend();
        assert_eq!(shop.slow.near().len(), 1);
        assert_eq!(far.len(), 1);
        shop.slow.near().clear();
        assert_eq!(
            shop.slow_user_ring("Ada").get().await.unwrap(),
            Some(named("Ada"))
        );
        assert_eq!(shop.slow.near().len(), 1);
        assert!(shop.slow_user_ring("Ada").delete().await.unwrap());
        assert!(shop.slow.near().is_empty() && far.is_empty());
    });
}

#[test]
fn many_at_once() {
    let shop = shop(&ManualClock::default());
    let names = ["Ada", "Grace", "Ada", "Barbara"];
    let calls = || names.iter().map(|name| shop.user_ring(name));
    assert_eq!(calls().get_or_update_many(), names.map(named));
    assert_eq!((shop.computed(), shop.users.far().len()), (3, 3));
    shop.users.near().delete(&shop.user_ring("Grace").key());
    assert_eq!(calls().get_many(), names.map(|name| Some(named(name))));
    assert_eq!(shop.users.near().len(), 3);
    assert_eq!(calls().touch_many(), [true; 4]);
    assert_eq!(calls().delete_many(), [true, true, false, true]);
    assert!(shop.users.near().is_empty() && shop.users.far().is_empty());
    run(async {
        let calls = || names.iter().map(|name| shop.user_async_ring(name));
        assert_eq!(calls().get_or_update_many().await, names.map(named));
        shop.users.near().clear();
        assert_eq!(calls().has_many().await, [true; 4]);
        assert_eq!(calls().get_many().await, names.map(|name| Some(named(name))));
    });
    assert_eq!(shop.computed(), 6);
}

#[test]
fn clear_reaches_both_tiers_and_no_other_ring() {
    let shop = shop(&ManualClock::default());
    shop.user("Ada");
    run(shop.user_async("Ada"));
    shop.user_cache().clear();
    assert!(!shop.user_ring("Ada").has());
    assert_eq!(shop.users.near().len(), 1);
    assert!(run(shop.user_async_ring("Ada").has()));
    run(shop.user_async_cache().clear());
    assert!(shop.users.near().is_empty() && shop.users.far().is_empty());
}

#[test]
fn near_for_as_long_as_far() {
    let clock = ManualClock::default();
    let shop = shop(&clock);
    shop.user("Ada");
    clock.advance(Duration::from_secs(50));
    shop.users.near().clear();
    shop.user("Ada");
    let key = shop.user_ring("Ada").key();
    clock.advance(Duration::from_secs(9));
    assert_eq!(shop.users.near().get(&key), Some(named("Ada")));
    clock.advance(Duration::from_secs(1));
    assert_eq!(shop.users.near().get(&key), None);
    assert_eq!(shop.computed(), 1);
    shop.user("Ada");
    assert_eq!(shop.computed(), 2);
    // Touched, it lives as if it were new, in both.
    clock.advance(Duration::from_secs(50));
    assert!(shop.user_ring("Ada").touch());
    clock.advance(Duration::from_secs(59));
    assert_eq!(shop.users.near().get(&key), Some(named("Ada")));
    clock.advance(Duration::from_secs(1));
    assert!(!shop.users.near().has(&key) && !shop.users.far().has(&key));
}

#[test]
fn near_for_less_long_than_far() {
    let clock = ManualClock::default();
    let mut shop = shop(&clock);
    shop.users = shop.users.near_expiry(Duration::from_secs(5));
    shop.user("Ada");
    let key = shop.user_ring("Ada").key();
    clock.advance(Duration::from_secs(5));
    assert!(!shop.users.near().has(&key) && shop.users.far().has(&key));
    shop.user("Ada");
    assert!(shop.users.near().has(&key));
    clock.advance(Duration::from_secs(3));
    assert!(shop.user_ring("Ada").touch());
    clock.advance(Duration::from_secs(3));
    assert!(shop.users.near().has(&key));
    clock.advance(Duration::from_secs(2));
    assert!(!shop.users.near().has(&key));
    assert_eq!(shop.computed(), 1);
}

#[test]
fn unreadable_values_are_computed_again() {
    let shop = shop(&ManualClock::default());
    let key = shop.user_ring("Ada").key();
    shop.users.far().set(&key, b"not ours".to_vec());
    assert_eq!(shop.user_ring("Ada").get(), None);
    assert_eq!(shop.user("Ada"), named("Ada"));
    assert_eq!(shop.far(&key).as_deref(), Some(r#"{"name":"Ada"}"#));
}

/// Values that JSON cannot represent.
type Sums = Tiered<Lru<Sum>, Map<Vec<u8>>>;

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Sum(i32);

impl Serialize for Sum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0.. => self.0.serialize(serializer),
            _ => Err(serde::ser::Error::custom("a debt")),
        }
    }
}

#[test]
fn a_value_that_cannot_be_encoded_removes_the_old_one() {
    static SUMS: LazyLock<Sums> = LazyLock::new(|| Tiered::new(Lru::new(10), Map::new()));
    #[ring(storage = SUMS as Sums, coder = Json)]
    fn sum(of: u32) -> Sum {
        Sum(of.cast_signed())
    }
    for of in 1..=3 {
        assert_eq!(sum(of), Sum(of.cast_signed()));
    }
    sum_ring(1).set(Sum(-1));
    assert!(!sum_ring(1).has());
    let values = vec![Sum(-2), Sum(30)];
    let _ = [2, 3].map(sum_ring).set_many(values);
    assert!(!SUMS.near().has(&sum_ring(2).key()) && !SUMS.far().has(&sum_ring(2).key()));
    assert_eq!(sum_ring(3).get(), Some(Sum(30)));
    assert_eq!(SUMS.far().peek(sum_ring(3).key().as_str()), Some(b"30".to_vec()));
}

#[test]
fn values_that_the_far_tier_refuses_are_not_near_either() {
    let far = Far::new();
    let tier = tier(&far);
    let view = view(&tier);
    use ring_cache::storage::Storage;
    Storage::write(&view, &1, 10, None, None).unwrap();
    far.fail("write");
    assert!(Storage::write(&view, &1, 11, None, None).is_err());
    assert!(!tier.near().has(&1));
    far.recover();
    Storage::write(&view, &1, 12, None, None).unwrap();
    far.fail("remove done");
    assert!(Storage::remove(&view, &1, None).is_err());
    assert!(!tier.near().has(&1));
    assert_eq!(Storage::read(&view, &1, None).unwrap(), None);
}

#[test]
fn a_hit_near_does_not_ask_the_far_tier() {
    let far = Far::new();
    let tier: Tier = tier(&far);
    let numbers = super::Numbers { tier };
    assert_eq!(numbers.number(7), 7);
    far.fail("read");
    far.fail("contains");
    assert_eq!(numbers.number_ring(7).get().unwrap(), Some(7));
    assert!(numbers.number_ring(7).has().unwrap());
    assert_eq!(numbers.number_cache().stats().hits, 1);
}
