//! Generic blocks, methods and functions: each instantiation has its own entries, in any storage.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::LazyLock;

use ring_cache::{Lru, Map, RingKey, ring, ring_impl};

trait Entity: Send + Sync + 'static {
    const NAME: &str;
    const CAPACITY: usize = 3;
}

struct User;
struct Order;

impl Entity for User {
    const NAME: &str = "user";
}

impl Entity for Order {
    const NAME: &str = "order";
    const CAPACITY: usize = 4;
}

static LRU: LazyLock<Lru<String>> = LazyLock::new(|| Lru::new(1000));
static MAP: LazyLock<Map<String>> = LazyLock::new(Map::new);

#[derive(RingKey)]
struct Repo<T> {
    id: u32,
    #[ring_key(skip)]
    kind: PhantomData<T>,
}

impl<T> Repo<T> {
    fn new() -> Self {
        Repo {
            id: 1,
            kind: PhantomData,
        }
    }
}

#[ring_impl]
impl<T: Entity> Repo<T> {
    #[ring]
    fn own(&self) -> String {
        T::NAME.into()
    }
    #[ring(lru = LRU)]
    fn in_lru(&self) -> String {
        T::NAME.into()
    }
    #[ring(map = MAP)]
    fn in_map(&self) -> String {
        T::NAME.into()
    }
    #[ring]
    fn own_static() -> String {
        T::NAME.into()
    }
    #[ring(lru = LRU)]
    fn static_in_lru(n: u32) -> String {
        format!("{}{n}", T::NAME)
    }
    #[ring(class, map = MAP)]
    fn class_in_map() -> String {
        T::NAME.into()
    }
    #[ring(map = MAP, key_prefix = "generic")]
    fn prefixed(&self) -> String {
        T::NAME.into()
    }
    #[ring(map = MAP, key_prefix = T::NAME)]
    fn prefixed_by_type(&self) -> String {
        T::NAME.into()
    }
    #[ring(capacity = T::CAPACITY)]
    fn capacity() -> String {
        T::NAME.into()
    }
}

macro_rules! never_share {
    ($($call:ident)*) => {$(
        assert_eq!(Repo::<User>::new().$call(), "user", stringify!($call));
        assert_eq!(Repo::<Order>::new().$call(), "order", stringify!($call));
    )*};
    (static $($call:ident($($argument:expr)?) $suffix:literal)*) => {$(
        assert_eq!(Repo::<User>::$call($($argument)?), concat!("user", $suffix));
        assert_eq!(Repo::<Order>::$call($($argument)?), concat!("order", $suffix));
    )*};
}

#[test]
fn instantiations_never_share() {
    never_share!(own in_lru in_map prefixed prefixed_by_type);
    never_share!(static own_static() "" static_in_lru(1) "1" class_in_map() "" capacity() "");
    assert_eq!(Repo::<User>::capacity_cache().storage().capacity(), 3);
    assert_eq!(Repo::<Order>::capacity_cache().storage().capacity(), 4);
    assert!(
        Repo::<User>::new()
            .prefixed_by_type_ring()
            .key()
            .to_string()
            .starts_with("user")
    );
}

#[test]
fn clearing_one_instantiation_leaves_the_other() {
    struct Kept;
    impl Entity for Kept {
        const NAME: &str = "kept";
    }
    struct Gone;
    impl Entity for Gone {
        const NAME: &str = "gone";
    }
    Repo::<Kept>::new().in_map();
    Repo::<Gone>::new().in_map();
    Repo::<Gone>::in_map_cache().clear();
    assert!(Repo::<Kept>::new().in_map_ring().has());
    assert!(!Repo::<Gone>::new().in_map_ring().has());
}

mod functions {
    use super::*;

    #[ring(map = MAP)]
    fn f<T: RingKey + Debug>(value: T) -> String {
        format!("{value:?}")
    }

    #[ring]
    fn own<T: RingKey + Debug>(value: T) -> String {
        format!("{value:?}")
    }

    #[test]
    fn one_text_of_two_types() {
        assert_eq!(f::<u32>(1), "1");
        assert_eq!(f::<&str>("1"), "\"1\"");
        assert_eq!(own::<u32>(1), "1");
        assert_eq!(own::<&str>("1"), "\"1\"");
        assert!(f_ring(1_u32).key().to_string().ends_with("functions.f<u32>:1"));
        assert_ne!(f_ring(1_u32).key(), f_ring(1_u64).key());
        assert_ne!(f_ring("1").key(), f_ring(String::from("1")).key());
    }

    #[test]
    fn values_that_do_not_live_for_ever() {
        let text = String::from("short lived");
        assert_eq!(own(text.as_str()), "\"short lived\"");
        assert_eq!(
            own((text.as_str(), [&text])),
            "(\"short lived\", [\"short lived\"])"
        );
        assert_eq!(own(text.as_str()), own::<&'static str>("short lived"));
    }

    #[ring]
    fn value<T: RingKey + Clone + Send + Sync + 'static>(value: T) -> Vec<T> {
        vec![value.clone(), value]
    }

    #[test]
    fn generic_values() {
        assert_eq!(value(1_u8), [1, 1]);
        assert_eq!(value('a'), ['a', 'a']);
        assert_eq!(value_ring(1_u8).get(), Some(vec![1, 1]));
    }

    #[ring(map = MAP)]
    fn only_in_the_body<T: Default + Debug>(n: u32) -> String {
        format!("{:?}{n}", T::default())
    }

    #[test]
    fn types_that_no_argument_names() {
        assert_eq!(only_in_the_body::<u32>(1), "01");
        assert_eq!(only_in_the_body::<bool>(1), "false1");
        assert_eq!(only_in_the_body_ring::<bool>(1).get().as_deref(), Some("false1"));
    }

    #[ring(map = MAP, ignore(log))]
    fn with_hidden<T: RingKey + Debug>(value: T, log: impl Fn()) -> String {
        log();
        format!("{value:?}")
    }

    #[test]
    fn with_hidden_types() {
        assert_eq!(with_hidden(1_u32, || ()), "1");
        assert_eq!(with_hidden("1", || ()), "\"1\"");
        assert_eq!(with_hidden("1", || unreachable!()), "\"1\"");
    }
}

mod constants {
    use super::*;

    #[derive(RingKey)]
    struct Grid<const W: usize, const H: usize> {
        id: u32,
    }

    #[ring_impl(map = MAP)]
    impl<const W: usize, const H: usize> Grid<W, H> {
        #[ring]
        fn size(&self) -> String {
            format!("{W}x{H}")
        }
        #[ring]
        fn scaled<const BY: u8>(&self) -> String {
            format!("{}x{}", W * usize::from(BY), H * usize::from(BY))
        }
    }

    #[ring_impl(map = MAP)]
    impl Grid<7, 7> {
        #[ring]
        fn special(&self) -> String {
            "seven".into()
        }
    }

    #[ring]
    fn sum<const N: usize>(numbers: [u32; N]) -> String {
        format!("{N}: {}", numbers.iter().sum::<u32>())
    }

    #[ring]
    fn own_of_many<const N: usize>() -> usize {
        N
    }

    #[test]
    fn many_instantiations() {
        macro_rules! each {
            ($($n:literal)*) => { [$(own_of_many::<$n>()),*] };
        }
        let all = || each!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        assert_eq!(all().as_slice(), (0..16).collect::<Vec<_>>());
        assert_eq!(all().as_slice(), (0..16).collect::<Vec<_>>());
        assert_eq!(own_of_many_cache::<3>().stats().misses, 1);
    }

    #[test]
    fn const_generics() {
        assert_eq!(Grid::<1, 23> { id: 1 }.size(), "1x23");
        assert_eq!(Grid::<12, 3> { id: 1 }.size(), "12x3");
        assert_eq!(Grid::<1, 2> { id: 1 }.scaled::<2>(), "2x4");
        assert_eq!(Grid::<1, 2> { id: 1 }.scaled::<3>(), "3x6");
        assert_eq!(Grid::<7, 7> { id: 1 }.special(), "seven");
        let key = Grid::<1, 23> { id: 1 }.size_ring().key().to_string();
        assert!(key.ends_with("Grid<1,23>.size:1"), "{key}");
        assert_eq!(sum([1, 2]), "2: 3");
        assert_eq!(sum([1, 2, 0]), "3: 3");
    }
}

/// Two blocks of one generic type, with a method of one name.
mod specialised {
    use super::*;

    #[derive(RingKey)]
    struct Store<T> {
        id: u32,
        #[ring_key(skip)]
        kind: PhantomData<T>,
    }

    macro_rules! specialised {
        ($type:ty, $answer:literal) => {
            #[ring_impl]
            impl Store<$type> {
                #[ring]
                fn own(&self) -> String {
                    $answer.into()
                }
                #[ring(lru = LRU)]
                fn in_lru(&self) -> String {
                    $answer.into()
                }
                #[ring(map = MAP)]
                fn in_map(&self) -> String {
                    $answer.into()
                }
            }
        };
    }
    specialised!(u32, "u32");
    specialised!(String, "String");
    specialised!(Vec<u8>, "Vec<u8>");

    #[test]
    fn blocks_of_one_type_with_methods_of_one_name() {
        let numbers = Store::<u32> {
            id: 1,
            kind: PhantomData,
        };
        let texts = Store::<String> {
            id: 1,
            kind: PhantomData,
        };
        let bytes = Store::<Vec<u8>> {
            id: 1,
            kind: PhantomData,
        };
        assert_eq!(
            [numbers.own(), texts.own(), bytes.own()],
            ["u32", "String", "Vec<u8>"]
        );
        assert_eq!(
            [numbers.in_lru(), texts.in_lru(), bytes.in_lru()],
            ["u32", "String", "Vec<u8>"]
        );
        assert_eq!(
            [numbers.in_map(), texts.in_map(), bytes.in_map()],
            ["u32", "String", "Vec<u8>"]
        );
        let key = bytes.in_map_ring().key().to_string();
        assert!(key.ends_with("Store<Vec<u8>>.in_map:1"), "{key}");
    }
}
