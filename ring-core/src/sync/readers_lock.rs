//! A lock for values that are mostly read: while nobody writes, a reader writes in a slot of its own thread only.
//!
//! Readers of a usual lock count themselves in one place, which goes from processor to processor. Here a reader that finds
//! the lock *biased* publishes the lock's address in its [`ThreadSlot`] instead. A writer takes the inner lock, takes the
//! bias away, and waits until no slot names this lock. Readers that find no bias take the inner lock; after some of them
//! without a write the bias is back. This is BRAVO, with one slot a thread: Dice and Kogan, *BRAVO: Biased Locking for
//! Reader-Writer Locks*, USENIX ATC 2019, <https://arxiv.org/abs/1810.01553>.
//!
//! **Why a reader and a writer never meet.** The reader writes its slot, passes a fence, and reads the bias. The writer
//! takes the bias away, passes a fence, and reads the slots. The fences are in one order: the one that passes second sees
//! what the other wrote before. So the reader sees that there is no bias, or the writer sees the slot and waits for it. What
//! the reader read happened before it released its slot, which the writer acquires. The bias comes back only under the
//! inner read lock, when there is no writer. `tests/loom` tries all orders of this file, also without either fence.

use std::marker::PhantomData;
use std::ops::Deref;

use crate::sync::thread_slot::{self, ThreadSlot};
use crate::sync::{AtomicBool, AtomicU32, Ordering, RwLock, RwLockReadGuard, RwLockWriteGuard, fence};

/// The number of reads without a write after which readers use their slots. Loom could not try all orders of so many.
const READS_TO_BIAS: u32 = if cfg!(ring_loom) { 0 } else { 24 };

/// A lock for values that are mostly read.
///
/// As with other locks, a thread that reads and then reads again may wait for a writer that waits for the first read.
#[derive(Default)]
pub(crate) struct ReadersLock<T> {
    inner: RwLock<T>,
    is_biased: AtomicBool,
    /// The number of reads under the inner lock since the last write.
    reads: AtomicU32,
}

impl<T> ReadersLock<T> {
    pub(crate) fn new(value: T) -> Self {
        ReadersLock {
            inner: RwLock::new(value),
            is_biased: AtomicBool::new(false),
            reads: AtomicU32::new(0),
        }
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Reads by the slot of this thread. `None` if there is no bias, or the slot is in use.
    #[inline(always)]
    pub(crate) fn try_read_biased(&self) -> Option<BiasedReadGuard<'_, T>> {
        let slot = thread_slot::current();
        // Without a bias the slot need not be published.
        if !self.is_biased.load(Ordering::Relaxed) || slot.held.load(Ordering::Relaxed) != 0 {
            return None;
        }
        slot.held.store(self.address(), Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !self.is_biased.load(Ordering::Acquire) {
            slot.held.store(0, Ordering::Release);
            return None;
        }
        Some(BiasedReadGuard {
            lock: self,
            slot,
            not_send: PhantomData,
        })
    }

    /// Reads by the inner lock.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
        let guard = self.inner.read();
        if self.is_biased.load(Ordering::Relaxed) {
            // The next time this thread may have a slot.
            thread_slot::current_or_new();
        } else {
            // Readers at the same time may count as one.
            let reads = self.reads.load(Ordering::Relaxed);
            self.reads.store(reads.wrapping_add(1), Ordering::Relaxed);
            if reads >= READS_TO_BIAS {
                self.is_biased.store(true, Ordering::Release);
            }
        }
        guard
    }

    /// Waits for all readers and for another writer.
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
        let guard = self.inner.write();
        self.reads.store(0, Ordering::Relaxed);
        if self.is_biased.load(Ordering::Relaxed) {
            self.end_bias();
        }
        guard
    }

    /// Called with the inner lock taken for writing.
    #[cold]
    fn end_bias(&self) {
        self.is_biased.store(false, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        for slot in thread_slot::all() {
            let mut rounds = 0;
            while slot.held.load(Ordering::Acquire) == self.address() {
                thread_slot::wait(rounds);
                rounds += 1;
            }
        }
    }
}

/// Reads until it is dropped.
pub(crate) struct BiasedReadGuard<'l, T> {
    lock: &'l ReadersLock<T>,
    slot: &'static ThreadSlot,
    /// The slot is that of the thread which reads.
    not_send: PhantomData<*const ()>,
}

impl<T> Deref for BiasedReadGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    #[allow(unsafe_code)]
    fn deref(&self) -> &T {
        // SAFETY: The pointer is valid as long as the lock, which is borrowed. Nobody writes: a writer that took the inner
        // lock before the bias was seen has taken the bias away before, so it would not have been seen, and a writer
        // that comes later waits until `drop` releases the slot.
        unsafe { &*self.lock.inner.data_ptr() }
    }
}

impl<T> Drop for BiasedReadGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.slot.held.store(0, Ordering::Release);
    }
}
