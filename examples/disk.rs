//! Answers that survive the process: `cargo run --features disk --example disk`.
//!
//! The program runs itself several times, with one file for the answers. Each row is one call, with the number of prices
//! that this process has computed. Each run checks its rows: it panics, and the example fails, if a value that should be in
//! the file is computed again, or one that should not is found.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use ring_cache::{Disk, RingKey, coder::Cbor, ring_impl};

/// A shop. Its name is in the key; the storage is not.
#[derive(RingKey)]
struct Shop {
    name: &'static str,
    #[ring_key(skip)]
    disk: Disk,
    #[ring_key(skip)]
    computed: AtomicU32,
}

#[ring_impl(storage = self.disk as Disk, coder = Cbor)]
impl Shop {
    /// The price in cents, after a slow computation. Entries live a day, also after the process.
    #[ring(expire = "24h")]
    fn price(&self, article: &str) -> u64 {
        self.computed.fetch_add(1, Ordering::Relaxed);
        (1..=5_000_000).fold(article.len() as u64, |sum, step| sum.wrapping_mul(31) ^ step) % 10_000
    }
}

/// Makes a call, prints it, and checks the number of prices computed so far.
macro_rules! show {
    ($shop:ident, $computed:literal, $call:expr) => {{
        let answer = $call;
        let computed = $shop.computed.load(Ordering::Relaxed);
        println!("  {:<44} computed {computed}   {answer:?}", stringify!($call));
        assert_eq!(computed, $computed, "computations by then");
        answer
    }};
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    if let [_, run, file] = &arguments[..] {
        return play(run, Path::new(file));
    }
    let folder = Folder::new()?;
    let file = folder.0.join("shop.db");
    for run in ["first", "second", "third"] {
        println!("\nThe {run} process");
        start(run, &file)?;
    }
    println!("\nThe file is overwritten with something else");
    fs::write(&file, "This is not a database.")?;
    start("fourth", &file)?;
    println!("\nIn the folder are now:");
    for file in fs::read_dir(&folder.0)? {
        println!("  {}", file?.file_name().display());
    }
    Ok(())
}

/// Runs this program once more, and waits for it.
fn start(run: &str, file: &Path) -> Result<(), Box<dyn Error>> {
    let status = Command::new(env::current_exe()?).arg(run).arg(file).status()?;
    status.success().then_some(()).ok_or("a process failed".into())
}

fn play(run: &str, file: &Path) -> Result<(), Box<dyn Error>> {
    let shop = Shop {
        name: "tools",
        disk: Disk::open(file)?.namespace("example").max_bytes(10 << 20),
        computed: AtomicU32::new(0),
    };
    match run {
        "first" => {
            println!("  the key is {}", shop.price_ring("hammer").key());
            let price = show!(shop, 1, shop.price("hammer"));
            assert_eq!(show!(shop, 1, shop.price("hammer")), price);
            show!(shop, 2, shop.price("saw"));
            show!(shop, 2, shop.price_ring("nail").set(7))?;
        }
        "second" => {
            show!(shop, 0, shop.price("hammer"));
            show!(shop, 0, shop.price("saw"));
            assert_eq!(show!(shop, 0, shop.price("nail")), 7);
            assert!(show!(shop, 0, shop.price_ring("saw").delete())?);
        }
        "third" => {
            assert_eq!(show!(shop, 0, shop.price_ring("saw").get())?, None);
            show!(shop, 0, shop.price("hammer"));
            show!(shop, 1, shop.price("saw"));
        }
        // The file was renamed, and a new one created: no call fails.
        _ => {
            show!(shop, 1, shop.price("hammer"));
            show!(shop, 1, shop.price("hammer"));
            assert_eq!(shop.disk.damages().files, 1);
        }
    }
    Ok(())
}

/// A folder, removed at the end of the program.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let folder = env::temp_dir().join(format!("ring-cache-example-{}", process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
