//! Methods of traits, on types of the user and of other crates.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use ring_cache::{Map, RingKey, ring_impl};

static MAP: LazyLock<Map<String>> = LazyLock::new(Map::new);

#[derive(RingKey)]
struct Page {
    url: String,
}

fn page() -> Page {
    Page { url: "u".into() }
}

/// Not imported where its methods are implemented.
mod api {
    pub(crate) trait Fetch {
        type Item: Default;
        const LIMIT: usize;
        fn fetch(&self, n: u32) -> Self::Item;
        fn fetch_all(&self, items: Vec<Self::Item>) -> Result<Vec<Self::Item>, String>;
        fn limit() -> usize;
        fn helper(&self) -> u32 {
            7
        }
        fn associated_helper() -> usize {
            70
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, RingKey)]
struct Body {
    text: String,
}

impl Body {
    const EMPTY: &str = "empty";

    fn new(text: &str) -> Self {
        Body { text: text.into() }
    }
}

#[ring_impl]
impl api::Fetch for Page {
    type Item = Body;
    const LIMIT: usize = 3;

    #[ring]
    fn fetch(&self, n: u32) -> Self::Item {
        let empty: Self::Item = Self::Item::default();
        assert_eq!(empty, Self::Item::new(""));
        let all: Vec<Self::Item> = vec![Self::Item::new(Self::Item::EMPTY)];
        Body::new(&format!("{}{n}{}{}", self.url, self.helper(), all.len()))
    }

    #[ring]
    fn fetch_all(&self, items: Vec<Self::Item>) -> Result<Vec<Self::Item>, String> {
        if items.is_empty() {
            return Err(Self::Item::EMPTY.into());
        }
        Ok(items)
    }

    #[ring(capacity = Self::LIMIT)]
    fn limit() -> usize {
        Self::LIMIT + Self::associated_helper()
    }
}

#[test]
fn a_trait_of_the_user() {
    use api::Fetch;
    assert_eq!(page().fetch(1), Body::new("u171"));
    assert_eq!(page().fetch_ring(1).get(), Some(Body::new("u171")));
    assert!(page().fetch_all(Vec::new()).is_err());
    assert_eq!(
        page()
            .fetch_all_ring(vec![Body::new("a")])
            .update()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(Page::limit(), 73);
    assert_eq!(Page::limit_cache().storage().capacity(), 3);
    let key = page().fetch_ring(1).key().to_string();
    assert!(key.ends_with("traits.Page.<api.Fetch>.fetch:u:1"), "{key}");
}

mod one_name {
    use super::*;

    trait Left {
        fn name(&self) -> String;
    }
    trait Right {
        fn name(&self) -> String;
    }

    #[ring_impl(map = MAP)]
    impl Left for Page {
        #[ring(accessor = left)]
        fn name(&self) -> String {
            "left".into()
        }
    }

    #[ring_impl(map = MAP)]
    impl Right for Page {
        #[ring(accessor = right)]
        fn name(&self) -> String {
            "right".into()
        }
    }

    #[ring_impl(map = MAP)]
    impl Page {
        #[ring]
        fn name(&self) -> String {
            "inherent".into()
        }
    }

    #[test]
    fn two_traits_with_a_method_of_one_name() {
        let page = page();
        assert_eq!(
            [Left::name(&page), Right::name(&page), page.name()],
            ["left", "right", "inherent"]
        );
        assert_eq!(page.left().get().as_deref(), Some("left"));
        assert_eq!(page.right().get().as_deref(), Some("right"));
        assert_eq!(page.name_ring().get().as_deref(), Some("inherent"));
        assert!(Page::left_cache().name().as_str().ends_with("Page.<Left>.name"));
    }
}

mod generic {
    use super::*;

    trait Convert<T> {
        fn convert(&self, value: T) -> String;
        fn which(&self) -> String;
    }

    #[ring_impl(map = MAP)]
    impl<T: RingKey + std::fmt::Debug> Convert<T> for Page {
        #[ring]
        fn convert(&self, value: T) -> String {
            format!("{}{value:?}", self.url)
        }
        #[ring]
        fn which(&self) -> String {
            std::any::type_name::<T>().into()
        }
    }

    #[derive(RingKey)]
    struct Wrapper<T>(T);

    #[ring_impl(map = MAP)]
    impl<T, U: From<T> + std::fmt::Debug> Convert<T> for Wrapper<U>
    where
        T: RingKey,
        U: RingKey,
    {
        #[ring]
        fn convert(&self, value: T) -> String {
            format!("{:?}{:?}", self.0, U::from(value))
        }
        #[ring]
        fn which(&self) -> String {
            std::any::type_name::<T>().into()
        }
    }

    #[test]
    fn generic_traits() {
        let page = page();
        assert_eq!(page.convert(1_u32), "u1");
        assert_eq!(page.convert("1"), "u\"1\"");
        assert_eq!(Convert::<u8>::which(&page), "u8");
        assert_eq!(Convert::<u16>::which(&page), "u16");
        assert_eq!(page.which_ring::<u16>().get().as_deref(), Some("u16"));
        assert_eq!(page.convert_ring(1_u32).get().as_deref(), Some("u1"));
        assert_eq!(Wrapper(1_u64).convert(2_u32), "12");
        assert_eq!(Wrapper(1_u64).convert(2_u8), "12");
        assert_eq!(Convert::<u8>::which(&Wrapper(1_u64)), "u8");
        assert_eq!(Convert::<u16>::which(&Wrapper(1_u64)), "u16");
    }

    trait Parse<T> {
        fn parse_it(&self) -> String;
    }

    #[ring_impl(map = MAP)]
    impl Parse<u32> for Page {
        #[ring(accessor = parse_u32)]
        fn parse_it(&self) -> String {
            "u32".into()
        }
    }

    #[ring_impl(map = MAP)]
    impl Parse<String> for Page {
        #[ring(accessor = parse_string)]
        fn parse_it(&self) -> String {
            "String".into()
        }
    }

    #[test]
    fn two_implementations_of_one_generic_trait() {
        assert_eq!(Parse::<u32>::parse_it(&page()), "u32");
        assert_eq!(Parse::<String>::parse_it(&page()), "String");
        assert!(page().parse_u32().has() && page().parse_string().has());
    }
}

mod foreign {
    use super::*;

    static RUNS: AtomicU32 = AtomicU32::new(0);

    trait Count {
        type Number;
        fn count(&self) -> Self::Number;
        fn zero() -> Self::Number;
    }

    #[ring_impl(accessors = CountRing)]
    impl Count for String {
        type Number = usize;

        #[ring]
        fn count(&self) -> Self::Number {
            RUNS.fetch_add(1, SeqCst);
            self.len()
        }
        #[ring]
        fn zero() -> usize {
            0
        }
    }

    #[ring_impl(accessors = CountAllRing, map = MAPS)]
    impl<T: RingKey> Count for Vec<T> {
        type Number = u64;

        #[ring]
        fn count(&self) -> u64 {
            self.len() as u64
        }
        #[ring]
        fn zero() -> u64 {
            size_of::<T>() as u64
        }
    }

    static MAPS: LazyLock<Map<u64>> = LazyLock::new(Map::new);

    #[ring_impl(accessors = CountStrRing)]
    impl<'a> Count for &'a [&'a str] {
        type Number = usize;

        #[ring]
        fn count(&self) -> usize {
            self.len()
        }
        #[ring]
        fn zero() -> usize {
            0
        }
    }

    #[test]
    fn types_of_other_crates() {
        let text = String::from("abc");
        assert_eq!(text.count() + text.count(), 6);
        assert_eq!(RUNS.load(SeqCst), 1);
        assert_eq!(text.count_ring().get(), Some(3));
        assert_eq!(String::zero(), 0);
        assert!(String::zero_ring().has());
        assert_eq!(String::zero_cache().stats().stores, 1);

        assert_eq!(vec![1_u32, 2].count(), 2);
        assert!(vec![1_u32, 2].count_ring().has());
        assert!(!vec![1_u64, 2].count_ring().has());
        assert_eq!((Vec::<u32>::zero(), Vec::<u64>::zero()), (4, 8));
        let key = vec![1_u32, 2].count_ring().key().to_string();
        assert!(key.ends_with("foreign.Vec<u32>.<Count>.count:[1,2]"), "{key}");

        let slice: &[&str] = &[&text, "b"];
        assert_eq!(slice.count(), 2);
        assert_eq!(slice.count_ring().get(), Some(2));
    }
}

/// Traits of the standard library, by names in the prelude.
mod of_std {
    use super::*;

    #[derive(Clone, Debug, PartialEq, RingKey)]
    struct Port(u16);

    #[ring_impl]
    impl std::str::FromStr for Port {
        type Err = std::num::ParseIntError;

        #[ring]
        fn from_str(text: &str) -> Result<Self, Self::Err> {
            text.parse().map(Port)
        }
    }

    #[ring_impl]
    impl Default for Port {
        #[ring]
        fn default() -> Self {
            Port(80)
        }
    }

    #[ring_impl]
    impl From<&str> for Port {
        #[ring]
        fn from(text: &str) -> Port {
            text.parse().unwrap_or_default()
        }
    }

    #[test]
    fn traits_of_std() {
        assert_eq!("8080".parse(), Ok(Port(8080)));
        assert!(Port::from_str_ring("8080").has());
        assert!("x".parse::<Port>().is_err());
        assert!(!Port::from_str_ring("x").has());
        assert_eq!(Port::default(), Port(80));
        assert_eq!(Port::from("x"), Port(80));
    }
}

#[test]
fn a_trait_within_a_function() {
    trait Local {
        fn local(&self) -> u32;
    }
    #[allow(non_local_definitions)]
    #[ring_impl]
    impl Local for Page {
        #[ring]
        fn local(&self) -> u32 {
            1
        }
    }
    assert_eq!(page().local(), 1);
    assert!(page().local_ring().has());
}

/// Associated types where a path is not a type: in literals, patterns, and beside an item with its own `Self`.
mod paths {
    use ring_cache::{RingKey, ring_impl};

    trait Make {
        type Out;
        fn make(&self, n: u32) -> Self::Out;
        fn number(&self, thing: Self::Out) -> u32;
    }

    #[derive(RingKey)]
    struct Maker;

    #[derive(Clone, RingKey)]
    struct Thing {
        n: u32,
    }

    #[ring_impl]
    impl Make for Maker {
        type Out = Thing;

        #[ring]
        fn make(&self, n: u32) -> Self::Out {
            struct Counter(u32);
            impl Iterator for Counter {
                type Item = u32;
                fn next(&mut self) -> Option<Self::Item> {
                    self.0 = self.0.checked_sub(1)?;
                    Some(self.0)
                }
            }
            impl Make for Counter {
                type Out = usize;
                fn make(&self, _: u32) -> Self::Out {
                    Self::Out::MAX
                }
                fn number(&self, _: Self::Out) -> u32 {
                    self.0
                }
            }
            assert_eq!(Counter(1).make(0), usize::MAX);
            assert_eq!(Counter(5).number(0), 5);
            Self::Out {
                n: Counter(n).map(|n| n + 1).sum(),
            }
        }

        #[ring]
        fn number(&self, thing: Self::Out) -> u32 {
            assert!(matches!(thing, Self::Out { n: 1.. }));
            let Self::Out { n } = thing;
            n
        }
    }

    #[test]
    fn of_literals_and_patterns() {
        assert_eq!(Maker.number(Maker.make(3)), 6);
        assert_eq!(Maker.number_ring(Maker.make(3)).get(), Some(6));
        assert!(Maker.make_ring(3).has());
    }
}
