//! A far tier with too little memory, by several of its policies.

use std::time::{Duration, Instant};

use ring_cache::coder::Raw;
use ring_cache::storage::Storage;
use ring_cache::{Lru, RingKey, ring_impl};
use ring_cache_backends::{Redis, Tiered};
use ring_cache_test_servers::{Redis as Server, or_leave_out};

use crate::blocking::gated::PATIENCE;

type Tier = Tiered<Lru<Vec<u8>>, Redis>;

/// Twice as many as fit into the far tier.
const KEYS: u32 = 500;

#[derive(RingKey)]
struct Pages {
    #[ring_key(skip)]
    tier: Tier,
}

fn page(number: u32) -> Vec<u8> {
    number.to_le_bytes().repeat(1_000)
}

#[ring_impl(storage = self.tier as Tier, coder = Raw, ignore(self))]
impl Pages {
    #[ring(key_prefix = "brief", expire = "1h")]
    fn brief(&self, number: u32) -> Vec<u8> {
        page(number)
    }

    #[ring(key_prefix = "lasting")]
    fn lasting(&self, number: u32) -> Vec<u8> {
        page(number)
    }
}

fn used_memory(server: &Server) -> u64 {
    server.info("memory")["used_memory"].parse().unwrap()
}

/// The pages that are near, and whether each is in the far tier.
fn near(pages: &Pages) -> Vec<bool> {
    let (near, far) = (pages.tier.near(), pages.tier.far());
    let keys = (0..KEYS).map(|number| pages.brief_ring(number).key());
    keys.filter(|key| near.contains(key, None) == Ok(true))
        .map(|key| far.contains(&key, None).unwrap())
        .collect()
}

#[test]
fn what_the_far_tier_evicts_is_dropped_near_and_no_answer_is_wrong() {
    let Some(server) = or_leave_out("a far tier with little memory", Server::start()) else {
        return;
    };
    for policy in ["allkeys-lru", "allkeys-random", "volatile-lru", "noeviction"] {
        server.command(&["FLUSHALL"]);
        server.command(&["CONFIG", "SET", "maxmemory", "0", "maxmemory-policy", policy]);
        let redis = Redis::open(server.url()).unwrap().deadline(PATIENCE);
        let pages = Pages {
            tier: Tiered::new(Lru::new(2 * KEYS as usize), redis),
        };
        assert_eq!(pages.brief(0), page(0));
        let memory = used_memory(&server) + (1 << 20);
        server.command(&["CONFIG", "SET", "maxmemory", &memory.to_string()]);
        server.command(&["CONFIG", "RESETSTAT"]);
        for number in 0..3 * KEYS {
            let number = number * 7 % KEYS;
            assert_eq!(pages.brief(number), page(number), "{policy}");
            if number.is_multiple_of(4) {
                assert_eq!(pages.lasting(number), page(number), "{policy}");
            }
        }
        let evicted = server.info("stats")["evicted_keys"] != "0";
        assert_eq!(evicted, policy != "noeviction", "{policy}");
        let start = Instant::now();
        while near(&pages).contains(&false) {
            assert!(start.elapsed() < PATIENCE, "{policy}");
            std::thread::sleep(Duration::from_millis(5));
        }
        if policy.starts_with("allkeys") {
            assert!(!near(&pages).is_empty(), "{policy}");
        }
        assert_eq!(pages.tier.far().health().silent, 0);
    }
}
