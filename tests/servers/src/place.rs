//! Where a server lives: a folder and ports of its own.

use std::collections::hash_map::RandomState;
use std::fs::DirBuilder;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::SystemTime;

/// Below the ports that systems give to clients, which the kernel's own choice is not: where a server is down, a client
/// that tries again and again would sooner or later get its port, and be connected with itself.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// A loopback port that nobody listens on, with nothing that keeps it free.
pub(crate) fn free_port() -> u16 {
    let width = u64::from(PORTS.end - PORTS.start);
    (0..1_000)
        .map(|_| PORTS.start + (random() % width) as u16)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("no free port on 127.0.0.1")
}

/// A new folder that only its owner may enter. Its path is short, since that of a Unix socket must be.
pub(crate) fn new_folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ring-cache.{:016x}", random()));
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(&folder)
        .unwrap_or_else(|error| panic!("no folder {}: {error}", folder.display()));
    folder
}

fn random() -> u64 {
    RandomState::new().hash_one(SystemTime::now())
}
