//! Instructions of a hit and of a miss, as callgrind counts them: repeatable, also on a machine that is busy.
//!
//! `cargo run --release --bin instructions`, or with `-- --short`

use ring_cache_benches::form::Form;
use ring_cache_benches::{callgrind, children, targets};

fn main() -> std::io::Result<()> {
    if callgrind::run_if_asked() {
        return Ok(());
    }
    if !callgrind::is_there() {
        println!("skipped: valgrind is not installed");
        return Ok(());
    }
    children::print(callgrind::measure(&Form::asked())?, targets::judge);
    Ok(())
}
