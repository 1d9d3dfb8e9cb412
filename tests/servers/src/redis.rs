//! A Redis server.

mod options;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Missing;
use crate::connection::{Address, GLANCE, PATIENCE};
use crate::keeper::Keeper;
use crate::resp::{Reply, read_reply, write_command};

pub use options::RedisOptions;

/// A Redis server for one test, on a free port of 127.0.0.1. It ends when this is dropped, or with this process.
///
/// ```
/// use ring_cache_test_servers::{Redis, or_leave_out};
/// use std::time::Duration;
///
/// let Some(redis) = or_leave_out("a Redis that hangs", Redis::start()) else { return };
/// redis.stop();
/// assert!(!redis.answers_within(Duration::from_millis(50)));
/// redis.cont();
/// assert!(redis.answers_within(Duration::from_secs(5)));
/// ```
pub struct Redis {
    keeper: Keeper,
    port: u16,
    bus_port: Option<u16>,
    tls: Option<(u16, PathBuf)>,
    socket: Option<PathBuf>,
    password: Option<String>,
}

impl Redis {
    /// Starts an empty server without password and persistence.
    ///
    /// # Errors
    ///
    /// [`Missing`] if `redis-server` is not installed.
    ///
    /// # Panics
    ///
    /// If it does not come up, with its log.
    pub fn start() -> Result<Redis, Missing> {
        Redis::options().start()
    }

    /// A password, a Unix socket, TLS and more.
    pub fn options() -> RedisOptions {
        RedisOptions::default()
    }

    /// `redis://127.0.0.1:{port}`, with the password if there is one.
    pub fn url(&self) -> String {
        format!("redis://{}127.0.0.1:{}", self.user_info(), self.port)
    }

    /// `redis+unix://{path}`, with the password if there is one.
    ///
    /// # Panics
    ///
    /// If the server was started without [`RedisOptions::unix_socket`].
    pub fn unix_url(&self) -> String {
        let password = self
            .password
            .iter()
            .map(|password| format!("?pass={}", percent_encoded(password)));
        format!(
            "redis+unix://{}{}",
            self.unix_socket().display(),
            password.collect::<String>()
        )
    }

    /// The path of the Unix socket.
    ///
    /// # Panics
    ///
    /// As [`unix_url`](Self::unix_url) does.
    pub fn unix_socket(&self) -> &Path {
        self.socket
            .as_deref()
            .expect("a Unix socket is there if it was asked for: `.unix_socket()`")
    }

    /// `rediss://127.0.0.1:{port}`, with the password if there is one. Clients trust the server if they trust
    /// [`authority`](Self::authority).
    ///
    /// # Panics
    ///
    /// If the server was started without [`RedisOptions::tls`].
    pub fn tls_url(&self) -> String {
        format!("rediss://{}127.0.0.1:{}", self.user_info(), self.tls().0)
    }

    /// The port with TLS.
    ///
    /// # Panics
    ///
    /// As [`tls_url`](Self::tls_url) does.
    pub fn tls_port(&self) -> u16 {
        self.tls().0
    }

    /// The certificate file, in PEM, of the authority that certifies this server, and no other.
    ///
    /// # Panics
    ///
    /// As [`tls_url`](Self::tls_url) does.
    pub fn authority(&self) -> &Path {
        &self.tls().1
    }

    /// The port without TLS.
    pub fn port(&self) -> u16 {
        self.port
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

    /// Starts the server again on the same port, after killing it if it still runs. It is empty, unless it is
    /// [persistent](RedisOptions::persistent).
    ///
    /// # Panics
    ///
    /// If it does not come up, with its log.
    pub fn restart(&self) {
        if self.keeper.start(|process| self.is_ready(process)).is_err() {
            panic!(
                "another process listens where Redis did. Its log:\n{}",
                self.keeper.log()
            );
        }
    }

    /// The server's reply to a command, for example `&["GET", "key"]`, on a separate connection.
    ///
    /// # Panics
    ///
    /// If it does not reply within ten seconds.
    pub fn command<A: AsRef<[u8]>>(&self, words: &[A]) -> Reply {
        self.command_within(PATIENCE, words)
            .unwrap_or_else(|error| panic!("Redis did not reply: {error}"))
    }

    /// [`command`](Self::command) with a timeout.
    ///
    /// # Errors
    ///
    /// If connecting fails, the connection breaks, or no reply comes in time.
    pub fn command_within<A: AsRef<[u8]>>(&self, within: Duration, words: &[A]) -> io::Result<Reply> {
        let mut stream = BufReader::new(Address::Port(self.port).connect(within)?);
        if let Some(password) = &self.password {
            write_command(stream.get_mut(), &["AUTH", password])?;
            read_reply(&mut stream)?;
        }
        write_command(stream.get_mut(), words)?;
        read_reply(&mut stream)
    }

    /// Whether the server answers a ping in time.
    pub fn answers_within(&self, within: Duration) -> bool {
        let reply = self.command_within(within, &["PING"]);
        reply.is_ok_and(|reply| reply == Reply::Status("PONG".into()))
    }

    /// A section of the server's statistics: `info("stats")["keyspace_hits"]`.
    ///
    /// # Panics
    ///
    /// If it does not reply within ten seconds.
    pub fn info(&self, section: &str) -> BTreeMap<String, String> {
        fields(&self.command(&["INFO", section]))
    }

    /// The port for communication among the nodes of a cluster.
    pub(crate) fn bus_port(&self) -> u16 {
        self.bus_port.expect("only nodes of a cluster are asked")
    }

    /// Whether the server with this process id listens and replies.
    fn is_ready(&self, process: u32) -> bool {
        let Ok(info) = self.command_within(GLANCE, &["INFO", "server"]) else {
            return false;
        };
        fields(&info).get("process_id") == Some(&process.to_string()) && self.answers_within(GLANCE)
    }

    fn tls(&self) -> &(u16, PathBuf) {
        self.tls
            .as_ref()
            .expect("TLS is there if it was asked for: `.tls()`")
    }

    fn user_info(&self) -> String {
        let password = self.password.iter();
        password
            .map(|password| format!(":{}@", percent_encoded(password)))
            .collect()
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// The lines `name:value` of a reply.
pub(crate) fn fields(reply: &Reply) -> BTreeMap<String, String> {
    let text = reply.text();
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    fields
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn percent_encoded(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}
