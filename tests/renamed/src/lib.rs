//! Generated code is clean with all lints denied, and finds the renamed library.
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    dead_code,
    unused,
    unused_qualifications,
    unused_lifetimes,
    single_use_lifetimes,
    let_underscore_drop,
    trivial_casts,
    trivial_numeric_casts,
    unused_results,
    rust_2018_idioms,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
#![forbid(unsafe_code)]

mod domain;
pub mod forms;

pub use domain::{Page, Pages, Repo};

#[cfg(test)]
mod tests;
