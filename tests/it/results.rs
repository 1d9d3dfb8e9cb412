//! Fallible methods: only `Ok` is cached, whatever the name of the type.

use std::error::Error as StdError;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use ring_cache::{Calls, RingKey, ring, ring_impl};

/// Neither `Clone` nor anything else.
struct Failure;

mod own {
    /// An alias with the name of std's.
    pub(super) type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;
}

type Fallible<T> = Result<T, Failure>;
type AlwaysText = Result<String, Failure>;

#[derive(RingKey)]
struct Shop {
    id: u32,
}

#[ring_impl]
impl Shop {
    #[ring]
    fn std(&self, n: u32) -> Result<u32, Failure> {
        if n == 0 { Err(Failure) } else { Ok(n) }
    }
    #[ring]
    fn io(&self, n: u32) -> io::Result<u32> {
        let text = if n == 0 {
            Err(io::Error::other("zero"))
        } else {
            Ok(n.to_string())
        }?;
        text.parse().map_err(io::Error::other)
    }
    #[ring]
    fn absolute(&self, n: u32) -> ::std::result::Result<u32, Box<dyn StdError>> {
        Err(n.to_string().into())
    }
    #[ring]
    fn like_anyhow(&self, text: &str) -> own::Result<u32> {
        Ok(text.parse::<u32>()?)
    }
    #[ring(fallible)]
    fn alias(&self, n: u32) -> Fallible<u32> {
        self.std(n)
    }
    #[ring(fallible)]
    fn alias_without_arguments(&self, n: u32) -> AlwaysText {
        self.std(n).map(|n| n.to_string())
    }
    #[ring(fallible)]
    fn said_twice(&self) -> Result<u32, Failure> {
        Ok(1)
    }
    #[ring(unless = Option::is_none)]
    fn option_in_result(&self, n: u32) -> Result<Option<u32>, Failure> {
        if n > 9 {
            Err(Failure)
        } else {
            Ok((n > 0).then_some(n))
        }
    }
    #[ring]
    fn option(&self, n: u32) -> Option<u32> {
        RUNS.fetch_add(1, SeqCst);
        (n > 0).then_some(n)
    }
    #[ring]
    fn unit(&self, n: u32) -> Result<(), Failure> {
        self.std(n).map(drop)
    }
    #[ring]
    fn result_in_option(&self) -> Option<Result<u32, String>> {
        Some(Err("an Option is a value like any other".into()))
    }
}

static RUNS: AtomicU32 = AtomicU32::new(0);
const SHOP: Shop = Shop { id: 1 };

#[test]
fn errors_are_never_cached() {
    assert!(SHOP.std(0).is_err() && SHOP.io(0).is_err() && SHOP.alias(0).is_err());
    assert!(SHOP.absolute(0).is_err() && SHOP.like_anyhow("x").is_err() && SHOP.unit(0).is_err());
    assert!(SHOP.alias_without_arguments(0).is_err());
    assert!(!SHOP.std_ring(0).has() && !SHOP.io_ring(0).has() && !SHOP.alias_ring(0).has());
    assert!(!SHOP.absolute_ring(0).has() && !SHOP.like_anyhow_ring("x").has() && !SHOP.unit_ring(0).has());
    assert!(!SHOP.alias_without_arguments_ring(0).has());
}

#[test]
fn values_are() {
    assert_eq!((SHOP.std(1).ok(), SHOP.std_ring(1).get()), (Some(1), Some(1)));
    assert_eq!((SHOP.io(1).ok(), SHOP.io_ring(1).get()), (Some(1), Some(1)));
    assert_eq!(
        (SHOP.like_anyhow("1").ok(), SHOP.like_anyhow_ring("1").get()),
        (Some(1), Some(1))
    );
    assert_eq!((SHOP.alias(1).ok(), SHOP.alias_ring(1).get()), (Some(1), Some(1)));
    assert_eq!(SHOP.alias_without_arguments(1).ok().as_deref(), Some("1"));
    assert!(SHOP.alias_without_arguments_ring(1).has());
    assert_eq!(SHOP.said_twice().ok(), Some(1));
    assert!(SHOP.unit(1).is_ok() && SHOP.unit_ring(1).has());
    assert!(SHOP.result_in_option().is_some() && SHOP.result_in_option_ring().has());

    // A value is set as it is, without `Ok`.
    SHOP.std_ring(70).set(5);
    assert_eq!(SHOP.std(70).ok(), Some(5));
}

#[test]
fn an_option_is_a_value() {
    assert_eq!((SHOP.option(0), SHOP.option(0)), (None, None));
    assert_eq!(RUNS.load(SeqCst), 1);
    assert_eq!(SHOP.option_ring(0).get(), Some(None));

    assert!(matches!(SHOP.option_in_result(0), Ok(None)));
    assert!(!SHOP.option_in_result_ring(0).has());
    assert!(SHOP.option_in_result(10).is_err());
    assert!(matches!(SHOP.option_in_result(1), Ok(Some(1))));
    assert!(SHOP.option_in_result_ring(1).has());
}

#[test]
fn each_result_stands_alone() {
    let results = [0, 1, 0, 2]
        .map(|n| SHOP.io_ring(n + 100 * u32::from(n > 0)))
        .get_or_update_many();
    let found: Vec<_> = results.into_iter().map(Result::ok).collect();
    assert_eq!(found, [None, Some(101), None, Some(102)]);
}

/// Where the macro cannot detect it, the library does: errors are not stored.
#[test]
fn a_generic_value_that_is_a_result() {
    #[ring]
    fn parsed<T: std::str::FromStr + Clone + Send + Sync + 'static>(text: &str) -> Option<T> {
        text.parse().ok()
    }
    #[ring]
    fn run<T>(id: u32, value: T) -> T
    where
        T: RingKey + Clone + Send + Sync + 'static,
    {
        let _ = id;
        value
    }
    assert_eq!(parsed::<u32>("1"), Some(1));
    let error: Result<u32, String> = Err("x".into());
    assert_eq!(run(1, error.clone()), error);
    assert!(!run_ring(1, error.clone()).has());
    let stats = run_cache::<Result<u32, String>>().stats();
    assert_eq!((stats.stores, stats.errors), (0, 1), "it is told");
    assert_eq!(run(1, 5), 5);
    assert!(run_ring(1, 5).has());
}

trait Task: RingKey {
    type Out: Clone + Send + Sync + 'static;
    fn run(&self) -> Self::Out;
}

#[derive(RingKey)]
struct Number(u32);

impl Task for Number {
    type Out = u32;
    fn run(&self) -> u32 {
        self.0
    }
}

/// A type parameter could be a `Result`: the user says that it is not.
#[test]
fn a_value_of_a_type_parameter() {
    #[ring(fallible = false)]
    fn run<T: Task>(task: &T) -> T::Out {
        task.run()
    }
    assert_eq!((run(&Number(1)), run(&Number(1))), (1, 1));
    assert_eq!(run_cache::<Number>().stats().hits, 1);
}
