//! A lock for values that are mostly read: while there are no writers, a reader writes only to the slot of its thread.
//!
//! Readers of a usual lock count themselves in one place, whose cache line moves between processors. Here a reader that
//! finds the lock *biased* publishes the lock's address in its [`ThreadSlot`] instead. A writer takes the inner lock,
//! revokes the bias, and waits until no slot names this lock. Readers that find no bias take the inner lock; they
//! restore the bias after enough reads without a write that [are likely to be repeated](ReadersLock::expect_reads).
//! This is BRAVO, with one slot per thread: Dice and Kogan, *BRAVO: Biased Locking for Reader-Writer Locks*, USENIX ATC
//! 2019, <https://arxiv.org/abs/1810.01553>.
//!
//! **Why a reader and a writer exclude each other.** The reader writes its slot, passes a fence, and reads the bias.
//! The writer revokes the bias, passes a fence, and reads the slots. The fences have a total order: the thread that
//! passes second sees the other's earlier write. So the reader sees that there is no bias, or the writer sees the
//! slot and waits for it. The reader's reads happen before the release of its slot, which the writer acquires. The
//! bias is restored only under the inner read lock, without a writer. `tests/loom` tries all orders of this file,
//! also without either fence.

use std::ops::Deref;

use crate::sync::thread_slot::{self, OwnSlot};
use crate::sync::{AtomicBool, AtomicU32, Ordering, RwLock, RwLockReadGuard, RwLockWriteGuard, fence};

/// The most reads that [`reads_to_bias`] asks for.
const MOST_READS: usize = 24;

/// The number of repeatable reads without a write after which readers use their slots. A writer then looks at all slots, which
/// takes as long as a read under the inner lock for some of them. Loom could not try all orders of several reads.
fn reads_to_bias() -> u32 {
    if cfg!(ring_loom) {
        return 0;
    }
    (thread_slot::all().len() / 4).min(MOST_READS) as u32
}

/// A lock for values that are mostly read.
///
/// As with other locks, a thread that reads twice at a time may deadlock with a writer that waits for the first read.
///
/// In its own cache lines: two locks do not share one.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct ReadersLock<T> {
    inner: RwLock<T>,
    bias: Bias,
}

impl<T> ReadersLock<T> {
    pub(crate) fn new(value: T) -> Self {
        ReadersLock {
            inner: RwLock::new(value),
            bias: Bias::default(),
        }
    }

    /// Reads through the slot of this thread. `None` if there is no bias, or the slot is in use.
    #[inline(always)]
    pub(crate) fn try_read_biased(&self, slot: OwnSlot) -> Option<BiasedReadGuard<'_, T>> {
        if self.bias.try_publish(slot, address_of(self)) {
            Some(BiasedReadGuard { lock: self, slot })
        } else {
            None
        }
    }

    /// Reads through the inner lock.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
        let guard = self.inner.read();
        self.bias.prepare();
        guard
    }

    /// Counts a read that is likely to be repeated. Enough such reads restore the bias. The guard proves that no writer is
    /// active.
    #[inline]
    pub(crate) fn expect_reads(&self, _guard: &RwLockReadGuard<'_, T>) {
        self.bias.expect_reads();
    }

    /// Waits for all readers and for another writer.
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
        let guard = self.inner.write();
        self.bias.revoke(address_of(self));
        guard
    }
}

/// The address that names a lock in the slots of its readers.
#[inline(always)]
fn address_of<T>(lock: &ReadersLock<T>) -> usize {
    std::ptr::from_ref(lock).addr()
}

/// The bias of a lock, whatever its value.
#[derive(Default)]
struct Bias {
    is_on: AtomicBool,
    /// The number of repeatable reads under the inner lock since the last write.
    reads: AtomicU32,
}

impl Bias {
    /// Writes the lock's address into the slot of this thread. Returns false without a bias, or if the slot is in use.
    #[inline(always)]
    fn try_publish(&self, slot: OwnSlot, address: usize) -> bool {
        // Without a bias the slot need not be published.
        if !self.is_on.load(Ordering::Relaxed) || slot.held.load(Ordering::Relaxed) != 0 {
            return false;
        }
        slot.held.store(address, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !self.is_on.load(Ordering::Acquire) {
            slot.held.store(0, Ordering::Release);
            return false;
        }
        true
    }

    /// Prepares the next read of this thread, which may use a slot.
    #[inline]
    fn prepare(&self) {
        if self.is_on.load(Ordering::Relaxed) {
            thread_slot::current_or_new();
        }
    }

    /// Counts a read that is likely to be repeated. Requires the inner lock.
    #[inline]
    fn expect_reads(&self) {
        if self.is_on.load(Ordering::Relaxed) {
            return;
        }
        // Concurrent readers may count as one.
        let reads = self.reads.load(Ordering::Relaxed);
        self.reads.store(reads.wrapping_add(1), Ordering::Relaxed);
        if reads >= reads_to_bias() {
            self.is_on.store(true, Ordering::Release);
        }
    }

    /// Revokes the bias, and waits for the readers that use it. Requires the inner lock for writing.
    #[inline]
    fn revoke(&self, address: usize) {
        self.reads.store(0, Ordering::Relaxed);
        if self.is_on.load(Ordering::Relaxed) {
            self.wait_for_readers(address);
        }
    }

    #[cold]
    fn wait_for_readers(&self, address: usize) {
        self.is_on.store(false, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        for slot in thread_slot::all() {
            let mut rounds = 0;
            while slot.held.load(Ordering::Acquire) == address {
                thread_slot::wait(rounds);
                rounds += 1;
            }
        }
    }
}

/// A read guard.
pub(crate) struct BiasedReadGuard<'l, T> {
    lock: &'l ReadersLock<T>,
    slot: OwnSlot,
}

impl<T> Deref for BiasedReadGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    #[allow(unsafe_code)]
    fn deref(&self) -> &T {
        // SAFETY: The pointer is valid as long as the lock, which is borrowed. There is no writer: a writer that took
        // the inner lock before the bias was seen has revoked the bias before, so the bias would not have been seen.
        // A later writer waits until `drop` releases the slot.
        unsafe { &*self.lock.inner.data_ptr() }
    }
}

impl<T> Drop for BiasedReadGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.slot.held.store(0, Ordering::Release);
    }
}

#[cfg(all(test, not(ring_loom)))]
mod tests {
    use std::thread::scope;

    use super::*;

    const ROUNDS: u64 = if cfg!(miri) { 60 } else { 20_000 };

    fn bias(lock: &ReadersLock<(u64, u64)>) {
        // Threads of other tests may get slots meanwhile.
        while !lock.bias.is_on.load(Ordering::Relaxed) {
            lock.expect_reads(&lock.read());
        }
        thread_slot::current_or_new();
    }

    #[test]
    fn a_reader_sees_no_half_written_value() {
        let lock = ReadersLock::new((0_u64, 0_u64));
        let is_whole = |pair: &(u64, u64)| pair.0 == pair.1;
        scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        let biased = lock
                            .try_read_biased(thread_slot::current())
                            .map(|pair| is_whole(&pair));
                        assert!(biased.unwrap_or_else(|| {
                            let pair = lock.read();
                            lock.expect_reads(&pair);
                            is_whole(&pair)
                        }));
                    }
                });
            }
            for round in 0..ROUNDS {
                if round % 64 == 0 {
                    let mut pair = lock.write();
                    pair.0 += 1;
                    pair.1 += 1;
                }
                std::thread::yield_now();
            }
        });
        assert_eq!(lock.read().0, ROUNDS.div_ceil(64));
    }

    #[test]
    fn reads_without_a_write_bring_the_bias_and_a_write_takes_it() {
        let lock = ReadersLock::new((1, 1));
        drop(lock.read());
        assert!(
            lock.try_read_biased(thread_slot::current()).is_none(),
            "it need not be repeated"
        );
        bias(&lock);
        assert!(lock.try_read_biased(thread_slot::current()).is_some());
        lock.write().0 = 2;
        assert!(lock.try_read_biased(thread_slot::current()).is_none());
    }

    #[test]
    fn a_thread_that_reads_already_takes_the_inner_lock() {
        let (one, other) = (ReadersLock::new((1, 1)), ReadersLock::new((2, 2)));
        bias(&one);
        bias(&other);
        let reading = one.try_read_biased(thread_slot::current());
        assert!(reading.is_some() && other.try_read_biased(thread_slot::current()).is_none());
        assert_eq!(other.read().0, 2);
        drop(reading);
        assert!(other.try_read_biased(thread_slot::current()).is_some());
    }

    #[test]
    fn a_panic_under_the_lock_releases_it() {
        let lock = ReadersLock::new((1, 1));
        bias(&lock);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _reading = lock
                .try_read_biased(thread_slot::current())
                .expect("it is biased");
            panic!("under the lock");
        }));
        assert!(panic.is_err());
        lock.write().0 = 2;
        assert_eq!(lock.read().0, 2);
    }
}
