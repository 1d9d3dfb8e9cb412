//! Rings: their names, and the storages that they share.

use std::time::Duration;

use ring_cache_core::clock::ManualClock;
use ring_cache_core::{Action, ActionResult, Calls, Lru, Map, Name, Plain, Ring};

use crate::support::{Cache, call, keep, never, ring};

/// `fn method(a: u32, b: u32) -> u32`, cached.
macro_rules! two_segments {
    ($ring:expr, $storage:expr) => {
        Cache::new($ring, $storage).bind::<Plain<u32>, _, _>((1_u32, 2_u32), |(a, b)| a + b)
    };
}

#[test]
fn two_rings_of_one_prefix_are_one_ring() {
    let (one, other) = (ring(), ring());
    let (lru, map) = (Lru::new(10), Map::new());
    assert_eq!(call(one, &lru, 1, || 7).get_or_update(), 7);
    assert_eq!(call(other, &lru, 1, never).get_or_update(), 7);
    assert_eq!(call(one, &map, 1, || 7).get_or_update(), 7);
    assert_eq!(call(other, &map, 1, never).get_or_update(), 7);
    assert_eq!(
        call(one, &map, 1, never::<u32>).key(),
        call(other, &map, 1, never::<u32>).key()
    );
    Cache::new(other, &lru).clear::<u32>();
    assert!(!call(one, &lru, 1, never).has());
}

#[test]
fn rings_of_different_prefixes_share_a_storage_and_no_entries() {
    let (one, other) = (ring(), keep(Ring::with_prefix("pp")));
    let (lru, map) = (Lru::new(10), Map::new());
    for (ring, value) in [(one, 1), (other, 2)] {
        assert_eq!(call(ring, &lru, 1, || value).get_or_update(), value);
        assert_eq!(call(ring, &map, 1, || value).get_or_update(), value);
    }
    assert_eq!(map.keys(), ["p:1", "pp:1"]);
}

/// Like [`call`], with a text instead of a number.
macro_rules! text_call {
    ($ring:expr, $storage:expr, $text:expr, $code:expr) => {{
        let code = $code;
        Cache::new($ring, $storage)
            .bind::<Plain<u32>, _, _>(($text.to_owned(),), move |(_,): (String,)| code())
    }};
}

#[test]
fn rings_whose_keys_could_be_equal_keep_away_from_the_storage() {
    let (short, long, map) = (ring(), keep(Ring::with_prefix("p:q")), Map::new());
    assert_eq!(text_call!(short, &map, "q:1", || 1).get_or_update(), 1);
    assert!(Cache::new(short, &map).conflict::<u32>().is_none());
    // `p:q:1` is a key of both.
    assert_eq!(call(long, &map, 1, || 2).get_or_update(), 2);
    assert_eq!(text_call!(short, &map, "q:1", || 3).get_or_update(), 3);
    for ring in [short, long] {
        let message = Cache::new(ring, &map).conflict::<u32>().unwrap();
        assert!(
            message.contains("(`p`)") && message.contains("(`p:q`)"),
            "{message}"
        );
    }
    let call = || call(long, &map, 1, || 4);
    assert_eq!(call().update(), 4);
    assert_eq!([call()].get_or_update_many(), [4]);
    assert_eq!([call()].update_many(), [4]);
    call().set(5);
    assert!([call()].set_many([5]).is_err());
    assert_eq!(call().get(), None);
    assert!(!call().has() && !call().delete() && !call().touch());
    assert_eq!([call()].has_many(), [false]);
    assert_eq!(call().run(Action::Get), ActionResult::Cached(None));
    assert_eq!(map.keys(), ["p:q:1"], "the entries of the first ring remain");
    let counted = |ring| Cache::new(ring, &map).stats::<u32>();
    assert!(
        counted(long).errors >= 10 && counted(long).stores == 0,
        "{:?}",
        counted(long)
    );
    assert!(counted(short).errors >= 1);
}

#[test]
fn rings_whose_keys_differ_by_their_types_share_a_storage() {
    let (users, posts, map) = (ring(), keep(Ring::with_prefix("p:posts")), Map::new());
    assert_eq!(call(users, &map, 1, || 1).get_or_update(), 1);
    assert_eq!(call(posts, &map, 1, || 2).get_or_update(), 2);
    assert_eq!(call(users, &map, 1, never).get_or_update(), 1);
    assert_eq!(call(posts, &map, 1, never).get_or_update(), 2);
    assert!(Cache::new(posts, &map).conflict::<u32>().is_none());
    assert_eq!(map.keys(), ["p:1", "p:posts:1"]);
}

#[test]
fn prefixes_do_not_conflict_where_bytes_are_compared() {
    let (short, long, lru) = (ring(), keep(Ring::with_prefix("p:q")), Lru::new(10));
    assert_eq!(text_call!(short, &lru, "q:1", || 1).get_or_update(), 1);
    assert_eq!(call(long, &lru, 1, || 2).get_or_update(), 2);
    assert_eq!(text_call!(short, &lru, "q:1", never::<u32>).get_or_update(), 1);
    assert_eq!(call(long, &lru, 1, never).get_or_update(), 2);
}

#[test]
fn one_prefix_with_different_numbers_of_segments() {
    let (ring, other, map) = (ring(), ring(), Map::new());
    call(ring, &map, 1, || 1).get_or_update();
    assert_eq!(
        two_segments!(ring, &map).get_or_update(),
        two_segments!(ring, &map).get_or_update()
    );
    assert!(
        Cache::new(ring, &map).conflict::<u32>().is_none(),
        "numbers have no `:`"
    );
    let map = Map::new();
    text_call!(other, &map, "1:2", || 1).get_or_update();
    two_segments!(other, &map).get_or_update();
    assert!(Cache::new(other, &map).conflict::<u32>().is_some());
}

#[test]
fn names_are_equal_when_their_texts_are() {
    assert_eq!(Name::chosen("a:b"), Name::chosen("a:b"));
    assert_ne!(Name::chosen("a:b"), Name::chosen("a.b"));
    assert!(std::ptr::eq(Name::chosen("same"), Name::chosen("same")));
    let names = ["a b", "a%20b", "a\tb", "ä", "a\u{301}", "a", "A", "a:", ":a", ""];
    for (place, name) in names.iter().enumerate() {
        for other in &names[place + 1..] {
            assert_ne!(Name::chosen(name).as_str(), Name::chosen(other).as_str());
        }
        assert!(Name::chosen(name).as_str().chars().all(|c| c.is_ascii_graphic()));
    }
}

#[test]
fn clear_removes_the_entries_of_its_ring_only() {
    let (one, other) = (ring(), keep(Ring::with_prefix("pp")));
    let (lru, map) = (Lru::builder().capacity(1000).shards(4).build(), Map::new());
    for id in 0..20 {
        for ring in [one, other] {
            call(ring, &lru, id, || id).update();
            call(ring, &map, id, || id).update();
        }
    }
    lru.set(&"p:1", 1);
    Cache::new(one, &lru).clear::<u32>();
    Cache::new(one, &map).clear::<u32>();
    for id in 0..20 {
        assert!(!call(one, &lru, id, never).has() && call(other, &lru, id, never).has());
        assert!(!call(one, &map, id, never).has() && call(other, &map, id, never).has());
    }
    assert_eq!((lru.len(), map.len()), (21, 20));
    lru.clear();
    map.clear();
    assert!(lru.is_empty() && map.is_empty());
}

#[test]
fn a_map_shows_its_entries() {
    let clock = ManualClock::default();
    let (ring, map) = (ring(), Map::with_clock(clock.clone()));
    assert!(map.is_empty());
    call(ring, &map, 2, || 20).update();
    call(ring, &map, 1, || 10)
        .expire_in(Duration::from_secs(5))
        .update();
    assert_eq!(
        (map.peek("p:1"), map.peek("p:2"), map.peek("p:3")),
        (Some(10), Some(20), None)
    );
    assert_eq!(
        (map.keys(), map.len()),
        (vec!["p:1".to_owned(), "p:2".to_owned()], 2)
    );
    assert_eq!(map.get(&call(ring, &map, 1, never::<i32>).key()), Some(10));
    clock.advance(Duration::from_secs(5));
    assert_eq!(
        (map.peek("p:1"), map.keys(), map.len()),
        (None, vec!["p:2".to_owned()], 1)
    );
    assert!(!call(ring, &map, 1, never).delete());
    assert!(
        !call(ring, &map, 1, never)
            .expire_in(Duration::from_secs(5))
            .touch()
    );
    assert!(
        call(ring, &map, 2, never)
            .expire_in(Duration::from_secs(5))
            .touch()
    );
    clock.advance(Duration::from_secs(5));
    assert!(map.is_empty());
    call(ring, &map, 3, || 30).expire_in(Duration::ZERO).update();
    assert!(map.is_empty());
}

#[test]
fn actions_are_read_from_text_and_run() {
    let (ring, map) = (ring(), Map::new());
    let run = |action: &str| call(ring, &map, 1, || 7).run(action.parse().unwrap());
    assert_eq!(run("get"), ActionResult::Cached(None));
    assert_eq!(run("has"), ActionResult::Existed(false));
    assert_eq!(run("execute"), ActionResult::Returned(7));
    assert_eq!(run("get"), ActionResult::Cached(None));
    assert_eq!(run("update"), ActionResult::Returned(7));
    assert_eq!(run("get"), ActionResult::Cached(Some(7)));
    assert_eq!(run("get_or_update"), ActionResult::Returned(7));
    assert_eq!(run("touch"), ActionResult::Existed(true));
    assert_eq!(run("delete"), ActionResult::Existed(true));
    assert_eq!(run("delete"), ActionResult::Existed(false));
    assert_eq!(
        run("key"),
        ActionResult::Key(call(ring, &map, 1, never::<i32>).key())
    );
    assert_eq!(run("execute").returned(), Some(7));
    assert_eq!(run("get").returned(), None);
    for name in [
        "get",
        "get_or_update",
        "update",
        "delete",
        "has",
        "touch",
        "execute",
        "key",
    ] {
        assert_eq!(name.parse::<Action>().unwrap().to_string(), name);
    }
    for unknown in ["", "Get", "get ", "set"] {
        assert!(
            unknown
                .parse::<Action>()
                .unwrap_err()
                .to_string()
                .contains("is not an action")
        );
    }
}

#[test]
fn the_key_of_a_call_finds_its_entry() {
    let (ring, lru) = (ring(), Lru::new(10));
    let key = call(ring, &lru, 1, never::<u32>).key();
    assert_eq!((key.to_string(), key.as_str()), ("p:1".to_owned(), "p:1"));
    call(ring, &lru, 1, || 7_u32).update();
    assert_eq!(lru.get(&key), Some(7));
    assert!(lru.get(&"p:1").is_none(), "in memory a text is another key");
    lru.set(&key, 8);
    assert_eq!(call(ring, &lru, 1, never).get(), Some(8));
}
