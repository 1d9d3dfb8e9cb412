//! Repairs: entries that may be out of date since a write to them failed.
//!
//! A write that failed may have taken effect, may do so later, or never. The entry counts as absent, and is deleted before
//! the next request to the server.

use std::hash::Hash;
use std::time::{Duration, Instant};

use event_listener::{Event, EventListener};
use parking_lot::Mutex;

use crate::pending_deletes::PendingDeletes;

/// The most entries remembered.
const LIMIT: usize = 65_536;
/// The most entries deleted by one request.
const MAX_BATCH: usize = 1_000;
/// The pause after the server refused to delete entries.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The pending deletions of one node, and their progress.
#[derive(Debug)]
pub(super) struct Repairs<K> {
    pending: PendingDeletes<K>,
    schedule: Mutex<Schedule>,
    /// Notified when a batch ends.
    ended: Event,
}

#[derive(Debug)]
struct Schedule {
    /// The failure number at which the next batch begins.
    from: u64,
    /// The size of the next batch. It shrinks after a failure, so that a slow server makes progress, and an entry that the
    /// server refuses to delete is isolated.
    size: usize,
    /// The number of batches so far.
    batches: u64,
    /// The number of the running batch, and when others stop waiting for it.
    running: Option<(u64, Instant)>,
    refused: Option<Instant>,
}

/// The step before a request to the server.
pub(super) enum RepairStep<'r, K: Clone + Eq + Hash> {
    Nothing,
    Delete(Batch<'r, K>),
    /// Another operation deletes entries. Wait no longer than until this instant: it may be a task that is not polled.
    Wait(EventListener, Instant),
}

/// Entries that one operation deletes. They stay pending unless it reports them [deleted](Self::deleted).
pub(super) struct Batch<'r, K: Clone + Eq + Hash> {
    repairs: &'r Repairs<K>,
    number: u64,
    pub(super) keys: Vec<K>,
    /// The number after their last failure.
    next: u64,
    deleted: bool,
}

/// A change of entries in flight. Unless it is [made](Self::made), they are pending deletion, also if it is dropped: the
/// server may still execute it.
pub(super) struct Change<'r, K: Clone + Eq + Hash> {
    repairs: &'r Repairs<K>,
    keys: Vec<K>,
    /// The next failure number when it began.
    began: u64,
    made: bool,
}

impl<K: Clone + Eq + Hash> Repairs<K> {
    pub(super) fn new() -> Self {
        Repairs {
            pending: PendingDeletes::new(LIMIT),
            schedule: Mutex::new(Schedule {
                from: 0,
                size: MAX_BATCH,
                batches: 0,
                running: None,
                refused: None,
            }),
            ended: Event::new(),
        }
    }

    /// The repairs of a forked child: the same entries are pending.
    pub(super) fn inherited(&self) -> Self {
        Repairs {
            pending: self.pending.inherited(),
            ..Repairs::new()
        }
    }

    pub(super) fn pending(&self) -> &PendingDeletes<K> {
        &self.pending
    }

    /// To be called before entries are changed.
    pub(super) fn begin_change(&self, keys: Vec<K>) -> Change<'_, K> {
        Change {
            repairs: self,
            keys,
            began: self.pending.next_failure(),
            made: false,
        }
    }

    /// The next step of an operation that ends at `until`, before its request. `concerns` tells whether it is on any of the
    /// entries: then it waits for others that delete them.
    pub(super) fn step(
        &self,
        until: Instant,
        concerns: impl Fn(&PendingDeletes<K>) -> bool,
    ) -> RepairStep<'_, K> {
        if self.pending.len() == 0 {
            return RepairStep::Nothing;
        }
        let mut schedule = self.schedule.lock();
        if let Some((_, over)) = schedule.running.filter(|(_, over)| Instant::now() < *over) {
            if !concerns(&self.pending) {
                return RepairStep::Nothing;
            }
            // Listens under the lock, so that the end of the batch is not missed.
            return RepairStep::Wait(self.ended.listen(), over);
        }
        if schedule
            .refused
            .is_some_and(|refused| refused.elapsed() < RETRY_AFTER)
        {
            return RepairStep::Nothing;
        }
        let (mut keys, mut next) = self.pending.oldest(schedule.from, schedule.size);
        if keys.is_empty() {
            schedule.from = 0;
            (keys, next) = self.pending.oldest(0, schedule.size);
        }
        if keys.is_empty() {
            return RepairStep::Nothing;
        }
        schedule.batches += 1;
        schedule.running = Some((schedule.batches, until));
        RepairStep::Delete(Batch {
            repairs: self,
            number: schedule.batches,
            keys,
            next,
            deleted: false,
        })
    }
}

impl<K: Clone + Eq + Hash> Batch<'_, K> {
    /// The server deleted the entries.
    pub(super) fn deleted(mut self) {
        self.deleted = true;
        self.repairs.pending.settle(&self.keys, self.next);
        let mut schedule = self.repairs.schedule.lock();
        schedule.size = (schedule.size * 2).min(MAX_BATCH);
        schedule.refused = None;
    }

    /// The server refused to delete the entries: they count as absent, and are tried again later.
    pub(super) fn refused(self) {
        let mut schedule = self.repairs.schedule.lock();
        schedule.refused = Some(Instant::now());
        if self.keys.len() == 1 {
            schedule.from = self.next;
        }
    }
}

impl<K: Clone + Eq + Hash> Drop for Batch<'_, K> {
    fn drop(&mut self) {
        let mut schedule = self.repairs.schedule.lock();
        if !self.deleted {
            schedule.size = (self.keys.len() / 2).max(1);
        }
        if schedule.running.is_some_and(|(number, _)| number == self.number) {
            schedule.running = None;
        }
        drop(schedule);
        self.repairs.ended.notify(usize::MAX);
    }
}

impl<K: Clone + Eq + Hash> Change<'_, K> {
    /// The server made the change. Entries with failures since it began stay pending: those writes may take effect after it.
    pub(super) fn made(mut self) {
        self.made = true;
        self.repairs.pending.settle(&self.keys, self.began);
    }
}

impl<K: Clone + Eq + Hash> Change<'_, K> {
    /// The server did not make the change, and will not: earlier failures stay pending.
    pub(super) fn was_not_made(mut self) {
        self.made = true;
    }
}

impl<K: Clone + Eq + Hash> Drop for Change<'_, K> {
    fn drop(&mut self) {
        if !self.made {
            self.repairs.pending.add(std::mem::take(&mut self.keys));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(repairs: &Repairs<u32>) -> RepairStep<'_, u32> {
        repairs.step(Instant::now() + Duration::from_secs(60), |_| true)
    }

    fn batch(repairs: &Repairs<u32>) -> Batch<'_, u32> {
        match step(repairs) {
            RepairStep::Delete(batch) => batch,
            _ => panic!("nothing to remove"),
        }
    }

    /// Lets the refusal's [`RETRY_AFTER`] pass.
    fn let_the_refusal_pass(repairs: &Repairs<u32>) {
        repairs.schedule.lock().refused = None;
    }

    #[test]
    fn an_entry_that_was_not_removed_stays() {
        let repairs = Repairs::new();
        repairs.pending.add([1, 2]);
        drop(batch(&repairs));
        batch(&repairs).deleted();
        batch(&repairs).deleted();
        assert!(matches!(step(&repairs), RepairStep::Nothing));
    }

    #[test]
    fn an_entry_that_fails_again_meanwhile_stays() {
        let repairs = Repairs::new();
        repairs.pending.add([1, 2]);
        let removing = batch(&repairs);
        repairs.pending.add([2]);
        assert!(matches!(step(&repairs), RepairStep::Wait(..)));
        removing.deleted();
        assert_eq!(batch(&repairs).keys, [2]);
    }

    #[test]
    fn operations_on_other_entries_do_not_wait() {
        let repairs = Repairs::new();
        repairs.pending.add([1]);
        let removing = batch(&repairs);
        let step = |key| {
            let until = Instant::now() + Duration::from_secs(60);
            repairs.step(until, move |pending| pending.contains(&key))
        };
        assert!(matches!(step(1), RepairStep::Wait(..)));
        assert!(matches!(step(2), RepairStep::Nothing));
        removing.deleted();
    }

    #[test]
    fn a_batch_that_takes_too_long_is_not_waited_for() {
        let repairs = Repairs::new();
        repairs.pending.add([1]);
        let RepairStep::Delete(held) = repairs.step(Instant::now(), |_| true) else {
            panic!("nothing to remove")
        };
        let other = batch(&repairs);
        drop(held);
        assert!(
            matches!(step(&repairs), RepairStep::Wait(..)),
            "the other goes on"
        );
        other.deleted();
        assert_eq!(repairs.pending.len(), 0);
    }

    #[test]
    fn entries_that_the_server_refuses_to_delete_stay_and_block_no_operation() {
        let repairs = Repairs::new();
        repairs.pending.add([1, 2]);
        batch(&repairs).refused();
        assert!(matches!(step(&repairs), RepairStep::Nothing));
        assert!(repairs.pending.contains(&1) && repairs.pending.contains(&2));
        repairs.begin_change(vec![1]).made();
        assert!(!repairs.pending.contains(&1) && repairs.pending.contains(&2));
    }

    #[test]
    fn an_entry_that_the_server_refuses_to_delete_does_not_keep_the_others() {
        let repairs = Repairs::new();
        repairs.pending.add(0..100);
        for _ in 0..40 {
            let_the_refusal_pass(&repairs);
            while let RepairStep::Delete(batch) = step(&repairs) {
                match batch.keys.contains(&7) {
                    true => batch.refused(),
                    false => batch.deleted(),
                }
            }
        }
        assert_eq!((repairs.pending.len(), repairs.pending.contains(&7)), (1, true));
    }

    #[test]
    fn a_server_too_slow_for_many_gets_on_with_few() {
        let repairs = Repairs::new();
        repairs.pending.add(0..2_000);
        for _ in 0..2_000 {
            match step(&repairs) {
                RepairStep::Delete(batch) if batch.keys.len() > 100 => drop(batch),
                RepairStep::Delete(batch) => batch.deleted(),
                _ => return,
            }
        }
        panic!("{} are left", repairs.pending.len());
    }

    #[test]
    fn a_change_that_fails_or_is_dropped_is_repaired() {
        let repairs = Repairs::new();
        drop(repairs.begin_change(vec![1]));
        assert!(repairs.pending.contains(&1));
    }

    #[test]
    fn a_change_does_not_settle_what_failed_after_it_began() {
        let repairs = Repairs::new();
        let change = repairs.begin_change(vec![1]);
        repairs.pending.add([1]);
        change.made();
        assert!(repairs.pending.contains(&1), "the other write may come later");
        repairs.begin_change(vec![1]).made();
        assert!(!repairs.pending.contains(&1));
    }
}
