//! A site with a cache, served over loopback.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use ring_cache::Lru;
use ring_cache::pages::Pages;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

thread_local! {
    /// How far the clock of the pages is ahead. A test has a thread of its own, as has its site.
    static AHEAD: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Pages in memory, which are fresh for a minute if they do not say otherwise.
pub(crate) fn pages() -> Pages {
    without_expiry().expire(Duration::from_secs(60))
}

/// Pages in memory, which are fresh for as long as they say.
pub(crate) fn without_expiry() -> Pages {
    Pages::new(Lru::new(1_000)).clock(|| SystemTime::now() + AHEAD.get())
}

/// Moves the clock of the pages forward.
pub(crate) fn wait(seconds: f64) {
    AHEAD.set(AHEAD.get() + Duration::from_secs_f64(seconds));
}

#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) app: Router,
    pub(crate) address: SocketAddr,
    computed: Arc<AtomicUsize>,
}

impl Site {
    /// Serves what `answer` makes of requests.
    pub(crate) async fn start<F, A>(pages: &Pages, answer: F) -> Self
    where
        F: Fn(Request) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send + 'static,
    {
        let computed = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&computed);
        let handler = move |request: Request| {
            counted.fetch_add(1, Ordering::SeqCst);
            answer(request)
        };
        let app = Router::new().fallback(handler).layer(pages.layer());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = app.clone();
        tokio::spawn(async move { axum::serve(listener, served).await });
        Site {
            app,
            address,
            computed,
        }
    }

    /// Serves a response with these headers and the number of the computation as its body.
    pub(crate) async fn counting(pages: &Pages, headers: &'static [(&'static str, &'static str)]) -> Self {
        let count = Arc::new(AtomicUsize::new(0));
        Self::start(pages, move |_| {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            async move { answer(headers, number.to_string()) }
        })
        .await
    }

    /// How often the application was asked.
    pub(crate) fn computed(&self) -> usize {
        self.computed.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a request with these header lines over a connection of its own, by HTTP/1.1.
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut connection = self.send(method, path, headers).await;
        let mut bytes = Vec::new();
        connection.read_to_end(&mut bytes).await.unwrap();
        Reply::of(&bytes)
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.ask("GET", path, headers).await
    }

    /// Sends a request, whose connection closes with the response.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> TcpStream {
        let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request += &format!("host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        connection.write_all((request + "\r\n").as_bytes()).await.unwrap();
        connection
    }
}

pub(crate) fn answer(headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::builder();
    for (name, value) in headers {
        response = match *name {
            ":status" => response.status(value.parse::<u16>().unwrap()),
            name => response.header(name, *value),
        };
    }
    response.body(body.into()).unwrap()
}

/// A response as it came.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .unwrap_or("0");
        let headers = lines.filter_map(|line| line.split_once(": "));
        Reply {
            status: status.parse().unwrap(),
            headers: headers
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn cache_status(&self) -> &str {
        self.header("cache-status").unwrap_or_default()
    }
}
