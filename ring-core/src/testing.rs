//! Tests for users' own implementations, behind the feature `testing`. Enable it in the dev-dependencies.

pub mod contract;
