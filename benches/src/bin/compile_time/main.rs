//! The time to compile a crate with 200 cached methods: with `#[ring]`, with `#[cached]`, and without a cache.
//!
//! ```console
//! $ cargo run --release --bin compile_time        # seven rounds, some minutes
//! $ cargo run --release --bin compile_time -- 3   # three rounds
//! ```
//!
//! It writes the three crates into the target folder, builds what they depend on, and then checks (`cargo check`) and
//! builds (`cargo build`) each alone, after `cargo clean` of that crate, in turns. Profile and features are the default
//! ones. [`source`] describes the crates. CPU time is that of all processes that cargo starts; it is read from `/proc`,
//! so on Linux only.

mod source;
mod timing;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use source::Contender;
use timing::{Cargo, Medians};

const ROUNDS: usize = 7;

/// The commands, and the limit of the wall time for a crate with `#[ring]`, relative to that for one with `#[cached]`.
const TARGETS: [(&str, f64); 2] = [("check", 1.0), ("build", 1.15)];

fn main() -> io::Result<()> {
    let rounds = env::args()
        .nth(1)
        .map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let folder = folder()?;
    write_workspace(&folder)?;
    let cargo = Cargo::of(&folder);
    println!("{} cached methods in {}", source::METHODS, folder.display());
    for (command, target) in TARGETS {
        cargo.run(&[command, "--workspace"])?;
        compare(&cargo, command, rounds, target)?;
    }
    Ok(())
}

/// The folder of the crates, beside the folder of the profile that has this program.
fn folder() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program
        .ancestors()
        .nth(2)
        .expect("programs lie in the folder of their profile");
    Ok(target.join("compile_time"))
}

/// One workspace, so that all are built with the same dependencies, in the versions of these benchmarks.
fn write_workspace(folder: &Path) -> io::Result<()> {
    let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
    for contender in Contender::ALL {
        let package = folder.join(contender.package());
        fs::create_dir_all(package.join("src"))?;
        fs::write(
            package.join("Cargo.toml"),
            contender.manifest(&benches.join("..").canonicalize()?),
        )?;
        fs::write(package.join("src/lib.rs"), contender.root())?;
        for number in 0..source::SERVICES {
            fs::write(
                package.join(format!("src/shop{number}.rs")),
                contender.module(number),
            )?;
        }
    }
    let members = Contender::ALL
        .map(|contender| format!("\"{}\"", contender.package()))
        .join(", ");
    fs::write(
        folder.join("Cargo.toml"),
        format!("[workspace]\nmembers = [{members}]\nresolver = \"3\"\n"),
    )?;
    fs::copy(benches.join("Cargo.lock"), folder.join("Cargo.lock")).map(drop)
}

/// Lets the crates take turns. Another one begins each round, so that none is favoured by its place.
fn compare(cargo: &Cargo, command: &str, rounds: usize, target: f64) -> io::Result<()> {
    let count = Contender::ALL.len();
    let mut times = vec![Vec::with_capacity(rounds); count];
    for round in 0..rounds {
        for nth in (0..count).map(|turn| (round + turn) % count) {
            times[nth].push(cargo.time(command, Contender::ALL[nth].package())?);
        }
    }
    let medians: Vec<_> = times.iter().map(|times| Medians::of(times)).collect();
    let peer = &medians[Contender::Cached as usize];
    println!("\ncargo {command}, medians of {rounds}      wall s  ratio    CPU s  ratio");
    for (contender, own) in Contender::ALL.iter().zip(&medians) {
        let (wall, processor) = (own.wall / peer.wall, own.processor / peer.processor);
        let (name, own_wall, own_processor) = (contender.label(), own.wall, own.processor);
        println!("  {name:<30} {own_wall:>7.2} {wall:>6.2} {own_processor:>8.2} {processor:>6.2}");
    }
    let ratio = medians[Contender::Ring as usize].wall / peer.wall;
    let verdict = if ratio <= target { "reached" } else { "NOT reached" };
    println!("  target: wall at most {target} x `#[cached]`: {verdict} ({ratio:.2})");
    Ok(())
}
