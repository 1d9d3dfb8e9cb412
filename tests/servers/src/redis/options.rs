//! The start of a Redis server.

use std::path::Path;

use super::Redis;
use crate::Missing;
use crate::certificate::Certificate;
use crate::keeper::{Keeper, PortTaken};
use crate::place::{free_port, new_folder};

const PROGRAM: &str = "redis-server";
const ATTEMPTS: usize = 10;

/// The options of a Redis server.
///
/// ```
/// use ring_cache_test_servers::{Redis, or_leave_out};
///
/// let started = Redis::options().password("secret").arguments(["--maxmemory", "2mb"]).start();
/// let Some(redis) = or_leave_out("Redis with a password", started) else { return };
/// assert_eq!(redis.url(), format!("redis://:secret@127.0.0.1:{}", redis.port()));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing runs before `start`"]
pub struct RedisOptions {
    password: Option<String>,
    unix_socket: bool,
    tls: bool,
    persistent: bool,
    cluster: bool,
    arguments: Vec<String>,
}

impl RedisOptions {
    /// Clients need this password.
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Also listens on a Unix socket: see [`Redis::unix_url`].
    pub fn unix_socket(mut self) -> Self {
        self.unix_socket = true;
        self
    }

    /// Also listens with TLS, on another port: see [`Redis::tls_url`]. Clients need no certificate.
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Writes all changes to disk at once, so that they survive a [`restart`](Redis::restart).
    pub fn persistent(mut self) -> Self {
        self.persistent = true;
        self
    }

    /// Adds arguments of `redis-server`, for example `["--maxmemory", "2mb"]`.
    pub fn arguments<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// A node of a cluster.
    pub(crate) fn cluster(mut self) -> Self {
        self.cluster = true;
        self
    }

    /// Starts the server, and waits until it replies.
    ///
    /// # Errors
    ///
    /// [`Missing`] if `redis-server` is not installed.
    ///
    /// # Panics
    ///
    /// If it does not come up, with its log.
    pub fn start(&self) -> Result<Redis, Missing> {
        Missing::check(PROGRAM)?;
        let started = (0..ATTEMPTS).find_map(|_| self.attempt().ok());
        Ok(started.expect("a free port is found in ten attempts"))
    }

    fn attempt(&self) -> Result<Redis, PortTaken> {
        let folder = new_folder();
        let port = free_port();
        let bus_port = self.cluster.then(free_port);
        let tls = self.tls.then(|| (free_port(), Certificate::write(&folder)));
        let socket = self.unix_socket.then(|| folder.join("socket"));

        let mut arguments = self.listening(&folder, port);
        if let Some(port) = bus_port {
            arguments.extend(words([
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &port.to_string(),
            ]));
        }
        if let Some((port, certificate)) = &tls {
            arguments.extend(words([
                "--tls-port",
                &port.to_string(),
                "--tls-auth-clients",
                "no",
            ]));
            arguments.extend(certificate.arguments());
        }
        if let Some(socket) = &socket {
            arguments.extend(words(["--unixsocket", &socket.display().to_string()]));
        }
        arguments.extend(self.arguments.iter().cloned());

        let tls = tls.map(|(port, certificate)| (port, certificate.authority));
        let password = self.password.clone();
        let keeper = Keeper::new(PROGRAM, &folder, &arguments);
        let redis = Redis {
            keeper,
            port,
            bus_port,
            tls,
            socket,
            password,
        };
        redis.keeper.start(|process| redis.is_ready(process))?;
        Ok(redis)
    }

    fn listening(&self, folder: &Path, port: u16) -> Vec<String> {
        let mut arguments = words(["--bind", "127.0.0.1", "--port", &port.to_string()]);
        arguments.extend(words(["--dir", &folder.display().to_string(), "--save", ""]));
        if self.persistent {
            arguments.extend(words(["--appendonly", "yes", "--appendfsync", "always"]));
        }
        if let Some(password) = &self.password {
            arguments.extend(words(["--requirepass", password]));
        }
        arguments
    }
}

impl Certificate {
    fn arguments(&self) -> Vec<String> {
        let files = [
            ("--tls-ca-cert-file", &self.authority),
            ("--tls-cert-file", &self.certificate),
            ("--tls-key-file", &self.key),
        ];
        files
            .iter()
            .flat_map(|(name, file)| words([name, &file.display().to_string()]))
            .collect()
    }
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}
