//! The readers' lock: a reader and a writer exclude each other, and do not without either of its fences.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use crate::readers_lock::ReadersLock;
use crate::sync::readers::{LeftOut, begin_thread, leave_out};
use crate::sync::thread_slot;

/// Loom panics if it is read and written concurrently.
struct Number(UnsafeCell<u32>);

// SAFETY: loom sees every use.
#[allow(unsafe_code)]
unsafe impl Sync for Number {}

impl Number {
    #[allow(unsafe_code)]
    fn get(&self) -> u32 {
        // SAFETY: loom panics if another thread writes meanwhile.
        self.0.with(|number| unsafe { *number })
    }

    #[allow(unsafe_code)]
    fn add_one(&mut self) {
        // SAFETY: loom panics if another thread reads or writes meanwhile.
        self.0.with_mut(|number| unsafe { *number += 1 });
    }
}

fn read(lock: &ReadersLock<Number>) -> u32 {
    match lock.try_read_biased(thread_slot::current()) {
        Some(number) => number.get(),
        None => {
            let number = lock.read();
            lock.expect_reads(&number);
            number.get()
        }
    }
}

/// Readers, each of which reads twice, beside a writer that writes this many times.
fn read_and_write(left_out: LeftOut, readers: usize, writes: u32) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        leave_out(left_out);
        begin_thread(0, true);
        let lock = Arc::new(ReadersLock::new(Number(UnsafeCell::new(0))));
        read(&lock);
        let readers: Vec<_> = (1..=readers)
            .map(|number| {
                let lock = Arc::clone(&lock);
                thread::spawn(move || {
                    begin_thread(number, false);
                    let (first, second) = (read(&lock), read(&lock));
                    assert!(first <= second, "the value does not go back");
                })
            })
            .collect();
        for _ in 0..writes {
            lock.write().add_one();
        }
        readers
            .into_iter()
            .for_each(|reader| reader.join().expect("it does not panic"));
        assert_eq!(read(&lock), writes);
    });
    leave_out(LeftOut::Nothing);
}

#[test]
fn a_writer_waits_for_a_reader() {
    read_and_write(LeftOut::Nothing, 1, 2);
}

#[test]
fn a_writer_waits_for_two_readers() {
    read_and_write(LeftOut::Nothing, 2, 1);
}

#[test]
#[should_panic = "Causality violation"]
fn without_the_fence_of_readers_they_meet() {
    read_and_write(LeftOut::FenceOfReaders, 1, 1);
}

#[test]
#[should_panic = "Causality violation"]
fn without_the_fence_of_writers_they_meet() {
    read_and_write(LeftOut::FenceOfWriters, 1, 1);
}
