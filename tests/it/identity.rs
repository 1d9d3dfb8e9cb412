//! The names of rings: no two rings have the same.

use std::sync::LazyLock;

use ring_cache::{Lru, Map, RingKey, ring, ring_impl};

static LRU: LazyLock<Lru<&'static str>> = LazyLock::new(|| Lru::new(1000));
static MAP: LazyLock<Map<&'static str>> = LazyLock::new(Map::new);

macro_rules! page_that_says {
    ($answer:literal) => {
        #[derive(RingKey)]
        #[ring_key(prefix = "page")]
        pub(super) struct Page {
            pub(super) url: String,
        }

        #[ring_impl]
        #[allow(dead_code)]
        impl Page {
            #[ring]
            pub(super) fn own(&self) -> &'static str {
                $answer
            }
            #[ring(lru = LRU)]
            pub(super) fn in_lru(&self) -> &'static str {
                $answer
            }
            #[ring(map = MAP)]
            pub(super) fn in_map(&self) -> &'static str {
                $answer
            }
            #[ring(map = MAP, class)]
            pub(super) fn class_content() -> &'static str {
                $answer
            }
            #[ring(map = MAP)]
            pub(super) fn example_dot_com() -> &'static str {
                $answer
            }
        }

        pub(super) fn page() -> Page {
            Page {
                url: "http://example.com".into(),
            }
        }
    };
}

mod one {
    use super::*;
    page_that_says!("one");
}

mod two {
    use super::*;
    page_that_says!("two");
}

#[test]
fn two_types_of_one_name_in_two_modules() {
    let (one, two) = (one::page(), two::page());
    assert_eq!((one.own(), two.own()), ("one", "two"));
    assert_eq!((one.in_lru(), two.in_lru()), ("one", "two"));
    assert_eq!((one.in_map(), two.in_map()), ("one", "two"));
    assert_eq!(
        (one::Page::class_content(), two::Page::class_content()),
        ("one", "two")
    );
    assert_eq!(
        (one::Page::example_dot_com(), two::Page::example_dot_com()),
        ("one", "two")
    );
}

#[test]
fn names_and_keys_byte_for_byte() {
    let key = |key: ring_cache::Key| key.to_string();
    let page = one::page();
    assert_eq!(
        one::Page::in_map_cache().name().to_string(),
        "it.identity.one.Page.in_map"
    );
    assert_eq!(
        key(page.in_map_ring().key()),
        "it.identity.one.Page.in_map:page=http://example.com"
    );
    assert_eq!(
        key(page.own_ring().key()),
        "it.identity.one.Page.own:page=http://example.com"
    );
    assert_eq!(
        key(one::Page::class_content_ring().key()),
        "it.identity.one.Page.class_content:Page"
    );
    assert_eq!(
        key(one::Page::example_dot_com_ring().key()),
        "it.identity.one.Page.example_dot_com"
    );
}

#[test]
fn a_prefix_takes_the_place_of_the_name() {
    #[ring(key_prefix = "p")]
    fn pair(a: u32, b: u32) -> u32 {
        a + b
    }
    #[ring(key_prefix = "shop:list")]
    fn list(numbers: &[u32]) -> usize {
        numbers.len()
    }
    assert_eq!(pair_ring(1, 2).key().to_string(), "p:1:2");
    assert_eq!(pair(1, 2), 3);
    assert_eq!(list_ring(&[1, 2, 3]).key().to_string(), "shop:list:[1,2,3]");
    assert_eq!(list_cache().name().to_string(), "shop:list");
    assert_eq!(list(&[1]), 1);
}

#[test]
fn rings_of_one_prefix_are_one_ring() {
    #[ring(map = MAP, key_prefix = "one-ring")]
    fn reader(id: u32) -> &'static str {
        let _ = id;
        "read"
    }
    #[ring(map = MAP, key_prefix = "one-ring")]
    fn writer(id: u32) -> &'static str {
        let _ = id;
        "written"
    }
    assert_eq!(writer(1), "written");
    assert_eq!(reader(1), "written");
    assert!(reader_ring(1).delete());
    assert!(!writer_ring(1).has());
}

mod functions_in_functions {
    use super::*;

    macro_rules! nested {
        ($name:ident, $answer:literal) => {
            fn $name() -> [&'static str; 6] {
                #[ring]
                fn own() -> &'static str {
                    $answer
                }
                #[ring(lru = LRU)]
                fn in_lru() -> &'static str {
                    $answer
                }
                #[ring(map = MAP)]
                fn in_map() -> &'static str {
                    $answer
                }
                page_that_says!($answer);
                [
                    own(),
                    in_lru(),
                    in_map(),
                    page().own(),
                    page().in_lru(),
                    page().in_map(),
                ]
            }
        };
    }
    nested!(first, "first");
    nested!(second, "second");

    #[test]
    fn of_one_name() {
        assert_eq!(first(), ["first"; 6]);
        assert_eq!(second(), ["second"; 6]);
    }

    #[test]
    fn closures_and_methods() {
        let closure = || {
            #[ring(map = MAP)]
            fn inner() -> &'static str {
                "closure"
            }
            (inner(), inner_ring().key().to_string())
        };
        #[ring(map = MAP)]
        fn inner() -> &'static str {
            "function"
        }
        assert_eq!(closure().0, "closure");
        assert_eq!(inner(), "function");
        assert!(
            closure().1.ends_with("closures_and_methods.closure.inner"),
            "{}",
            closure().1
        );
        assert_eq!(Outer::method(), "method");
        assert_eq!(<Outer as InTrait>::method(), "trait");
    }

    struct Outer;
    impl Outer {
        fn method() -> &'static str {
            #[ring(map = MAP)]
            fn inner() -> &'static str {
                "method"
            }
            inner()
        }
    }
    trait InTrait {
        fn method() -> &'static str;
    }
    impl InTrait for Outer {
        fn method() -> &'static str {
            #[ring(map = MAP)]
            fn inner() -> &'static str {
                "trait"
            }
            inner()
        }
    }

    #[ring(map = MAP)]
    fn recursive(depth: u32) -> &'static str {
        #[ring(map = MAP)]
        fn recursive(depth: u32) -> &'static str {
            let _ = depth;
            "inner"
        }
        if depth == 0 { "outer" } else { recursive(depth - 1) }
    }

    #[test]
    fn a_cached_function_in_a_cached_function() {
        assert_eq!(recursive(0), "outer");
        assert_eq!(recursive(1), "inner");
        assert_eq!(recursive(0), "outer");
    }

    #[allow(clippy::extra_unused_type_parameters)]
    fn generic<T: 'static>() -> &'static str {
        #[ring(map = MAP)]
        fn inner() -> &'static str {
            "shared by all instantiations, as the function itself is"
        }
        inner()
    }

    #[test]
    fn in_a_generic_function() {
        assert_eq!(generic::<u32>(), generic::<String>());
    }
}

/// Only their positions distinguish these rings. Those in memory are numbered.
mod alike {
    use super::*;

    fn function_in_a_branch(first: bool) -> (&'static str, String) {
        if first {
            #[ring(map = MAP)]
            fn inner() -> &'static str {
                "first"
            }
            (inner(), inner_cache().name().to_string())
        } else {
            #[ring(map = MAP)]
            fn inner() -> &'static str {
                "second"
            }
            (inner(), inner_cache().name().to_string())
        }
    }

    #[test]
    fn in_two_branches() {
        let (first, second) = (function_in_a_branch(true), function_in_a_branch(false));
        assert_eq!((first.0, second.0), ("first", "second"));
        assert_eq!(first.1, "it.identity.alike.function_in_a_branch.inner");
        assert!(second.1.starts_with(&(first.1.clone() + "#")), "{}", second.1);
        assert_eq!(function_in_a_branch(true), first);
        assert_eq!(function_in_a_branch(false), second);
    }

    trait Answer {
        fn answer(&self) -> &'static str;
    }

    mod types {
        pub(super) mod one {
            #[derive(ring_cache::RingKey)]
            pub(in super::super) struct P;
        }
        pub(super) mod two {
            #[derive(ring_cache::RingKey)]
            pub(in super::super) struct P;
        }
    }

    const _: () = {
        use types::one::P;
        #[ring_impl]
        impl Answer for P {
            #[ring]
            fn answer(&self) -> &'static str {
                "one"
            }
        }
    };

    const _: () = {
        use types::two::P;
        #[ring_impl]
        impl Answer for P {
            #[ring]
            fn answer(&self) -> &'static str {
                "two"
            }
        }
    };

    #[test]
    fn blocks_of_types_of_one_name() {
        assert_eq!((types::one::P.answer(), types::two::P.answer()), ("one", "two"));
    }

    fn on_a_storage_of_any_type(first: bool) -> &'static str {
        if first {
            #[ring(storage = MAP as Map<&'static str>)]
            fn inner() -> &'static str {
                "first"
            }
            inner()
        } else {
            #[ring(storage = MAP as Map<&'static str>)]
            fn inner() -> &'static str {
                "second"
            }
            inner()
        }
    }

    #[test]
    fn keys_that_may_reach_other_processes() {
        for _ in 0..2 {
            assert_eq!(on_a_storage_of_any_type(true), "first");
            assert_eq!(on_a_storage_of_any_type(false), "second");
        }
    }
}

#[test]
fn two_instances() {
    let page = |url: &str| one::Page { url: url.into() };
    page("a").in_map_ring().set("a");
    page("b").in_map_ring().set("b");
    assert_eq!((page("a").in_map(), page("b").in_map()), ("a", "b"));
}
