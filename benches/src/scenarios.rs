//! The memoized functions: key, value, capacity, and the contenders that can take part.

use std::sync::Arc;
use std::time::Duration;

use crate::contenders::{by_hand, cached, concurrent_cached, memoize, moka, ring};
use crate::keys::{Borrowed, Page, Url};
use crate::peer::{Bypassed, Memoized, Visit};
use crate::values::{Block, Value};
use crate::who::Who;

/// The capacity if all keys must fit: about twice their number, since shards fill unevenly.
const ROOMY: usize = 2048;

/// A function that contenders memoize.
pub trait Scenario: 'static {
    /// Its arguments.
    type Key: Borrowed;
    /// The type of its result.
    type Value: Value;
    /// The greatest number of entries.
    const CAPACITY: usize = ROOMY;

    /// Visits all contenders.
    fn each(visit: &mut impl Visit<Self::Key, Self::Value>) {
        Self::macros(visit);
        by_hand(Self::CAPACITY, visit);
    }

    /// Visits those that are macros.
    fn macros(visit: &mut impl Visit<Self::Key, Self::Value>);
}

/// The macros' functions of one name, with arguments made from a key.
macro_rules! functions {
    ($visit:ident, $function:ident($key:ident: $type:ty) => $($argument:expr),*) => {
        $visit.peer(Who::Ring, || Memoized(|$key: $type| ring::$function($($argument),*)));
        $visit.peer(Who::Cached, || Memoized(|$key: $type| cached::$function($($argument),*)));
        $visit.peer(Who::ConcurrentCached, || {
            Memoized(|$key: $type| concurrent_cached::$function($($argument),*))
        });
        $visit.peer(Who::Memoize, || Memoized(|$key: $type| memoize::$function($($argument),*)));
    };
}

/// Scenarios whose key is a number, with functions that differ by value and capacity.
macro_rules! of_a_number {
    ($($(#[$doc:meta])* $scenario:ident: $function:ident -> $value:ty, $capacity:expr;)*) => {$(
        $(#[$doc])*
        pub struct $scenario;

        impl Scenario for $scenario {
            type Key = u64;
            type Value = $value;
            const CAPACITY: usize = $capacity;

            fn macros(visit: &mut impl Visit<u64, $value>) {
                functions!(visit, $function(number: u64) => number);
            }
        }
    )*};
}

of_a_number! {
    /// From a number to a reference-counted text.
    Text: text -> Arc<str>, ROOMY;
    /// From a number to 64 bytes.
    Bytes64: block -> Block, ROOMY;
    /// From a number to a number, with room for a tenth of the million keys.
    Zipf: zipf -> u64, 100_000;
    /// From a number to a number, with room for 128.
    Bounded128: bounded_128 -> u64, 128;
    /// From a number to a number, with room for 1,024.
    Bounded1024: bounded_1024 -> u64, 1024;
    /// From a number to a number, with room for 100,000.
    Bounded100000: bounded_100_000 -> u64, 100_000;
    /// From a number to a number, with room for a million.
    Million: bounded_1_000_000 -> u64, 1_000_000;
}

/// From a number to a number.
pub struct Number;

impl Scenario for Number {
    type Key = u64;
    type Value = u64;

    fn macros(visit: &mut impl Visit<u64, u64>) {
        functions!(visit, number(number: u64) => number);
        visit.peer(Who::RingStorage, || Bypassed {
            function: ring::number,
            storage: ring::number_in_storage(),
        });
    }
}

/// From a URL and a number to a number.
pub struct UrlAndNumber;

impl Scenario for UrlAndNumber {
    type Key = Url;
    type Value = u64;

    fn macros(visit: &mut impl Visit<Url, u64>) {
        functions!(visit, url(key: Url) => key.url, key.number);
        visit.peer(Who::RingStorage, || Bypassed {
            function: |key: Url| ring::url(key.url, key.number),
            storage: ring::url_in_storage(),
        });
    }
}

/// From a page to a number: a method whose key is a `String` field of `self`.
pub struct Method;

impl Scenario for Method {
    type Key = &'static Page;
    type Value = u64;

    fn macros(visit: &mut impl Visit<&'static Page, u64>) {
        visit.peer(Who::Ring, || Memoized(Page::content));
        visit.peer(Who::RingStorage, || Bypassed {
            function: Page::content,
            storage: ring::content_in_storage(),
        });
        visit.peer(Who::Cached, || Memoized(Page::content_by_cached));
        visit.peer(Who::ConcurrentCached, || {
            Memoized(Page::content_by_concurrent_cached)
        });
        visit.cannot(Who::Memoize, "does not take methods");
    }
}

/// From a number to a number, which expires after a minute.
pub struct Expiring;

impl Scenario for Expiring {
    type Key = u64;
    type Value = u64;

    fn each(visit: &mut impl Visit<u64, u64>) {
        Self::macros(visit);
        visit.peer(Who::Moka, || moka::Moka::expiring(ROOMY, Duration::from_secs(60)));
        for who in [
            Who::QuickBorrowed,
            Who::QuickOwned,
            Who::Foyer,
            Who::Schnellru,
            Who::Lru,
            Who::Papaya,
            Who::Floor,
        ] {
            visit.cannot(who, "entries do not expire");
        }
    }

    fn macros(visit: &mut impl Visit<u64, u64>) {
        functions!(visit, expiring(number: u64) => number);
    }
}
