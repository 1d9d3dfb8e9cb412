//! Everything about caches in memory, beside peers: one table, and the targets.
//!
//! `cargo run --release --bin hits`, or with `-- --short`

use ring_cache_benches::form::Form;
use ring_cache_benches::scenarios::{
    Bounded128, Bounded1024, Bounded100000, Bytes64, Expiring, Method, Number, Text, UrlAndNumber, Zipf,
};
use ring_cache_benches::table::Table;
use ring_cache_benches::workloads::{hits, misses, mixed, threads, zipf};
use ring_cache_benches::{callgrind, children, targets};

fn main() -> std::io::Result<()> {
    let form = Form::asked();
    let mut table = Table::default();
    table.push(hits::measure::<Number>(hits::NUMBER, &form));
    table.push(hits::measure::<UrlAndNumber>(hits::URL, &form));
    table.push(hits::measure::<Method>(hits::METHOD, &form));
    table.push(hits::measure::<Text>(hits::TEXT, &form));
    table.push(hits::measure::<Bytes64>(hits::BYTES64, &form));
    table.push(hits::measure::<Expiring>(hits::EXPIRING, &form));
    table.push(threads::measure::<Number>(threads::NUMBER, &form));
    table.push(threads::measure::<UrlAndNumber>(threads::URL, &form));
    table.push(threads::measure_hot_key::<Number>(&form));
    table.push(threads::measure_small::<Bounded128>(&form));
    table.extend(mixed::measure::<Number>(&form));
    table.extend(zipf::measure::<Zipf>(&form));
    table.push(misses::measure::<Bounded128>(misses::OF_128, &form));
    table.push(misses::measure::<Bounded1024>(misses::OF_1024, &form));
    table.push(misses::measure::<Bounded100000>(misses::OF_100000, &form));
    table.extend(children::run("allocations", &form)?);
    if callgrind::is_there() {
        table.extend(children::run("instructions", &form)?);
    }
    println!("{table}");
    if !callgrind::is_there() {
        println!("Instructions: skipped: valgrind is not installed.\n");
    }
    println!("{}", targets::judge(&table));
    Ok(())
}
