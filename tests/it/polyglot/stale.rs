//! F3: Python does not know stale entries. It sees those of a ring with `stale` until the end of their whole life, and an
//! entry that it writes with an expiry is stale for the last part of its life.

use std::thread::sleep;
use std::time::{Duration, Instant};

use ring_cache::coder::Json;
use ring_cache::{Lookup, ring};

use super::call::{SharedCall, Twin, shared_call};
use super::servers::{MEMCACHED, Original, REDIS, both, original};
use super::value::{Answer, Shared, computed};

const PATIENCE: Duration = Duration::from_secs(30);

/// The time for which the rings here keep stale entries, in seconds.
const STALE: u32 = 1_000;

macro_rules! stale {
    ($name:ident, $kind:ident = $storage:ident) => {
        #[ring($kind = $storage, coder = Json, expire = "60s", stale = "1000s", refresh = caller, key_prefix = "stale")]
        fn $name(_id: i64) -> Answer {
            Shared::compute()
        }
    };
}
stale!(in_redis, redis = REDIS);
stale!(in_memcached, memcached = MEMCACHED);

/// A call, and a check for a stale value.
struct Stale {
    call: SharedCall<Answer>,
    lookup: fn() -> Lookup<Answer>,
    expire: fn() -> bool,
}

impl Stale {
    fn by_python(&self, expire: Option<u32>) -> Twin {
        Twin {
            expire,
            ..self.call.twin::<Answer>()
        }
    }

    /// The seconds, according to the server.
    fn life(&self) -> u64 {
        let key = (self.call.stored_key)();
        let left = match self.call.twin.storage {
            "redis" => both().redis.command(&["TTL", &key]).text(),
            _ => String::from_utf8(both().memcached[0].command(format!("mg {key} t"))).unwrap(),
        };
        let left = left.trim().trim_start_matches("HD t");
        left.parse()
            .unwrap_or_else(|_| panic!("{}: {left}", self.call.text))
    }
}

fn each(scenario: fn(&Stale, &mut Original)) {
    let Some(mut original) = original() else { return };
    let redis = Stale {
        call: shared_call!("redis": in_redis_ring(1)),
        lookup: || in_redis_ring(1).lookup().unwrap(),
        expire: || in_redis_ring(1).expire().unwrap(),
    };
    let memcached = Stale {
        call: shared_call!("memcached": in_memcached_ring(1)),
        lookup: || in_memcached_ring(1).lookup().unwrap(),
        expire: || in_memcached_ring(1).expire().unwrap(),
    };
    for stale in [redis, memcached] {
        (stale.call.delete)();
        computed();
        scenario(&stale, &mut original);
    }
}

#[test]
fn f3_python_sees_entries_until_the_end_of_their_whole_life() {
    each(|stale, original| {
        let (call, text) = (&stale.call, stale.call.text);
        (call.get_or_update)();
        assert!((1_058..=1_060).contains(&stale.life()), "{text}");
        assert!((stale.expire)(), "{text}");
        assert!((998..=1_000).contains(&stale.life()), "{text}");
        assert_eq!((stale.lookup)(), Lookup::Stale(Answer::of_rust()), "{text}");
        assert_eq!((call.get)(), None, "{text}");
        let found = (Answer::of_rust().in_python(), false);
        assert_eq!(call.in_python(original, "get"), found, "{text}");
        assert_eq!(call.in_python(original, "get_or_update"), found, "{text}");
    });
}

#[test]
fn f3_what_python_wrote_is_stale_for_the_last_part_of_its_life() {
    each(|stale, original| {
        let text = stale.call.text;
        let python = Answer::of_python;
        let set = [python().in_python()];
        stale.by_python(Some(STALE + 60)).ask(original, "set", &set);
        assert_eq!((stale.lookup)(), Lookup::Fresh(python()), "{text}");
        assert_eq!((stale.call.get_or_update)(), python(), "{text}");
        // A life of that length: stale at once.
        stale.by_python(Some(STALE)).ask(original, "set", &set);
        assert_eq!((stale.lookup)(), Lookup::Stale(python()), "{text}");
        assert!(!(stale.call.has)() && !(stale.call.touch)(), "{text}");
        // A little longer: fresh, and then stale.
        stale.by_python(Some(STALE + 3)).ask(original, "set", &set);
        assert_eq!((stale.lookup)(), Lookup::Fresh(python()), "{text}");
        let start = Instant::now();
        while (stale.lookup)() != Lookup::Stale(python()) {
            assert!(start.elapsed() < PATIENCE, "{text}");
            sleep(Duration::from_millis(20));
        }
        assert!(
            start.elapsed() >= Duration::from_secs(1),
            "{text}: sooner than it is stale"
        );
        computed();
        assert_eq!(
            (stale.call.get_or_update)(),
            Answer::of_rust(),
            "{text}: by the caller"
        );
        assert_eq!(computed(), 1, "{text}");
        let found = (Answer::of_rust().in_python(), false);
        assert_eq!(stale.call.in_python(original, "get"), found, "{text}");
    });
}

#[test]
fn f3_what_python_wrote_without_an_expiry_is_fresh() {
    each(|stale, original| {
        let (text, python) = (stale.call.text, Answer::of_python());
        let set = [python.in_python()];
        // The client's value for it.
        let never = (stale.call.twin.storage == "memcached").then_some(0);
        stale.by_python(never).ask(original, "set", &set);
        assert_eq!((stale.lookup)(), Lookup::Fresh(python.clone()), "{text}");
        assert_eq!((stale.call.get_or_update)(), python, "{text}");
        // With `expire` it becomes stale for Rust, while Python finds it.
        assert!((stale.expire)(), "{text}");
        assert_eq!((stale.lookup)(), Lookup::Stale(python.clone()), "{text}");
        assert_eq!(
            stale.call.in_python(original, "get"),
            (python.in_python(), false),
            "{text}"
        );
    });
}

#[test]
fn f3_python_restarts_the_life_of_what_rust_wrote() {
    each(|stale, original| {
        let text = stale.call.text;
        (stale.call.get_or_update)();
        assert!((stale.expire)(), "{text}");
        stale.by_python(Some(STALE + 60)).ask(original, "touch", &[]);
        assert_eq!((stale.lookup)(), Lookup::Fresh(Answer::of_rust()), "{text}");
    });
}
