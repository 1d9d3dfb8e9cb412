//! Writers: after the end of one, however it ends, no later call sees an older value.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ring_cache_core::generated::{AsyncWriter, cleared_awaited, forgotten_awaited};
use ring_cache_core::{AsyncCache, Plain};

use crate::callers::{Caller, Kept, Verb, task};
use crate::checking::scenario;
use crate::world::{World, pause};

/// The target of a writer.
#[derive(Clone, Copy)]
enum Named {
    Entry,
    Ring,
}

/// A writer as a task, and whether its body has changed the truth.
fn writer<S: Kept>(world: &Arc<World<S>>, named: Named) -> (Caller<()>, Arc<AtomicBool>) {
    let (world, changed) = (Arc::clone(world), Arc::new(AtomicBool::new(false)));
    let noted = Arc::clone(&changed);
    let write = async move {
        let cache = AsyncCache::new(world.ring(), &world.storage);
        let entry = || forgotten_awaited(cache.name_entry::<Plain<u32>, _>((1_u32,)).forgetting());
        let ring = || cleared_awaited(cache.clearing::<u32>());
        let named = match named {
            Named::Entry => (Some(entry()), None),
            Named::Ring => (None, Some(ring())),
        };
        let mut writer = AsyncWriter::new(named, false);
        let body = async || {
            pause().await;
            world.change_truth(2);
            noted.store(true, Ordering::SeqCst);
            pause().await;
        };
        writer.run(body).await;
        writer.end(true, ()).await;
    };
    (task(write), changed)
}

/// Every later call sees the truth.
fn assert_new<S: Kept>(world: &Arc<World<S>>, truth: u32) {
    for _ in 0..2 {
        assert_eq!(
            world.run(Verb::GetOrUpdate, 1),
            Some(truth),
            "a later call sees no older value"
        );
    }
}

fn readers<S: Kept>(world: &Arc<World<S>>) -> Vec<Caller<Option<u32>>> {
    (0..2)
        .map(|nth| world.caller(nth, Verb::GetOrUpdate, 1))
        .collect()
}

fn write_during_flights<S: Kept>(world: &Arc<World<S>>, named: Named) {
    let readers = readers(world);
    writer(world, named).0.join();
    assert_new(world, 2);
    for reader in readers {
        assert!(matches!(reader.join(), Some(Some(1 | 2))));
    }
    assert_new(world, 2);
}

scenario!(a_writer_during_flights_leaves_no_older_value over memory, slow, awaited);
fn a_writer_during_flights_leaves_no_older_value<S: Kept>(world: &Arc<World<S>>) {
    write_during_flights(world, Named::Entry);
}

scenario!(a_writer_that_clears_leaves_no_older_value over memory, slow, awaited);
fn a_writer_that_clears_leaves_no_older_value<S: Kept>(world: &Arc<World<S>>) {
    write_during_flights(world, Named::Ring);
}

fn drop_a_writer_during_flights<S: Kept>(world: &Arc<World<S>>, named: Named) {
    let readers = readers(world);
    let (writer, changed) = writer(world, named);
    writer.drop_it();
    writer.join();
    let truth = if changed.load(Ordering::SeqCst) { 2 } else { 1 };
    assert_new(world, truth);
    for reader in readers {
        assert!(matches!(reader.join(), Some(Some(1 | 2))));
    }
    assert_new(world, truth);
}

scenario!(a_dropped_writer_leaves_no_older_value over memory, slow, awaited);
fn a_dropped_writer_leaves_no_older_value<S: Kept>(world: &Arc<World<S>>) {
    drop_a_writer_during_flights(world, Named::Entry);
}

scenario!(a_dropped_writer_that_clears_leaves_no_older_value over memory, slow, awaited);
fn a_dropped_writer_that_clears_leaves_no_older_value<S: Kept>(world: &Arc<World<S>>) {
    drop_a_writer_during_flights(world, Named::Ring);
}
