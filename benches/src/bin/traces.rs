//! Hit ratios on traces of requests, beside exact LRU, quick_cache and moka at the same capacity.
//!
//! `TRACES=folder cargo run --release --bin traces`: every file `*.u32` in the folder is a trace, one id (u32, little
//! endian) a request. A request that misses stores.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use quick_cache::sync::DefaultLifecycle;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};
use ring_cache::{Lru, Policy};

/// Capacities, in thousandths of the distinct keys.
const SIZES: [usize; 4] = [5, 10, 50, 100];

fn main() -> io::Result<()> {
    let folder = env::var_os("TRACES").ok_or_else(|| io::Error::other("TRACES names no folder"))?;
    let title = [
        "exact LRU",
        "Lru",
        "ScanResistant",
        "quick_cache",
        "quick, 1 shard",
        "moka",
        "best peer",
    ];
    print!("{:<14} {:>8}", "trace", "capacity");
    title.iter().for_each(|name| print!(" {name:>15}"));
    println!();
    for path in traces(Path::new(&folder))? {
        let trace = read(&path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let distinct = trace.iter().collect::<HashSet<_>>().len();
        for capacity in SIZES.map(|size| (distinct * size / 1000).max(1)) {
            let peers = [
                quick(&trace, capacity),
                quick_one_shard(&trace, capacity),
                moka(&trace, capacity),
            ];
            let best = peers.into_iter().fold(0.0, f64::max);
            print!("{name:<14} {capacity:>8} {:>14.2}%", exact(&trace, capacity));
            for policy in [Policy::LeastRecentlyUsed, Policy::ScanResistant] {
                print!(" {:>14.2}%", ours(&trace, capacity, policy));
            }
            peers.iter().for_each(|ratio| print!(" {ratio:>14.2}%"));
            println!(" {best:>14.2}%");
        }
    }
    Ok(())
}

fn traces(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let files = fs::read_dir(folder)?.map(|file| Ok(file?.path()));
    let mut paths = files.collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "u32"));
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> io::Result<Vec<u32>> {
    let bytes = fs::read(path)?;
    let ids = bytes
        .chunks_exact(4)
        .map(|id| u32::from_le_bytes([id[0], id[1], id[2], id[3]]));
    Ok(ids.collect())
}

/// The hit ratio, in percent, of a cache that both closures use.
fn replay<C>(
    trace: &[u32],
    mut cache: C,
    get: impl Fn(&mut C, u32) -> bool,
    insert: impl Fn(&mut C, u32),
) -> f64 {
    let mut hits = 0;
    for &id in trace {
        if get(&mut cache, id) {
            hits += 1;
        } else {
            insert(&mut cache, id);
        }
    }
    100.0 * f64::from(hits) / trace.len().max(1) as f64
}

fn ours(trace: &[u32], capacity: usize, policy: Policy) -> f64 {
    let lru = Lru::<u32>::builder().capacity(capacity).policy(policy).build();
    let ratio = replay(
        trace,
        &lru,
        |lru, id| lru.get(&id).is_some(),
        |lru, id| lru.set(&id, id),
    );
    assert!(lru.len() <= capacity);
    ratio
}

/// With its defaults: the number of shards depends on the number of processors. It may hold a few entries more than the
/// capacity.
fn quick(trace: &[u32], capacity: usize) -> f64 {
    let cache = quick_cache::sync::Cache::<u32, u32>::new(capacity);
    replay(
        trace,
        cache,
        |cache, id| cache.get(&id).is_some(),
        |cache, id| cache.insert(id, id),
    )
}

fn quick_one_shard(trace: &[u32], capacity: usize) -> f64 {
    let mut options = OptionsBuilder::new();
    options
        .shards(1)
        .estimated_items_capacity(capacity)
        .weight_capacity(capacity as u64);
    let options = options.build().expect("all that it needs is set");
    let cache = quick_cache::sync::Cache::<u32, u32>::with_options(
        options,
        UnitWeighter,
        DefaultHashBuilder::default(),
        DefaultLifecycle::default(),
    );
    replay(
        trace,
        cache,
        |cache, id| cache.get(&id).is_some(),
        |cache, id| cache.insert(id, id),
    )
}

/// Runs its pending tasks after each operation: otherwise it holds more than the capacity for a while.
fn moka(trace: &[u32], capacity: usize) -> f64 {
    let get = |cache: &mut moka::sync::Cache<u32, u32>, id: u32| {
        let found = cache.get(&id).is_some();
        cache.run_pending_tasks();
        found
    };
    let insert = |cache: &mut moka::sync::Cache<u32, u32>, id| {
        cache.insert(id, id);
        cache.run_pending_tasks();
    };
    replay(trace, moka::sync::Cache::new(capacity as u64), get, insert)
}

/// The order of all uses, kept in full.
#[derive(Default)]
struct Order {
    last_use: HashMap<u32, u64>,
    by_use: BTreeMap<u64, u32>,
    now: u64,
}

impl Order {
    /// Returns whether the id was there.
    fn note_use(&mut self, id: u32) -> bool {
        self.now += 1;
        self.by_use.insert(self.now, id);
        let before = self.last_use.insert(id, self.now);
        before.map(|before| self.by_use.remove(&before)).is_some()
    }

    fn drop_oldest(&mut self) {
        if let Some((_, id)) = self.by_use.pop_first() {
            self.last_use.remove(&id);
        }
    }
}

fn exact(trace: &[u32], capacity: usize) -> f64 {
    let get = |order: &mut Order, id| order.note_use(id);
    let insert = |order: &mut Order, _| {
        if order.last_use.len() > capacity {
            order.drop_oldest();
        }
    };
    replay(trace, Order::default(), get, insert)
}
