//! Benchmarks of ring-cache beside other caches.
//!
//! Each peer is written once, in [`contenders`], as a memoized function of its own kind. [`scenarios`] say which functions
//! there are, with which keys and values; [`workloads`] say how they are called and what is measured; a [`table`] keeps
//! what came out, and [`targets`] judge it. Contenders take turns ([`rounds`]), so that what disturbs the machine disturbs
//! all of them.

pub mod callgrind;
pub mod children;
pub mod contenders;
pub mod form;
pub mod keys;
pub mod peer;
pub mod random;
pub mod rounds;
pub mod scenarios;
pub mod table;
pub mod targets;
pub mod values;
pub mod who;
pub mod workloads;

pub use rounds::{compare, contender};
