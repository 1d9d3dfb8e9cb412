//! For tests of what users write themselves. Behind the feature `testing`; put it among the dev-dependencies.

pub mod contract;
