//! The start of a memcached server.

use super::Memcached;
use crate::Missing;
use crate::connection::Address;
use crate::keeper::{Keeper, PortTaken};
use crate::place::{free_port, new_folder};

const PROGRAM: &str = "memcached";
const ATTEMPTS: usize = 10;

/// The options of a memcached server.
///
/// ```
/// use ring_cache_test_servers::{Memcached, or_leave_out};
///
/// let started = Memcached::options().memory(2).arguments(["-I", "1m"]).start();
/// let Some(memcached) = or_leave_out("a memcached that is full", started) else { return };
/// assert_eq!(memcached.statistics()["limit_maxbytes"], "2097152");
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing runs before `start`"]
pub struct MemcachedOptions {
    memory: Option<u32>,
    unix_socket: bool,
    arguments: Vec<String>,
}

impl MemcachedOptions {
    /// The memory for items, in megabytes. 64 by default.
    pub fn memory(mut self, megabytes: u32) -> Self {
        self.memory = Some(megabytes);
        self
    }

    /// Listens on a Unix socket, without a port: see [`Memcached::address`].
    pub fn unix_socket(mut self) -> Self {
        self.unix_socket = true;
        self
    }

    /// Adds arguments of `memcached`, for example `["-I", "2m"]`.
    pub fn arguments<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Starts the server, and waits until it replies.
    ///
    /// # Errors
    ///
    /// [`Missing`] if `memcached` is not installed.
    ///
    /// # Panics
    ///
    /// If it does not come up, with its log.
    pub fn start(&self) -> Result<Memcached, Missing> {
        Missing::check(PROGRAM)?;
        let started = (0..ATTEMPTS).find_map(|_| self.attempt().ok());
        Ok(started.expect("a free port is found in ten attempts"))
    }

    fn attempt(&self) -> Result<Memcached, PortTaken> {
        let folder = new_folder();
        let address = match self.unix_socket {
            true => Address::Socket(folder.join("socket")),
            false => Address::Port(free_port()),
        };
        let mut arguments = match &address {
            Address::Port(port) => vec!["-l".into(), "127.0.0.1".into(), "-p".into(), port.to_string()],
            Address::Socket(path) => vec!["-s".into(), path.display().to_string()],
        };
        // memcached refuses to run as root without this; others may pass it, too.
        arguments.extend(["-u", "root", "-U", "0"].map(str::to_owned));
        arguments.extend(
            self.memory
                .iter()
                .flat_map(|megabytes| ["-m".into(), megabytes.to_string()]),
        );
        arguments.extend(self.arguments.iter().cloned());

        let keeper = Keeper::new(PROGRAM, &folder, &arguments);
        let memcached = Memcached { keeper, address };
        memcached.keeper.start(|process| memcached.is_ready(process))?;
        Ok(memcached)
    }
}
