//! An inspector that listens, and requests as `curl` and browsers send them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ring_cache::inspector::Inspector;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// For what is expected, on a machine that has much else to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An inspector, which ends with this.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    _runtime: Runtime,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    /// The value of a header, by its name in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Served {
    pub(crate) fn new(inspector: Inspector) -> Self {
        Self::serving(move |listener| inspector.serve(listener))
    }

    /// By one thread, which must not be blocked.
    pub(crate) fn serving<F>(serve: impl FnOnce(TcpListener) -> F) -> Self
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(serve(listener));
        Served {
            address,
            _runtime: runtime,
        }
    }

    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// As `curl` asks.
    pub(crate) fn curl(&self, path: &str) -> Reply {
        self.ask("GET", path, &["Accept: */*"], "")
    }

    /// As a browser asks for a page.
    pub(crate) fn browse(&self, path: &str) -> Reply {
        self.ask(
            "GET",
            path,
            &["Accept: text/html,*/*;q=0.8", "Sec-Fetch-Site: none"],
            "",
        )
    }

    /// As `curl -d` posts.
    pub(crate) fn post(&self, form: &[(&str, &str)]) -> Reply {
        self.ask("POST", "/change", &["Accept: */*"], &encoded(form))
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Reply {
        let mut headers = headers.to_vec();
        let host = format!("Host: {}", self.host());
        if !headers.iter().any(|header| header.starts_with("Host")) {
            headers.push(&host);
        }
        self.send(method, path, &headers, body)
    }

    /// With these headers only.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").expect("a whole head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Reply {
            status: status.expect("a status"),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }
}

/// A form as browsers send it.
pub(crate) fn encoded(form: &[(&str, &str)]) -> String {
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(form);
    encoded.finish()
}
