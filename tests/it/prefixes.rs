//! `key_prefix` with other options.

use std::marker::PhantomData;
use std::sync::LazyLock;

use ring_cache::{Map, RingKey, ring, ring_impl};

struct Repository<T>(PhantomData<T>);
struct Cat;
struct Dog;

mod v1 {
    pub(super) struct User;
}
mod v2 {
    pub(super) struct User;
}

static KINDS: LazyLock<Map<&'static str>> = LazyLock::new(Map::new);

macro_rules! kinds {
    ($($type:ty => $value:literal;)*) => {$(
        #[ring_impl(map = KINDS)]
        impl $type {
            #[ring(class, key_prefix = "kind")]
            fn kind() -> &'static str {
                $value
            }
        }
    )*};
}

kinds! {
    Repository<Cat> => "cats";
    Repository<Dog> => "dogs";
    v1::User => "users, 1";
    v2::User => "users, 2";
}

struct Generic<T>(PhantomData<T>);

#[ring_impl(map = KINDS)]
impl<T: RingKey> Generic<T> {
    #[ring(class, key_prefix = "generic")]
    fn kind() -> &'static str {
        std::any::type_name::<T>()
    }
}

#[test]
fn a_class_joins_the_key_with_its_module_and_arguments() {
    for _ in 0..2 {
        assert_eq!(
            (Repository::<Cat>::kind(), Repository::<Dog>::kind()),
            ("cats", "dogs")
        );
        assert_eq!((v1::User::kind(), v2::User::kind()), ("users, 1", "users, 2"));
        assert_ne!(Generic::<u8>::kind(), Generic::<u16>::kind());
    }
    let key = Repository::<Cat>::kind_ring().key();
    assert!(
        key.as_str().starts_with("kind:") && key.as_str().ends_with(".prefixes.Repository<Cat>"),
        "{key}"
    );
    let key = Generic::<u8>::kind_ring().key();
    assert!(key.as_str().ends_with(".prefixes.Generic<u8>"), "{key}");
}

mod one_goes_on {
    use super::*;

    static MAP: LazyLock<Map<u32>> = LazyLock::new(Map::new);

    #[derive(RingKey)]
    struct Id(u64);

    #[derive(RingKey)]
    enum Part {
        Head,
        Page(u32),
    }

    #[ring(map = MAP, key_prefix = "user")]
    fn user(id: Id) -> u32 {
        id.0 as u32
    }

    #[ring(map = MAP, key_prefix = "user:part")]
    fn part(part: Part) -> u32 {
        match part {
            Part::Head => 0,
            Part::Page(number) => number,
        }
    }

    #[ring(map = MAP, key_prefix = "user:posts")]
    fn posts(id: &str) -> u32 {
        id.len() as u32 + 10
    }

    #[ring(map = MAP, key_prefix = "user:part:of")]
    fn part_of(id: u32) -> u32 {
        id + 20
    }

    #[test]
    fn where_no_key_can_be_the_others_both_are_fine() {
        for _ in 0..2 {
            assert_eq!((user(Id(1)), posts("abc")), (1, 13));
            assert_eq!((part(Part::Head), part(Part::Page(7)), part_of(7)), (0, 7, 27));
        }
        for stats in [user_cache().stats(), posts_cache().stats(), part_cache().stats()] {
            assert_eq!(stats.errors, 0);
            assert!(stats.hits > 0);
        }
        assert_eq!(user_cache().conflict(), None);
    }
}

mod they_meet {
    use super::*;

    static MAP: LazyLock<Map<u32>> = LazyLock::new(Map::new);

    #[ring(map = MAP, key_prefix = "file")]
    fn file(path: &str) -> u32 {
        path.len() as u32
    }

    #[ring(map = MAP, key_prefix = "file:size")]
    fn size(path: &str) -> u32 {
        path.len() as u32 + 100
    }

    #[test]
    fn calls_keep_away_from_the_cache_and_a_test_finds_out() {
        for _ in 0..2 {
            assert_eq!(file("size:a"), 6);
            assert_eq!(size("a"), 101);
        }
        assert!(size_cache().stats().errors > 0 && file_cache().stats().errors > 0);
        let conflict = file_cache().conflict().unwrap();
        for name in ["they_meet.file", "they_meet.size", "`file`", "`file:size`"] {
            assert!(conflict.contains(name), "{conflict}");
        }
    }
}

mod nested {
    use super::*;

    static MAP: LazyLock<Map<u32>> = LazyLock::new(Map::new);

    trait Age {
        fn age(&self) -> u32;
        fn later(&self) -> u32;
    }

    macro_rules! age {
        ($type:ty, $more:literal) => {
            impl Age for $type {
                fn age(&self) -> u32 {
                    #[ring(storage = MAP as Map<u32>)]
                    fn load(n: u32) -> u32 {
                        n + $more
                    }
                    load(1)
                }
                fn later(&self) -> u32 {
                    #[ring(storage = MAP as Map<u32>)]
                    fn load(n: u32) -> u32 {
                        n + 10 * $more
                    }
                    load(1)
                }
            }
        };
    }

    age!(Cat, 1);
    age!(Dog, 2);
    age!(Vec<Cat>, 3);
    age!(Vec<Dog>, 4);
    age!(String, 5);

    #[test]
    fn functions_in_methods_of_traits_have_names_of_their_own() {
        for _ in 0..2 {
            assert_eq!((Cat.age(), Dog.age()), (2, 3));
            assert_eq!((Cat.later(), Dog.later()), (11, 21));
            assert_eq!((Vec::<Cat>::new().age(), Vec::<Dog>::new().age()), (4, 5));
            assert_eq!(String::new().age(), 6);
        }
        let keys = MAP.keys();
        assert!(
            keys.iter()
                .any(|key| key.ends_with(".prefixes.Cat.<Age>.age.load:1")),
            "{keys:?}"
        );
        assert!(
            keys.iter()
                .any(|key| key.ends_with("nested.Vec<it.prefixes.Dog>.<Age>.age.load:1")),
            "{keys:?}"
        );
    }
}

mod spelled_by_the_compiler {
    use super::*;

    struct Handler<T: ?Sized>(PhantomData<T>);

    #[ring_impl]
    impl Handler<fn(u32) -> String> {
        #[ring]
        fn run() -> u32 {
            1
        }
    }

    #[ring_impl]
    impl Handler<dyn Fn(u32) -> String> {
        #[ring]
        fn run() -> u32 {
            2
        }
    }

    #[ring_impl]
    impl Handler<[fn() -> Option<Box<dyn Fn(&str) -> Vec<String>>>; 2]> {
        #[ring]
        fn run() -> u32 {
            3
        }
    }

    #[test]
    fn names_are_made_of_what_the_user_wrote() {
        let keys = [
            Handler::<fn(u32) -> String>::run_ring().key(),
            Handler::<dyn Fn(u32) -> String>::run_ring().key(),
            Handler::<[fn() -> Option<Box<dyn Fn(&str) -> Vec<String>>>; 2]>::run_ring().key(),
        ];
        assert!(
            keys[0]
                .as_str()
                .ends_with("spelled_by_the_compiler.Handler<fn(u32)->String>.run"),
            "{keys:?}"
        );
        assert!(
            keys[1].as_str().ends_with("Handler<dyn-Fn(u32)->String>.run"),
            "{keys:?}"
        );
        for key in keys {
            assert!(
                !key.as_str().contains("alloc") && !key.as_str().contains("core."),
                "{key}"
            );
        }
    }
}
