//! Benchmarks of ring-cache beside other caches.
//!
//! Each peer is written once, in [`contenders`], as a memoized function of its own kind. [`scenarios`] define the
//! functions, with their keys and values; [`workloads`] define the calls and the measurements; a [`table`] keeps the
//! results, and [`targets`] judge them. Contenders take turns ([`rounds`]), so that a disturbance of the machine
//! affects all of them.

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
