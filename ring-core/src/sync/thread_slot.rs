//! A slot for each thread, to which only that thread writes: the lock that it reads under. It also has a number. The
//! thread-local with the slot also holds the thread's counts.
//!
//! A thread gets a slot at its first request, and returns it when it ends. There are [`SLOTS`] slots. Further
//! threads, and threads that end, get a shared slot that is always busy.
//!
//! After a `fork`, the child has the slots of threads that do not exist in it. A slot names the process in which a thread
//! got it. The thread that forked releases them, when it waits for one: only it knows that it reads under no other slot.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread_local;
use std::time::Duration;

use parking_lot::Mutex;

use crate::stats::counts::Counts;

/// The greatest number of threads with slots at a time.
const SLOTS: usize = 256;

/// The slot of one thread, in its own cache lines: processors load them in pairs.
#[repr(align(128))]
pub(crate) struct ThreadSlot {
    /// The address of the lock that the thread reads under; 0 if there is none.
    pub(crate) held: AtomicUsize,
    /// The number of the slot; `usize::MAX` for slots that threads share.
    pub(crate) number: usize,
    /// The process in which a thread got the slot.
    process: AtomicU32,
}

static ALL: [ThreadSlot; SLOTS] = {
    let mut slots = [const {
        ThreadSlot {
            held: AtomicUsize::new(0),
            number: 0,
            process: AtomicU32::new(0),
        }
    }; SLOTS];
    let mut number = 0;
    while number < SLOTS {
        slots[number].number = number;
        number += 1;
    }
    slots
};

/// The slot of threads that have not requested one yet.
static NEW: ThreadSlot = shared_slot();

/// The slot of threads without a slot of their own.
static WITHOUT: ThreadSlot = shared_slot();

/// Always busy.
const fn shared_slot() -> ThreadSlot {
    ThreadSlot {
        held: AtomicUsize::new(usize::MAX),
        number: usize::MAX,
        process: AtomicU32::new(0),
    }
}

/// The free slots: returned ones, the smallest number last, and all from `next` on.
struct Free {
    returned: Vec<&'static ThreadSlot>,
    next: usize,
}

/// Its lock also publishes a thread's writes in its slot to the next thread with that slot.
static FREE: Mutex<Free> = Mutex::new(Free {
    returned: Vec::new(),
    next: 0,
});

/// The number of slots that were ever given to a thread.
static USED: AtomicUsize = AtomicUsize::new(0);

/// What a hit needs of its thread. One thread-local, since an access of one is a call for a library that the linker may put
/// into a shared object.
struct ThisThread {
    /// `None` stands for `NEW`: before Rust 1.89 a constant cannot refer to it.
    slot: Cell<Option<&'static ThreadSlot>>,
    /// The counts of each cell.
    counts: Cell<&'static [Counts]>,
    /// The process in which the thread got either; 0 before.
    process: Cell<u32>,
}

thread_local! {
    /// Without a destructor, so that access needs no check.
    static THIS: ThisThread = const {
        ThisThread {
            slot: Cell::new(None),
            counts: Cell::new(&[]),
            process: Cell::new(0),
        }
    };
    static OWNED: Owned = Owned::take();
}

/// A thread's right to its slot.
struct Owned(&'static ThreadSlot);

impl Owned {
    fn take() -> Self {
        let mut free = FREE.lock();
        let slot = match free.returned.pop() {
            Some(slot) => slot,
            None => {
                let Some(slot) = ALL.get(free.next) else {
                    return Owned(&WITHOUT);
                };
                free.next += 1;
                USED.store(free.next, Ordering::SeqCst);
                slot
            }
        };
        slot.process.store(std::process::id(), Ordering::Relaxed);
        Owned(slot)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        THIS.with(|this| this.slot.set(Some(&WITHOUT)));
        if self.0.number < SLOTS {
            let mut free = FREE.lock();
            free.returned.push(self.0);
            free.returned
                .sort_unstable_by_key(|slot| std::cmp::Reverse(slot.number));
        }
    }
}

/// The slot of this thread, which other threads cannot get.
#[derive(Clone, Copy)]
pub(crate) struct OwnSlot {
    slot: &'static ThreadSlot,
    not_send: PhantomData<*const ()>,
}

impl OwnSlot {
    #[inline(always)]
    fn new(slot: &'static ThreadSlot) -> Self {
        OwnSlot {
            slot,
            not_send: PhantomData,
        }
    }
}

impl Deref for OwnSlot {
    type Target = ThreadSlot;

    #[inline(always)]
    fn deref(&self) -> &ThreadSlot {
        self.slot
    }
}

/// The slot of this thread: a busy one, if it has none.
#[inline(always)]
pub(crate) fn current() -> OwnSlot {
    assigned().unwrap_or(OwnSlot::new(&NEW))
}

/// The slot of this thread, if it was assigned one.
#[inline(always)]
pub(crate) fn assigned() -> Option<OwnSlot> {
    THIS.with(|this| this.slot.get()).map(OwnSlot::new)
}

/// The slot of this thread. Assigns one if it has none.
#[cold]
pub(crate) fn current_or_new() -> OwnSlot {
    THIS.with(|this| {
        if this.slot.get().is_none() {
            // Fails while the thread ends.
            let owned = OWNED.try_with(|owned| owned.0);
            this.slot.set(Some(owned.unwrap_or(&WITHOUT)));
            this.note_process();
        }
    });
    current()
}

/// The counts of this thread.
#[inline(always)]
pub(crate) fn counts() -> &'static [Counts] {
    THIS.with(|this| this.counts.get())
}

/// Gives this thread other counts. Returns the old ones.
pub(crate) fn replace_counts(counts: &'static [Counts]) -> &'static [Counts] {
    THIS.with(|this| {
        this.note_process();
        this.counts.replace(counts)
    })
}

/// All slots that were ever assigned.
pub(crate) fn all() -> &'static [ThreadSlot] {
    &ALL[..USED.load(Ordering::SeqCst)]
}

/// Waits a moment for the release of a slot: most are released at once.
pub(crate) fn wait(rounds: u32) {
    match rounds {
        0..100 => std::hint::spin_loop(),
        100..200 => std::thread::yield_now(),
        _ => {
            release_after_fork();
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}

/// Releases the slots of threads that do not exist in this process, if this thread forked it.
fn release_after_fork() {
    let process = std::process::id();
    if !THIS.with(|this| this.has_forked(process)) {
        return;
    }
    let own = current();
    // A thread that gets a slot meanwhile waits, or its process is seen.
    let _free = FREE.lock();
    let others = all().iter().filter(|slot| !std::ptr::eq(*slot, own.slot));
    for slot in others.filter(|slot| slot.process.load(Ordering::Relaxed) != process) {
        slot.held.store(0, Ordering::Release);
    }
}

impl ThisThread {
    fn note_process(&self) {
        if self.process.get() == 0 {
            self.process.set(std::process::id());
        }
    }

    /// Whether this thread came to its process by a `fork`. Other threads of the process began in it.
    fn has_forked(&self, process: u32) -> bool {
        ![0, process].contains(&self.process.get())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn threads_have_slots_of_their_own_and_give_them_back() {
        for _ in 0..3 {
            let threads = SLOTS + 20;
            let barrier = Barrier::new(threads);
            let numbers: Vec<_> = std::thread::scope(|scope| {
                let number = || {
                    let number = current_or_new().number;
                    barrier.wait();
                    number
                };
                let threads: Vec<_> = (0..threads).map(|_| scope.spawn(number)).collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().expect("it does not panic"))
                    .collect()
            });
            let owned: HashSet<_> = numbers.iter().filter(|number| **number < SLOTS).collect();
            let without = numbers.iter().filter(|number| **number == usize::MAX).count();
            assert_eq!(owned.len() + without, threads, "no slot has two threads");
            assert!(owned.len() > SLOTS / 2, "other tests have some");
        }
    }

    #[test]
    fn a_thread_that_ends_goes_without() {
        struct AtTheEnd;
        impl Drop for AtTheEnd {
            fn drop(&mut self) {
                assert!(current_or_new().held.load(Ordering::Relaxed) == 0 || current().number == usize::MAX);
            }
        }
        thread_local!(static LAST: Cell<Option<AtTheEnd>> = const { Cell::new(None) });
        let thread = std::thread::spawn(|| {
            LAST.set(Some(AtTheEnd));
            current_or_new().number
        });
        thread.join().expect("it does not panic");
    }
}
