//! The place of a server: its folder and ports.

use std::collections::hash_map::RandomState;
use std::fs::DirBuilder;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::SystemTime;

/// Below the ephemeral ports of systems, unlike the kernel's choice: a client that retries while a server is down would
/// sooner or later get the server's port, and be connected with itself.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// A free loopback port. It is not reserved.
pub(crate) fn free_port() -> u16 {
    let width = u64::from(PORTS.end - PORTS.start);
    (0..1_000)
        .map(|_| PORTS.start + (random() % width) as u16)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("no free port on 127.0.0.1")
}

/// A new folder that only its owner may enter. Its path is short enough for a Unix socket.
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
