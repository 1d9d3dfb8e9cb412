//! The process to be killed: threads that write, and print each operation before and after it.

use std::env;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use ring_cache_backends::Disk;

use super::super::children::{command, say};
use super::super::{Folder, open};
use super::operation::Operation;
use crate::random::Random;

const ORDERS: &str = "RING_CACHE_TEST_ORDERS";

/// The orders of such a process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Orders {
    /// The number of its first thread; the others follow. The numbers are unique for the file.
    pub(super) writer: u64,
    pub(super) threads: u64,
    pub(super) seed: u64,
    /// The time of the clock, in seconds since 1970.
    pub(super) now: u64,
    pub(super) max_bytes: u64,
}

impl Orders {
    pub(super) fn command(self, folder: &Folder) -> Command {
        let Orders {
            writer,
            threads,
            seed,
            now,
            max_bytes,
        } = self;
        let mut command = command("write for ever", folder);
        command.env(ORDERS, format!("{writer} {threads} {seed} {now} {max_bytes}"));
        command
    }

    fn read() -> Self {
        let orders = env::var(ORDERS).unwrap();
        let numbers: Vec<u64> = orders.split(' ').map(|word| word.parse().unwrap()).collect();
        let [writer, threads, seed, now, max_bytes] = numbers[..] else {
            panic!("invalid orders: {orders}");
        };
        Orders {
            writer,
            threads,
            seed,
            now,
            max_bytes,
        }
    }

    pub(super) fn open(self, path: &Path) -> Disk {
        let Orders { now, max_bytes, .. } = self;
        let disk = open(path).max_bytes(max_bytes);
        disk.wall_clock(move || UNIX_EPOCH + Duration::from_secs(now))
    }
}

/// Writes until the process is killed.
pub(in super::super) fn write_for_ever(file: &Path) {
    let orders = Orders::read();
    let disk = orders.open(file);
    say("open");
    thread::scope(|scope| {
        for nth in 1..orders.threads {
            let disk = disk.clone();
            scope.spawn(move || write(orders, orders.writer + nth, file, disk));
        }
        write(orders, orders.writer, file, disk);
    });
}

fn write(orders: Orders, writer: u64, file: &Path, mut disk: Disk) {
    let mut random = Random::seeded(orders.seed.wrapping_mul(1_000_003).wrapping_add(writer));
    for first in (writer << 32..).step_by(10) {
        let operation = Operation::random(&mut random, first);
        say(format_args!("begin {writer} {operation}"));
        let touched;
        (disk, touched) = operation.run(disk, || orders.open(file));
        say(format_args!("end {writer} {}", u8::from(touched)));
    }
}
