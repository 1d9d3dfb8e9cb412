//! Behaviour of the core without the macros: the tests create rings as generated code does.

mod acknowledged;
mod after_an_update;
mod async_call;
mod async_calls;
mod async_failing_storage;
mod async_generations;
mod async_panics;
mod async_recursion;
mod async_single_flight;
mod async_stress;
mod bulk;
mod cancellation;
mod coders;
#[cfg(feature = "testing")]
mod contract;
#[cfg(feature = "testing")]
mod contract_notices;
mod deadlines;
mod eager_storage;
mod entry_keys;
mod executors;
mod explicit_writes;
mod failing_storage;
#[cfg(feature = "testing")]
mod flooding;
mod generations;
mod held_leaders;
#[cfg(feature = "inspect")]
mod inspect;
mod key_values;
mod leases;
mod lru;
mod lru_builder;
mod overlapping;
#[cfg(all(
    feature = "cbor",
    feature = "json",
    feature = "lz4",
    feature = "message-pack",
    feature = "zstd"
))]
mod packed;
mod panics;
mod patience;
mod recursion;
mod rings;
#[cfg(all(feature = "lz4", feature = "sealed"))]
mod sealed;
mod single_flight;
mod stress;
mod support;
mod type_names;
#[cfg(all(
    feature = "cbor",
    feature = "json",
    feature = "message-pack",
    feature = "postcard"
))]
mod values_come_back;
