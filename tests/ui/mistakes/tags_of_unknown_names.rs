//! Names that the compiler does not find.

use ring_cache::ring;

#[ring(tags(team))] //~ no such name
fn unknown(id: u64) -> u64 {
    id
}

fn plain(id: u64) -> u64 {
    id
}

#[ring(depends(plain(id)))] //~ not cached
fn of_plain(id: u64) -> u64 {
    id
}

fn main() {}
