//! Each finding of the doctor: a program with the fault, and one without.

use std::sync::LazyLock;

use ring_cache::{Map, ring};

use super::{findings, has};

#[ring(key_prefix = "doctor.never")]
fn never(id: u32) -> u32 {
    id
}

#[ring(key_prefix = "doctor.sometimes")]
fn sometimes(id: u32) -> u32 {
    id
}

#[test]
fn o6_never_hit() {
    (0..30).for_each(|id| _ = never(id));
    (0..30).for_each(|id| _ = sometimes(id % 3));
    let found = findings("doctor.never");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].code(), "never-hit");
    assert_eq!(found[0].sentence(), "has found no value in 30 look-ups");
    assert!(!found[0].remedy().is_empty());
    let text = found[0].to_string();
    assert!(
        text.starts_with("never-hit: `doctor.never` has found no value in 30 look-ups. "),
        "{text}"
    );
    assert!(findings("doctor.sometimes").is_empty());
}

#[ring(capacity = 2, key_prefix = "doctor.churning")]
fn churning(id: u32) -> u32 {
    id
}

#[ring(capacity = 90, key_prefix = "doctor.roomy")]
fn roomy(id: u32) -> u32 {
    id
}

#[test]
fn o6_churn() {
    for id in 0..100 {
        churning(id);
        roomy(id);
    }
    assert!(has("doctor.churning", "churn"));
    assert!(!has("doctor.roomy", "churn"), "ten of a hundred were evicted");
}

#[ring(key_prefix = "doctor.low")]
fn low(id: u32) -> u32 {
    id
}

#[test]
fn o6_low_hit_ratio() {
    (0..30).for_each(|id| _ = low(id));
    low(29);
    assert!(has("doctor.low", "low-hit-ratio"));
    (0..10).for_each(|_| _ = low(29));
    assert!(!has("doctor.low", "low-hit-ratio"));
}

static BYTES: LazyLock<Map<Vec<u8>>> = LazyLock::new(Map::new);

#[cfg(feature = "json")]
#[ring(map = BYTES, coder = ring_cache::coder::Json, key_prefix = "doctor.decoded")]
fn decoded(id: u32) -> u32 {
    id
}

#[cfg(feature = "json")]
#[test]
fn o6_decode_errors() {
    decoded(1);
    assert!(findings("doctor.decoded").is_empty());
    BYTES.set(&decoded_ring(2).key(), b"no number".to_vec());
    assert_eq!(decoded(2), 2);
    let found = findings("doctor.decoded");
    assert_eq!((found.len(), found[0].code()), (1, "decode-errors"));
    assert!(found[0].sentence().ends_with("1 time"));
}

static GROWING: LazyLock<Map<u32>> = LazyLock::new(Map::new);
static EXPIRING: LazyLock<Map<u32>> = LazyLock::new(Map::new);

#[ring(map = GROWING, key_prefix = "doctor.growing")]
fn growing(id: u32) -> u32 {
    id
}

#[ring(map = EXPIRING, expire = "1m", key_prefix = "doctor.expiring")]
fn expiring(id: u32) -> u32 {
    id
}

#[test]
fn o6_unbounded() {
    for id in 0..10_000 {
        growing(id);
        expiring(id);
    }
    assert!(!has("doctor.growing", "unbounded"));
    growing(10_000);
    expiring(10_000);
    assert!(has("doctor.growing", "unbounded"));
    assert!(!has("doctor.expiring", "unbounded"));
}

#[ring(capacity = 10_000, key_prefix = "doctor.empty")]
fn empty(id: u32) -> u32 {
    id
}

#[ring(capacity = 10_000, key_prefix = "doctor.filling")]
fn filling(id: u32) -> u32 {
    id
}

#[test]
fn o6_capacity_never_filled() {
    (0..200).for_each(|id| _ = empty(id % 3));
    (0..200).for_each(|id| _ = filling(id / 2));
    assert!(has("doctor.empty", "capacity-never-filled"));
    assert!(
        !has("doctor.filling", "capacity-never-filled"),
        "it is not warm yet"
    );
    (0..5_000).for_each(|id| _ = filling(id));
    (0..90_000).for_each(|_| _ = filling(1));
    assert!(
        !has("doctor.filling", "capacity-never-filled"),
        "half of it was used"
    );
}

#[cfg(feature = "redis")]
mod far {
    use ring_cache::{Redis, ring};
    use std::sync::LazyLock;

    use super::*;

    static ONE: LazyLock<Redis> = LazyLock::new(super::super::unreachable_redis);
    static OTHER: LazyLock<Redis> = LazyLock::new(super::super::unreachable_redis);
    static ELSEWHERE: LazyLock<Redis> =
        LazyLock::new(|| super::super::unreachable_redis().namespace("elsewhere"));

    #[ring(redis = ONE, expire = "1m", key_prefix = "doctor.p")]
    fn short(name: &str) -> u32 {
        name.len() as u32
    }

    #[ring(redis = OTHER, expire = "1m", key_prefix = "doctor.p:posts")]
    fn long(id: u32) -> u32 {
        id
    }

    #[ring(redis = ELSEWHERE, expire = "1m", key_prefix = "doctor.p:elsewhere")]
    fn elsewhere(id: u32) -> u32 {
        id
    }

    #[ring(redis = ONE, expire = "1m", key_prefix = "doctor.q")]
    fn number(id: u32) -> u32 {
        id
    }

    #[ring(redis = OTHER, expire = "1m", key_prefix = "doctor.q:posts")]
    fn posts(id: u32) -> u32 {
        id
    }

    #[test]
    fn o6_prefixes_overlap_across_handles() {
        let _ = (short("a"), long(1), elsewhere(1), number(1), posts(1));
        assert!(has("doctor.p", "prefixes-overlap") && has("doctor.p:posts", "prefixes-overlap"));
        let found = findings("doctor.p:posts");
        let overlap = found.iter().find(|finding| finding.code() == "prefixes-overlap");
        assert!(overlap.unwrap().sentence().contains("`doctor.p`"), "{overlap:?}");
        assert!(
            !has("doctor.p:elsewhere", "prefixes-overlap"),
            "another namespace"
        );
        for name in ["doctor.q", "doctor.q:posts"] {
            assert!(!has(name, "prefixes-overlap"), "a number is not `posts`");
        }
    }

    #[test]
    fn o6_storage_fails() {
        number(2);
        assert!(has("doctor.q", "storage-fails"));
        super::sometimes(1);
        assert!(!has("doctor.sometimes", "storage-fails"));
    }
}

#[cfg(feature = "disk")]
mod on_disk {
    use std::time::Duration;

    use ring_cache::{Disk, RingKey, ring_impl};

    use super::*;

    #[derive(RingKey)]
    struct Files {
        #[ring_key(skip)]
        disk: Disk,
    }

    #[ring_impl(disk = self.disk)]
    impl Files {
        #[ring(key_prefix = "doctor.lasting")]
        fn lasting(&self, id: u32) -> u32 {
            id
        }
        #[ring(key_prefix = "doctor.ending", expire = "1m")]
        fn ending(&self, id: u32) -> u32 {
            id
        }
        #[ring(key_prefix = "doctor.trivial", expire = "1m")]
        fn trivial(&self, id: u32) -> u32 {
            id
        }
        #[ring(key_prefix = "doctor.costly", expire = "1m")]
        fn costly(&self, id: u32) -> u32 {
            std::thread::sleep(Duration::from_millis(100));
            id
        }
    }

    #[test]
    fn o6_no_expiry_and_slow_look_up() {
        let folder = std::env::temp_dir().join(format!("ring-cache-doctor-{}", std::process::id()));
        let files = Files {
            disk: Disk::open(folder.join("cache"))
                .unwrap()
                .deadline(Duration::from_secs(20)),
        };
        files.lasting(1);
        files.ending(1);
        (0..30).for_each(|id| _ = files.costly(id / 28));
        // A busy machine may interrupt one body for longer than all these look-ups take, but not most of them.
        let found_slow = (0..1_000).any(|round| {
            (0..30).for_each(|id| _ = files.trivial(30 * round + id));
            has("doctor.trivial", "slow-look-up")
        });
        assert!(has("doctor.lasting", "no-expiry"));
        assert!(!has("doctor.ending", "no-expiry"));
        assert!(found_slow);
        assert!(!has("doctor.costly", "slow-look-up"));
        drop(files);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
