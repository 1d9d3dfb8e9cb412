//! The forms of methods and functions, each with the user's signature and body.

use std::fmt::{Debug, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use ring_cache::{KeyWriter, RingKey, ring, ring_impl};

#[derive(RingKey, Debug, Clone, PartialEq)]
struct Shop {
    id: u32,
    #[ring_key(skip)]
    factor: u32,
}

const SHOP: Shop = Shop { id: 1, factor: 3 };

#[ring_impl]
impl Shop {
    const TAX: u32 = 20;

    fn helper(&self, n: u32) -> u32 {
        n * self.factor
    }

    #[ring]
    #[allow(clippy::needless_arbitrary_self_type)]
    fn by_reference(self: &Self) -> u32 {
        self.factor
    }

    #[ring]
    fn patterns(&self, (a, b): (u32, u32), [c, ..]: [u32; 3], Point { x, .. }: Point) -> u32 {
        self.helper(a + b + c + x)
    }

    #[ring]
    fn mutable(&self, mut n: u8) -> u8 {
        n += 1;
        n
    }

    #[ring]
    fn unnamed(_: u32, _used: u32, __twice: u32) -> u32 {
        _used + __twice
    }

    /// Both would be called `n` without their underscores.
    #[ring]
    fn alike(_n: u32, n: u32, _: u32, argument_3: u32) -> u32 {
        _n * 100 + n * 10 + argument_3
    }

    #[ring]
    fn consumed(&self, names: Vec<String>) -> String {
        names.into_iter().collect()
    }

    #[ring]
    fn borrowed<'a>(&'a self, name: &'a str, other: &str, numbers: &[u32]) -> String {
        format!("{name}{other}{}", numbers.len())
    }

    #[ring(ignore(log))]
    fn hidden(&self, n: u32, log: impl Fn(&str)) -> u32 {
        log("hidden");
        n
    }

    #[ring(ignore(log))]
    fn hidden_reference(&self, n: u32, log: &impl Display) -> String {
        format!("{n}{log}")
    }

    #[ring(ignore(log))]
    fn ignored_mutable(&self, n: u32, log: &mut Vec<u32>) -> u32 {
        log.push(n);
        n
    }

    #[ring(ignore(callback))]
    fn ignored_dyn(&self, n: u32, callback: &mut dyn FnMut(u32)) -> u32 {
        callback(n);
        n
    }

    #[ring]
    fn early(&self, n: u32) -> Result<u32, std::num::ParseIntError> {
        if n == 0 {
            return Ok(0);
        }
        let parsed: u32 = n.to_string().parse()?;
        Ok(parsed + 1)
    }

    #[ring]
    fn optional(&self, text: &str) -> Option<u32> {
        let first = text.chars().next()?;
        first.to_digit(10)
    }

    #[ring]
    fn itself(&self) -> Self {
        let Self { id, .. } = *self;
        Self {
            id,
            factor: Self::TAX,
        }
    }

    #[ring]
    fn with_self_type(other: &Self, all: &[Self]) -> Vec<Self> {
        let mut all = all.to_vec();
        all.push(other.clone());
        all
    }

    #[ring]
    fn r#type(&self, r#in: u32) -> u32 {
        r#in + 1
    }

    #[ring]
    fn calls_others(&self) -> u32 {
        self.by_reference() + Self::alike(1, 2, 3, 4) + self.mutable_ring(4).execute() as u32
    }

    #[ring]
    fn in_closures_and_macros(&self, number: u32) -> String {
        let inner = || format!("{self:?} {number} {}", self.helper(number));
        let outer = || inner();
        outer()
    }

    #[ring]
    fn nothing(&self, n: u32) {
        let _ = n;
        SIDE_EFFECTS.fetch_add(1, SeqCst);
    }

    #[ring]
    fn where_clause<T>(&self, value: T) -> String
    where
        T: Debug + RingKey,
    {
        format!("{value:?}")
    }
}

static SIDE_EFFECTS: AtomicU32 = AtomicU32::new(0);

#[derive(RingKey, Clone, Copy)]
struct Point {
    x: u32,
    y: u32,
}

#[test]
fn arguments() {
    assert_eq!(SHOP.by_reference(), 3);
    let point = Point { x: 4, y: 9 };
    assert_eq!(point.y, 9);
    assert_eq!(SHOP.patterns((1, 2), [3, 0, 0], point), 30);
    assert_eq!(SHOP.patterns_ring((1, 2), [3, 0, 0], point).get(), Some(30));
    assert_eq!(SHOP.patterns_ring((1, 2), [3, 0, 1], point).get(), None);
    assert_eq!(SHOP.mutable(7), 8);
    assert_eq!(SHOP.mutable_ring(7).get(), Some(8));
    assert_eq!(Shop::unnamed(1, 2, 3), 5);
    assert_eq!(Shop::unnamed_ring(2, 2, 3).get(), None);
    assert_eq!(Shop::alike(1, 2, 9, 3), 123);
    assert_eq!(SHOP.consumed(vec!["a".into(), "b".into()]), "ab");
    assert_eq!(
        SHOP.consumed_ring(vec!["a".into(), "b".into()]).get().as_deref(),
        Some("ab")
    );
    assert_eq!(SHOP.borrowed("a", &String::from("b"), &[1, 2]), "ab2");
    assert_eq!(SHOP.r#type(1), 2);
    assert!(SHOP.type_ring(1).key().to_string().ends_with("Shop.type:1:1"));
    assert_eq!(SHOP.where_clause("x"), "\"x\"");
    assert_eq!(SHOP.where_clause(Some(1)), "Some(1)");
}

#[test]
fn ignored_arguments() {
    let logged = AtomicU32::new(0);
    let log = |_: &str| {
        logged.fetch_add(1, SeqCst);
    };
    assert_eq!(SHOP.hidden(1, log), 1);
    assert_eq!(SHOP.hidden(1, |_| panic!("cached")), 1);
    assert_eq!(logged.load(SeqCst), 1);
    assert!(
        SHOP.hidden_ring(1, |_| ())
            .key()
            .to_string()
            .ends_with("Shop.hidden:1:1")
    );
    assert_eq!(SHOP.hidden_reference(1, &"a"), "1a");
    assert_eq!(SHOP.hidden_reference(1, &2), "1a");

    let mut log = Vec::new();
    SHOP.ignored_mutable(1, &mut log);
    SHOP.ignored_mutable(1, &mut log);
    assert_eq!(log, [1]);
    SHOP.ignored_dyn(2, &mut |n| log.push(n));
    assert_eq!(log, [1, 2]);
}

#[test]
fn bodies() {
    assert_eq!(SHOP.early(0), Ok(0));
    assert_eq!(SHOP.early(1), Ok(2));
    assert_eq!(SHOP.optional(""), None);
    assert_eq!(SHOP.optional("1"), Some(1));
    assert_eq!(SHOP.itself().factor, 20);
    assert_eq!(Shop::with_self_type(&SHOP, &[SHOP]), [SHOP, SHOP]);
    assert_eq!(SHOP.calls_others(), 3 + 124 + 5);
    assert_eq!(SHOP.in_closures_and_macros(2), "Shop { id: 1, factor: 3 } 2 6");
    SHOP.nothing(1);
    SHOP.nothing(1);
    assert_eq!(SIDE_EFFECTS.load(SeqCst), 1);
}

#[test]
fn recursion() {
    static RUNS: AtomicU32 = AtomicU32::new(0);

    #[ring]
    fn fibonacci(n: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        if n < 2 {
            n
        } else {
            fibonacci(n - 1) + fibonacci(n - 2)
        }
    }

    assert_eq!(fibonacci(90), 2_880_067_194_370_816_120);
    assert_eq!(RUNS.load(SeqCst), 91);
}

#[test]
fn mutual_recursion_between_methods() {
    #[derive(RingKey)]
    struct Parity;

    #[ring_impl]
    impl Parity {
        #[ring]
        fn even(&self, n: u32) -> bool {
            n == 0 || self.odd(n - 1)
        }
        #[ring]
        fn odd(&self, n: u32) -> bool {
            n != 0 && self.even(n - 1)
        }
    }

    assert!(Parity.even(50));
    assert!(Parity.odd_ring(49).has());
}

mod lifetimes {
    use super::*;

    struct View<'a> {
        text: &'a str,
    }

    impl RingKey for View<'_> {
        fn ring_key<W: KeyWriter>(&self, key: &mut W) {
            self.text.ring_key(key);
        }
    }

    #[ring_impl]
    impl<'a> View<'a> {
        const CAPACITY: usize = 3;

        #[ring(capacity = Self::CAPACITY)]
        fn owned(&self) -> String {
            self.text.to_owned()
        }
        #[ring]
        fn longer<'b, 'c>(&self, other: &'b View<'c>) -> usize
        where
            'c: 'b,
        {
            self.text.len().max(other.text.len())
        }
        #[ring]
        fn of(view: View<'a>, names: &'a [&'a str]) -> usize {
            view.text.len() + names.len()
        }
    }

    #[ring_impl]
    impl View<'_> {
        #[ring(capacity = Self::CAPACITY)]
        fn elided(&self, other: View<'_>) -> Arc<str> {
            format!("{}{}", self.text, other.text).into()
        }
    }

    #[test]
    fn types_and_methods_with_lifetimes() {
        let text = String::from("short lived");
        let view = View { text: &text };
        assert_eq!(view.owned(), text);
        assert_eq!(View::owned_cache().storage().capacity(), 3);
        assert_eq!(view.longer(&View { text: "x" }), 11);
        assert_eq!(View::of(View { text: &text }, &["a"]), 12);
        assert_eq!(&*view.elided(View { text: "!" }), "short lived!");
        assert!(view.owned_ring().key().to_string().contains("View.owned:"));
    }

    #[ring]
    fn free<'a>(first: &'a str, second: &str, view: &View<'a>) -> usize {
        first.len() + second.len() + view.text.len()
    }

    #[test]
    fn functions_with_lifetimes() {
        let text = String::from("abc");
        assert_eq!(free(&text, "d", &View { text: &text }), 7);
    }
}

mod attributes;
mod generic_storages;

mod made_by_macros;
mod shadowed_names;

mod visibility;

mod hygiene;
