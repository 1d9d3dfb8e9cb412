//! Keys chosen by an attacker cost no more than others. The cost is counted, not timed.

mod chosen;
mod lists;

use std::cell::Cell;
use std::collections::HashSet;
use std::env;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::process::Command;

use ring_cache_core::key::{CallKey, EncodedKey};
use ring_cache_core::storage::{EvictionCounts, StorageBase};
use ring_cache_core::{Bracket, Key, KeyWriter, Lru, Name, RingKey};

/// The number of keys in an attack.
const KEYS: usize = 1 << 12;

/// Shows the number that a recorded key writes: its hash in memory.
#[derive(Default)]
struct Shown(u64);

impl Hasher for Shown {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a recorded key writes one number");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

fn hash<K: RingKey>(key: &K) -> u64 {
    BuildHasherDefault::<Shown>::default().hash_one(EncodedKey::of(key))
}

fn hash_in<K: RingKey>(ring: &Name, key: &K) -> u64 {
    hash(&CallKey::new(ring, &(key,)))
}

thread_local!(static VISITS: Cell<u64> = const { Cell::new(0) });

/// A key that counts its hashes, records and comparisons.
struct Watched<'k, K>(&'k K);

impl<K: RingKey> RingKey for Watched<'_, K> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        VISITS.set(VISITS.get() + 1);
        self.0.ring_key(key);
    }
}

/// The number of visits of keys to store each and to find each ten times. No key may displace another, although the
/// cache is split into shards; each shard has room for twice its expected number.
fn visits<K: RingKey>(keys: &[K]) -> u64 {
    let lru = Lru::<usize>::builder()
        .capacity(2 * keys.len())
        .shards(16)
        .build();
    VISITS.set(0);
    for (number, key) in keys.iter().enumerate() {
        lru.set(&Watched(key), number);
    }
    for _ in 0..10 {
        for (number, key) in keys.iter().enumerate() {
            assert_eq!(lru.get(&Watched(key)), Some(number));
        }
    }
    lru.validate();
    assert_eq!(
        (lru.len(), lru.eviction_counts()),
        (keys.len(), EvictionCounts::default())
    );
    VISITS.get()
}

/// Distributes hashes over equally many buckets, by each part of their bits, and counts the pairs that share one.
fn crowding(hashes: &[u64]) -> u64 {
    let pairs = |shift: u32| -> u64 {
        let mut loads = vec![0_u64; hashes.len().next_power_of_two()];
        let buckets = loads.len();
        for hash in hashes {
            loads[hash.rotate_right(shift) as usize % buckets] += 1;
        }
        loads.iter().map(|load| load * load).sum()
    };
    (0..64).step_by(4).map(pairs).sum()
}

/// Compares chosen keys with random ones of their kind.
fn assert_as_cheap<K: RingKey>(what: &str, chosen: &[K], random: &[K]) {
    assert_eq!(chosen.len(), random.len(), "{what}");
    let ring = Name::chosen("flooded");
    let hashes = |keys: &[K]| -> Vec<u64> { keys.iter().map(|key| hash_in(ring, key)).collect() };
    let (ours, theirs) = (hashes(random), hashes(chosen));
    let different: HashSet<_> = theirs.iter().collect();
    assert_eq!(different.len(), chosen.len(), "{what}: different hashes");
    let (fair, crowded) = (crowding(&ours), crowding(&theirs));
    assert!(crowded <= 2 * fair, "{what}: {crowded} beside {fair}");
    let (fair, visited) = (visits(random), visits(chosen));
    assert!(visited <= 2 * fair, "{what}: {visited} beside {fair}");
    println!(
        "{what}: crowding {crowded} beside {}, visits {visited} beside {fair}",
        crowding(&ours)
    );
}

/// Numbers that look random and are the same in every run.
fn random() -> impl Iterator<Item = u64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    })
}

/// The hashes of keys in one ring, even if measured, tell nothing about another ring.
#[test]
fn keys_that_collide_in_one_ring_do_not_in_another() {
    let (known, other) = (Name::chosen("known"), Name::chosen("unknown"));
    let in_one_bucket: Vec<u64> = (0..)
        .filter(|number: &u64| hash_in(known, number) & 0xff == 0)
        .take(KEYS)
        .collect();
    let hashes: Vec<_> = in_one_bucket
        .iter()
        .map(|number| hash_in(other, number))
        .collect();
    let fair: Vec<_> = random()
        .take(KEYS)
        .map(|number| hash_in(other, &number))
        .collect();
    assert!(crowding(&hashes) <= 2 * crowding(&fair));
    let known: Vec<_> = in_one_bucket
        .iter()
        .map(|number| hash_in(known, number))
        .collect();
    assert!(
        crowding(&known) > 10 * crowding(&fair),
        "the attacked ring has many collisions"
    );
}

/// Set in a child process, which prints its hashes.
const CHILD: &str = "RING_CACHE_SHOW_HASHES";

#[test]
fn seeds_differ_from_process_to_process_and_from_ring_to_ring() {
    let shown = || {
        let (one, other) = (Name::chosen("seed"), Name::chosen("another"));
        [hash(&1_u8), hash_in(one, &1_u8), hash_in(other, &1_u8)]
    };
    if env::var_os(CHILD).is_some() {
        println!("hashes: {:?}", shown());
        return;
    }
    let mut seen: HashSet<String> = shown().iter().map(u64::to_string).collect();
    for _ in 0..8 {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("flooding::seeds_differ_from_process_to_process_and_from_ring_to_ring")
            .env(CHILD, "1")
            .output()
            .unwrap();
        let output = String::from_utf8(child.stdout).unwrap();
        let (_, hashes) = output.split_once("hashes: [").expect("the child says its hashes");
        let (hashes, _) = hashes.split_once(']').unwrap();
        seen.extend(hashes.split(", ").map(str::to_owned));
    }
    assert_eq!(seen.len(), 3 * 9);
}
