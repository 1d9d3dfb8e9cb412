//! Generated code does not depend on names, traits and lints of the user.

#![deny(warnings)]

use ring_cache::{Key, RingKey, ring, ring_impl};

mod blanket_traits {
    use super::*;

    trait Handy: Sized {
        fn cache(&self) -> u8 {
            0
        }
        fn ring(&self) -> u8 {
            0
        }
        fn coded(self) -> u8 {
            0
        }
        fn in_memory(&self) -> u8 {
            0
        }
        fn bind(&self) {}
        fn get_or_update(&self) {}
        fn path(&self) {}
        fn whole(&self) {}
        fn literal(&self) {}
        fn place(&self) {}
        fn expire_in(&self) {}
        fn forgetting(&self) {}
        fn clearing(&self) {}
        fn forget(&self) {}
        fn run(&self) {}
        fn end(self) {}
        fn is_some(&self) {}
    }

    impl<T> Handy for T {}

    #[derive(Clone)]
    struct Value;

    #[ring(expire = "1m", unless = |_| false)]
    fn double(x: u32) -> u32 {
        2 * x
    }

    #[ring(key = "a:{x}")]
    fn value(x: u32) -> Value {
        let _ = x;
        Value
    }

    #[ring(invalidates(double(x), value(..), |x| double(*x)))]
    fn write(x: u32) -> u32 {
        x + 1
    }

    #[cfg(feature = "json")]
    #[ring(map = BYTES, coder = ring_cache::coder::Json)]
    fn coded(x: u32) -> u32 {
        x
    }

    #[cfg(feature = "json")]
    static BYTES: std::sync::LazyLock<ring_cache::Map<Vec<u8>>> =
        std::sync::LazyLock::new(ring_cache::Map::new);

    #[test]
    fn traits_for_all_types_change_nothing() {
        assert_eq!((double(1), double_entry(1).has()), (2, true));
        let Value = value(1);
        assert_eq!(double(2), 4);
        assert_eq!(write(1), 2);
        assert!(!(double_entry(1).has() || double_entry(2).has() || value_entry(1).has()));
        #[cfg(feature = "json")]
        assert_eq!(coded(3), 3);
        assert_eq!(
            Handy::cache(&5) + Handy::ring(&5) + Handy::in_memory(&5) + Handy::coded(5),
            0
        );
        Handy::bind(&5);
        Handy::get_or_update(&5);
        Handy::path(&5);
        Handy::whole(&5);
        Handy::literal(&5);
        Handy::place(&5);
        Handy::expire_in(&5);
        Handy::forgetting(&5);
        Handy::clearing(&5);
        Handy::forget(&5);
        Handy::run(&5);
        Handy::end(5);
        Handy::is_some(&5);
    }
}

mod types_of_the_same_names {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Pin(u32);
    #[derive(Clone, Debug, PartialEq)]
    struct BoxFuture(u32);
    #[derive(Clone, Debug, PartialEq)]
    struct LocalBoxFuture;

    #[ring]
    fn pin(x: u32) -> Pin {
        Pin(x)
    }

    #[ring]
    fn box_future(x: u32) -> BoxFuture {
        BoxFuture(x)
    }

    #[ring]
    fn local(x: u32) -> Option<LocalBoxFuture> {
        (x > 0).then_some(LocalBoxFuture)
    }

    /// A storage in memory by another name.
    type Disk = ring_cache::Map<u32>;
    type Redis = ring_cache::Lru<u32>;
    static DISK: std::sync::LazyLock<Disk> = std::sync::LazyLock::new(Disk::new);

    struct Service {
        redis: Redis,
    }

    #[ring(storage = DISK as Disk)]
    fn on_disk(x: u32) -> u32 {
        x
    }

    #[ring(storage = DISK as self::Disk)]
    fn by_path(x: u32) -> Result<u32, String> {
        Ok(x + 1)
    }

    #[ring_impl(storage = self.redis as Redis)]
    impl Service {
        #[ring(ignore(self))]
        fn on_redis(&self, x: u32) -> Result<u32, String> {
            Ok(x)
        }
    }

    #[test]
    fn storages() {
        assert_eq!((on_disk(1), by_path(1)), (1, Ok(2)));
        assert_eq!(DISK.len(), 2);
        let service = Service { redis: Redis::new(9) };
        assert_eq!(service.on_redis(3), Ok(3));
        assert_eq!(service.redis.len(), 1);
    }

    #[test]
    fn are_the_users() {
        assert_eq!((pin(1), box_future(2), local(0)), (Pin(1), BoxFuture(2), None));
    }
}

mod names_of_arguments {
    use super::*;

    struct Token(u32);

    struct Point {
        x: u32,
        y: u32,
    }

    impl RingKey for Point {
        fn ring_key<W: ring_cache::KeyWriter>(&self, key: &mut W) {
            (self.x, self.y).ring_key(key);
        }
    }

    impl RingKey for Token {
        fn ring_key<W: ring_cache::KeyWriter>(&self, key: &mut W) {
            self.0.ring_key(key);
        }
    }

    #[ring_impl]
    impl Token {
        #[ring]
        fn type_(&self) -> u32 {
            self.0
        }

        #[ring(ignore(_trace))]
        fn patterns(
            &self,
            (a, b): (u32, u32),
            Point { x, y: z }: Point,
            mut n: u32,
            _trace: &str,
            &c: &u32,
        ) -> u32 {
            n += 1;
            self.0 + a + b + x + z + n + c
        }
    }

    #[test]
    fn patterns_and_underscores() {
        assert_eq!(Token(1).type_(), 1);
        assert_eq!(Token(1).patterns((2, 3), Point { x: 4, y: 5 }, 6, "t", &7), 29);
        assert!(Token(1).patterns_entry((2, 3), Point { x: 4, y: 5 }, 6, &7).has());
    }
}

mod lints_of_the_block {
    use super::*;

    #[derive(RingKey)]
    struct A;

    #[allow(unused_variables)]
    #[ring_impl]
    impl A {
        #[ring]
        fn allowed(&self) -> u32 {
            let later = 1;
            2
        }
    }

    #[ring_impl]
    #[expect(unused_variables)]
    impl A {
        #[ring]
        fn expected(&self) -> u32 {
            let later = 1;
            2
        }
    }

    trait Later {
        fn later(&self) -> u32;
    }

    #[ring_impl]
    #[allow(unreachable_code, clippy::diverging_sub_expression)]
    impl Later for A {
        #[ring]
        fn later(&self) -> u32 {
            return 3;
            4
        }
    }

    #[ring]
    fn of_an_argument(#[allow(unused_variables)] later: u32, #[expect(unused_mut)] mut n: u32) -> u32 {
        n
    }

    #[test]
    fn reach_the_bodies() {
        assert_eq!(A.allowed() + A.expected() + A.later() + of_an_argument(1, 2), 9);
    }
}

#[forbid(
    deprecated,
    private_bounds,
    private_interfaces,
    non_local_definitions,
    unused_qualifications,
    unreachable_pub,
    single_use_lifetimes,
    unused_imports,
    non_upper_case_globals,
    non_snake_case,
    clippy::type_complexity,
    clippy::too_many_arguments
)]
mod forbidden_lints {
    use super::*;

    #[derive(RingKey)]
    struct Id<'a>(&'a str);

    #[ring_impl]
    impl Id<'_> {
        #[ring]
        fn length(&self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) -> u32 {
            self.0.len() as u32 + u32::from(a + b + c + d + e + f)
        }

        #[ring(invalidates(self.length(n, n, n, n, n, n)), on = ok)]
        fn change(&mut self, n: u8) -> Result<&str, String> {
            if n > 0 {
                return Ok(self.0);
            }
            Err("none")?;
            Ok("")
        }
    }

    #[ring]
    fn double(n: u32) -> u32 {
        2 * n
    }

    trait Half {
        fn half(&self) -> usize;
    }

    #[ring_impl]
    impl Half for Id<'_> {
        #[ring]
        fn half(&self) -> usize {
            self.0.len() / 2
        }
    }

    #[test]
    fn are_not_allowed_on_impls_of_traits() {
        assert_eq!(Id("abcd").half(), 2);
        assert!(Id("abcd").half_ring().has());
    }

    #[test]
    fn are_not_allowed_by_generated_code() {
        assert_eq!(Key::of(&Id("a")).as_str(), "a");
        assert_eq!((Id("abc").length(1, 1, 1, 1, 1, 1), double(1)), (9, 2));
        assert_eq!(Id("abc").change(1), Ok("abc"));
        assert!(!Id("abc").length_entry(1, 1, 1, 1, 1, 1).has());
    }
}

mod mutual_recursion {
    use super::*;

    #[derive(RingKey)]
    struct Folder<T> {
        label: T,
        files: Vec<File<T>>,
    }

    #[derive(RingKey)]
    struct File<T> {
        label: T,
        links: Vec<Folder<T>>,
        parent: Option<Box<Folder<T>>>,
    }

    #[derive(RingKey)]
    enum Tree<T> {
        Leaf(T),
        Branch(std::sync::Arc<Forest<T>>),
    }

    #[derive(RingKey)]
    struct Forest<T>(Vec<Tree<T>>);

    mod other {
        use super::*;

        #[derive(RingKey)]
        pub(super) struct Branch<T> {
            pub(super) label: T,
            pub(super) leaves: Vec<super::Leaf<T>>,
        }
    }

    #[derive(RingKey)]
    struct Leaf<T> {
        of: Vec<self::other::Branch<T>>,
    }

    #[test]
    fn by_paths() {
        let branch = other::Branch {
            label: 1,
            leaves: vec![Leaf { of: vec![] }],
        };
        assert_eq!(Key::of(&branch).as_str(), "(label=1,leaves=[[]])");
    }

    #[test]
    fn of_generic_types() {
        let file = File {
            label: 2,
            links: vec![],
            parent: None,
        };
        let folder = Folder {
            label: 1,
            files: vec![file],
        };
        assert_eq!(
            Key::of(&folder).as_str(),
            "(label=1,files=[(label=2,links=[],parent=None)])"
        );
        let tree = Tree::Branch(Forest(vec![Tree::Leaf(1)]).into());
        assert_eq!(Key::of(&tree).as_str(), "Branch([Leaf(1)])");
    }
}
