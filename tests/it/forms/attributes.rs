//! Attributes of methods are kept, and also apply to moved code.

#![deny(warnings, unused_must_use)]
#![allow(clippy::items_after_statements)]

use ring_cache::{RingKey, ring, ring_impl};

#[derive(RingKey)]
pub(super) struct Kept;

#[ring_impl]
impl Kept {
    /// A comment.
    #[must_use]
    #[inline]
    #[ring]
    #[doc(alias = "alias")]
    pub(super) fn must_use(&self) -> u32 {
        1
    }

    #[ring]
    #[cfg(any())]
    fn absent(&self) -> Absent {
        Absent
    }

    #[cfg(not(any()))]
    #[cfg_attr(not(any()), allow(dead_code))]
    #[ring]
    fn present(&self) -> u32 {
        1
    }

    #[ring]
    #[allow(unused_variables)]
    fn allowed(&self, n: u32) -> u32 {
        let unused = 1;
        1
    }

    #[ring]
    #[expect(unused_variables, reason = "the test wants it")]
    fn expected(&self, n: u32) -> u32 {
        1
    }

    #[ring]
    #[cfg_attr(not(any()), expect(unused_variables))]
    fn expected_under_a_condition(&self, n: u32) -> u32 {
        1
    }

    #[deprecated(note = "for a test")]
    #[ring]
    fn deprecated(&self) -> u32 {
        1
    }

    #[allow(dead_code)]
    #[ring]
    fn unused(&self) -> u32 {
        1
    }

    #[ring]
    #[cold]
    fn other(&self) -> u32 {
        1
    }
}

#[ring]
#[cfg(any())]
fn absent() -> Absent {
    Absent
}

#[cfg(not(any()))]
#[ring]
#[deprecated]
fn present() -> u32 {
    1
}

#[ring]
#[cfg(not(any()))]
fn either() -> u32 {
    1
}

#[ring]
#[cfg(any())]
fn either() -> u32 {
    2
}

#[ring_impl]
impl Kept {
    #[ring]
    #[cfg(not(any()))]
    fn either(&self) -> u32 {
        1
    }

    #[ring]
    #[cfg(any())]
    fn either(&self) -> u32 {
        2
    }
}

trait Either {
    fn one_of_two(&self) -> u32;
}

#[ring_impl]
impl Either for Kept {
    #[cfg(not(any()))]
    #[ring]
    fn one_of_two(&self) -> u32 {
        1
    }

    #[cfg_attr(not(any()), cfg(any()))]
    #[ring]
    fn one_of_two(&self) -> u32 {
        2
    }
}

#[test]
fn one_of_two_variants() {
    assert_eq!((either(), Kept.either(), Kept.one_of_two()), (1, 1, 1));
}

/// Only its accessor is used.
#[ring]
fn only_controlled() -> u32 {
    1
}

#[test]
#[allow(deprecated)]
fn attributes_are_kept() {
    assert_eq!(
        Kept.must_use() + Kept.allowed(1) + Kept.expected(1) + Kept.deprecated() + Kept.other(),
        5
    );
    assert_eq!(Kept.expected_under_a_condition(1), 1);
    assert_eq!(present(), 1);
    assert!(!only_controlled_ring().has());
}
