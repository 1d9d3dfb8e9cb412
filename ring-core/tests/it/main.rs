//! Behaviour of the core, without the macros: rings are made by hand as generated code makes them.

mod bulk;
mod coders;
mod failing_storage;
mod generations;
mod lru;
mod lru_model;
mod recursion;
mod rings;
mod single_flight;
mod stress;
mod support;
