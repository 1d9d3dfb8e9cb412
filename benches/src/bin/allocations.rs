//! Allocations of a hit, and bytes of an entry: in a program of its own, since an allocator that counts lengthens
//! times.
//!
//! `cargo run --release --bin allocations`

use std::alloc::System;

use ring_cache_benches::scenarios::{Method, Number, UrlAndNumber};
use ring_cache_benches::workloads::allocations::{self, Counted};
use ring_cache_benches::workloads::memory;
use ring_cache_benches::{children, targets};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn counted() -> Counted {
    let stats = ALLOCATOR.stats();
    Counted {
        allocations: stats.allocations + stats.reallocations,
        live_bytes: stats.bytes_allocated - stats.bytes_deallocated,
    }
}

fn main() {
    let rows = vec![
        allocations::measure::<Number>(allocations::NUMBER, counted),
        allocations::measure::<UrlAndNumber>(allocations::URL, counted),
        allocations::measure::<Method>(allocations::METHOD, counted),
        memory::measure(counted),
    ];
    children::print(rows, targets::judge);
}
