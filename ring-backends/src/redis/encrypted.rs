//! A blocking connection over TLS. The awaited client of the crate `redis` drives it on its own thread: its blocking client
//! tries the addresses of a name in sequence, and its timeout is that of one read, not of a whole reply.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::io::AsyncDNSResolver;
use redis::{AsyncConnectionConfig, Client, ErrorKind, Pipeline, RedisError, RedisResult, Value};
use tokio::runtime;
use tokio::sync::oneshot;

/// A connection, for one request at a time.
pub(super) struct Encrypted {
    /// The replies to the request in flight.
    coming: Option<Coming>,
    /// The replies that have arrived and are not read yet.
    replies: VecDeque<Value>,
    connection: MultiplexedConnection,
    /// Dropped, it ends the thread.
    _thread: oneshot::Sender<()>,
}

type Coming = Pin<Box<dyn Future<Output = RedisResult<Vec<Value>>> + Send>>;

impl Encrypted {
    /// Connects, logs in, and chooses the database.
    pub(super) fn open(
        client: &Client,
        resolver: impl AsyncDNSResolver,
        until: Instant,
    ) -> RedisResult<Self> {
        let (client, left) = (client.clone(), until.saturating_duration_since(Instant::now()));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(left))
            .set_dns_resolver(resolver)
            .set_response_timeout(None);
        let (outcome, opened) = mpsc::channel();
        let (end, ended) = oneshot::channel::<()>();
        let drive = async move {
            let connection = client.get_multiplexed_async_connection_with_config(&config);
            if outcome.send(connection.await).is_ok() {
                // It never comes: the other side is dropped.
                let _ = ended.await;
            }
        };
        thread::Builder::new()
            .name("ring-cache tls".into())
            .spawn(move || run(drive))?;
        let connection = opened.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => timed_out(),
            RecvTimeoutError::Disconnected => io::Error::other("no runtime for TLS").into(),
        })?;
        Ok(Encrypted {
            coming: None,
            replies: VecDeque::new(),
            connection: connection?,
            _thread: end,
        })
    }

    pub(super) fn send(&mut self, pipeline: Pipeline) {
        let mut connection = self.connection.clone();
        self.replies.clear();
        self.coming = Some(Box::pin(async move {
            let count = pipeline.len();
            connection.send_packed_commands(&pipeline, 0, count).await
        }));
    }

    /// The next reply, if it has come.
    pub(super) fn read(&mut self) -> Option<Value> {
        self.replies.pop_front()
    }

    /// The next reply. All replies to a request come together.
    pub(super) fn receive(&mut self, until: Instant) -> RedisResult<Value> {
        if let Some(coming) = &mut self.coming {
            let replies = wait(coming.as_mut(), until).ok_or_else(timed_out)?;
            self.coming = None;
            self.replies = replies?.into();
        }
        let too_few = || RedisError::from((ErrorKind::Parse, "a reply is missing"));
        self.replies.pop_front().ok_or_else(too_few)
    }
}

fn timed_out() -> RedisError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}

/// Drives a connection.
fn run(drive: impl Future<Output = ()>) {
    // Without a runtime, the end of the channel reports it to the opener.
    if let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() {
        runtime.block_on(drive);
        // A name look-up may still run: do not wait for it.
        runtime.shutdown_background();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The output of `work`, which another thread drives; `None` if it is not ready by `until`.
fn wait<T>(mut work: Pin<&mut (impl Future<Output = T> + ?Sized)>, until: Instant) -> Option<T> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = work.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left == Duration::ZERO {
            return None;
        }
        thread::park_timeout(left);
    }
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use std::net::SocketAddr;

    use redis::{RedisFuture, TlsCertificates};
    use ring_cache_test_servers::{Redis as Server, or_leave_out};

    use super::super::address::{first_to_answer, prepare_tls};
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Each name has three addresses: of the first nothing comes back, the second refuses, and the third is a server's.
    struct Leads(SocketAddr);

    impl AsyncDNSResolver for Leads {
        fn resolve<'a, 'b: 'a>(
            &'a self,
            _: &'b str,
            _: u16,
        ) -> RedisFuture<'a, Box<dyn Iterator<Item = SocketAddr> + Send + 'a>> {
            Box::pin(async move {
                let silent = SocketAddr::from(([192, 0, 2, 1], 9));
                let refuses = SocketAddr::from(([127, 0, 0, 1], 1));
                let found = first_to_answer(vec![silent, refuses, self.0]).await?;
                Ok(Box::new(found.into_iter()) as Box<dyn Iterator<Item = _> + Send>)
            })
        }
    }

    fn server() -> Option<Server> {
        or_leave_out("Redis over TLS", Server::options().tls().start())
    }

    /// Connects to a server by a name that its certificate has, or has not.
    fn connect(server: &Server, name: &str) -> RedisResult<Encrypted> {
        prepare_tls();
        let certificates = TlsCertificates {
            client_tls: None,
            root_cert: Some(std::fs::read(server.authority()).unwrap()),
        };
        let port = server.tls_port();
        let client = Client::build_with_tls(format!("rediss://{name}:{port}"), certificates).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Encrypted::open(&client, Leads(address), Instant::now() + PATIENCE)
    }

    fn pipeline(words: &[&str]) -> Pipeline {
        let mut pipeline = Pipeline::new();
        words.iter().for_each(|word| _ = pipeline.cmd("ECHO").arg(word));
        pipeline
    }

    #[test]
    fn addresses_that_are_dead_are_passed_over() {
        let Some(server) = server() else { return };
        let mut connection = connect(&server, "localhost").unwrap();
        connection.send(pipeline(&["one", "two"]));
        for word in ["one", "two"] {
            let reply = connection.receive(Instant::now() + PATIENCE).unwrap();
            assert_eq!(reply, Value::BulkString(word.into()));
        }
        connection.receive(Instant::now() + PATIENCE).unwrap_err();
    }

    #[test]
    fn the_certificate_must_be_of_the_name() {
        let Some(server) = server() else { return };
        let error = connect(&server, "elsewhere.invalid").err().unwrap();
        assert!(error.to_string().contains("certificate"), "{error}");
    }

    #[test]
    fn a_request_that_is_late_is_read_later() {
        let Some(server) = server() else { return };
        let mut connection = connect(&server, "localhost").unwrap();
        server.stop();
        connection.send(pipeline(&["late"]));
        let error = connection
            .receive(Instant::now() + Duration::from_millis(20))
            .unwrap_err();
        assert!(error.is_timeout());
        server.cont();
        let reply = connection.receive(Instant::now() + PATIENCE).unwrap();
        assert_eq!(reply, Value::BulkString(b"late".into()));
    }
}
