//! A memcached server.

mod options;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use crate::Missing;
use crate::connection::{Address, GLANCE, PATIENCE};
use crate::keeper::Keeper;

pub use options::MemcachedOptions;

/// The reply to `mn`, a no-op: that of the command before it has ended.
const END: &[u8] = b"MN\r\n";

/// A memcached server for one test, on a free port of 127.0.0.1. It ends when this is dropped, or with this process.
///
/// ```
/// use ring_cache_test_servers::{Memcached, or_leave_out};
///
/// let Some(memcached) = or_leave_out("values as they lie in memcached", Memcached::start()) else { return };
/// assert_eq!(memcached.command("set user:1 0 0 3\r\nAda"), b"STORED\r\n");
/// assert_eq!(memcached.value("user:1"), Some(b"Ada".to_vec()));
/// ```
pub struct Memcached {
    keeper: Keeper,
    address: Address,
}

impl Memcached {
    /// Starts an empty server with 64 megabytes.
    ///
    /// # Errors
    ///
    /// [`Missing`] if `memcached` is not installed.
    ///
    /// # Panics
    ///
    /// If it does not come up, with its log.
    pub fn start() -> Result<Memcached, Missing> {
        Memcached::options().start()
    }

    /// Memory, a Unix socket and more.
    pub fn options() -> MemcachedOptions {
        MemcachedOptions::default()
    }

    /// `memcache://127.0.0.1:{port}`, or `memcache://{path}` of a Unix socket.
    pub fn url(&self) -> String {
        format!("memcache://{}", self.address())
    }

    /// `127.0.0.1:{port}`, or the path of the Unix socket.
    pub fn address(&self) -> String {
        match &self.address {
            Address::Port(port) => format!("127.0.0.1:{port}"),
            Address::Socket(path) => path.display().to_string(),
        }
    }

    /// The port.
    ///
    /// # Panics
    ///
    /// If the server listens on a Unix socket: memcached then has no port.
    pub fn port(&self) -> u16 {
        match &self.address {
            Address::Port(port) => *port,
            Address::Socket(_) => panic!("memcached has no port beside a Unix socket"),
        }
    }

    /// The server's folder, which contains its log.
    pub fn folder(&self) -> &Path {
        self.keeper.folder()
    }

    /// The id of the server's process.
    ///
    /// # Panics
    ///
    /// If it was [killed](Self::kill).
    pub fn process_id(&self) -> u32 {
        self.keeper.process_id()
    }

    /// Stops the server, by `SIGSTOP`: the system accepts connections, and no reply comes.
    ///
    /// # Panics
    ///
    /// If it was [killed](Self::kill).
    pub fn stop(&self) {
        self.keeper.stop();
    }

    /// Lets the server continue after a [`stop`](Self::stop), by `SIGCONT`.
    ///
    /// # Panics
    ///
    /// If it was [killed](Self::kill).
    pub fn cont(&self) {
        self.keeper.cont();
    }

    /// Ends the server, by `SIGKILL`: connections break, and new ones are refused. Its port stays reserved for a
    /// [`restart`](Self::restart).
    pub fn kill(&self) {
        self.keeper.kill();
    }

    /// Starts the server again on the same port, empty, after killing it if it still runs.
    ///
    /// # Panics
    ///
    /// If it does not come up, with its log.
    pub fn restart(&self) {
        if self.keeper.start(|process| self.is_ready(process)).is_err() {
            panic!(
                "another process listens where memcached did. Its log:\n{}",
                self.keeper.log()
            );
        }
    }

    /// The server's reply to a command without its last line end, for example `get key` or `set key 0 0 3\r\nAda`, on a
    /// separate connection.
    ///
    /// # Panics
    ///
    /// If it does not reply within ten seconds.
    pub fn command(&self, text: impl AsRef<[u8]>) -> Vec<u8> {
        self.command_within(PATIENCE, text)
            .unwrap_or_else(|error| panic!("memcached did not reply: {error}"))
    }

    /// [`command`](Self::command) with a timeout.
    ///
    /// # Errors
    ///
    /// If connecting fails, the connection breaks, or no reply comes in time.
    pub fn command_within(&self, within: Duration, text: impl AsRef<[u8]>) -> io::Result<Vec<u8>> {
        let mut stream = self.address.connect(within)?;
        stream.write_all(&[text.as_ref(), b"\r\nmn\r\n"].concat())?;
        let mut reply = Vec::new();
        while !reply.ends_with(END) {
            let mut bytes = [0; 4096];
            match stream.read(&mut bytes)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => reply.extend_from_slice(&bytes[..count]),
            }
        }
        reply.truncate(reply.len() - END.len());
        Ok(reply)
    }

    /// Whether the server replies with its version in time.
    pub fn answers_within(&self, within: Duration) -> bool {
        self.command_within(within, "version")
            .is_ok_and(|reply| reply.starts_with(b"VERSION "))
    }

    /// The bytes stored under `key`.
    ///
    /// # Panics
    ///
    /// If it does not reply within ten seconds.
    pub fn value(&self, key: &str) -> Option<Vec<u8>> {
        let reply = self.command(format!("get {key}"));
        // `VALUE key flags length`, the bytes, `END`; or `END` alone.
        let begin = reply.iter().position(|byte| *byte == b'\n')? + 1;
        Some(reply[begin..].strip_suffix(b"\r\nEND\r\n")?.to_vec())
    }

    /// The server's statistics: `statistics()["get_hits"]`.
    ///
    /// # Panics
    ///
    /// If it does not reply within ten seconds.
    pub fn statistics(&self) -> BTreeMap<String, String> {
        fields(&self.command("stats"))
    }

    /// Whether the server with this process id listens and replies.
    fn is_ready(&self, process: u32) -> bool {
        let statistics = self.command_within(GLANCE, "stats");
        statistics.is_ok_and(|reply| fields(&reply).get("pid") == Some(&process.to_string()))
    }
}

impl fmt::Debug for Memcached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memcached")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

/// The lines `STAT name value` of a reply.
fn fields(reply: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(reply);
    let fields = text
        .lines()
        .filter_map(|line| line.strip_prefix("STAT ")?.split_once(' '));
    fields
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
