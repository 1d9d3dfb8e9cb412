//! Real pages from a real HTTP origin, cached and controlled: `cargo run --example page`.
//!
//! The origin serves files of this repository and counts its requests. Each row of the output is one call, with its time,
//! the number of requests to the origin so far, and the answer. The example checks every row: it panics, and so fails, if a
//! call that should come from the cache reaches the origin.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use ring_cache::{RingKey, ring_impl};

/// A page of the web. Its address is the key; the client is not part of it.
#[derive(RingKey)]
#[ring_key(prefix = "page")]
struct Page {
    url: String,
    #[ring_key(skip)]
    http: ureq::Agent,
}

#[ring_impl]
impl Page {
    /// The page's text, shared by all callers: a hit clones a pointer. Only `Ok` is cached.
    #[ring(expire = "1h")]
    fn content(&self) -> Result<Arc<str>, ureq::Error> {
        let mut response = self.http.get(&self.url).call()?;
        Ok(response.body_mut().read_to_string()?.into())
    }
}

/// Makes a call, prints it with its time and its answer, and checks the number of requests to the origin so far.
macro_rules! show {
    ($origin:ident, $requests:literal, $call:expr) => {{
        let start = Instant::now();
        let answer = $call;
        row(stringify!($call), start.elapsed(), $origin.total(), &answer);
        assert_eq!($origin.total(), $requests, "requests at the origin by then");
        answer
    }};
}

fn main() -> Result<(), Box<dyn Error>> {
    let origin = Origin::start()?;
    let config = ureq::Agent::config_builder()
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(10)));
    let http = config.build().new_agent();
    let page = |file: &str| Page {
        url: format!("http://{}/{file}", origin.address),
        http: http.clone(),
    };
    let (readme, licence, source) = (page("README.md"), page("LICENSE-MIT"), page("src/lib.rs"));
    println!(
        "The origin is http://{}. It takes {LATENCY:?} for an answer.",
        origin.address
    );

    heading("The plain call");
    let first = show!(origin, 1, readme.content())?;
    let second = show!(origin, 1, readme.content())?;
    assert_eq!(*first, file("README.md")?);
    assert!(Arc::ptr_eq(&first, &second));

    heading("The same call under control");
    println!("The key is {}", readme.content_ring().key());
    assert_eq!(show!(origin, 1, readme.content_ring().get()), Some(first.clone()));
    show!(origin, 1, readme.content_ring().set("my own text".into()));
    assert_eq!(&*show!(origin, 1, readme.content())?, "my own text");
    assert_eq!(show!(origin, 2, readme.content_ring().update())?, first);
    assert!(show!(origin, 2, readme.content_ring().delete()));
    assert_eq!(show!(origin, 2, readme.content_ring().get()), None);
    show!(origin, 3, readme.content())?;

    heading("Expiry");
    let soon = Duration::from_millis(300);
    show!(origin, 4, readme.content_ring().expire_in(soon).update())?;
    show!(origin, 4, thread::sleep(soon));
    assert!(!show!(origin, 4, readme.content_ring().has()));
    show!(origin, 5, readme.content_ring().expire_in(soon).update())?;
    assert!(show!(origin, 5, readme.content_ring().touch())); // an hour again
    show!(origin, 5, thread::sleep(soon));
    show!(origin, 5, readme.content())?;

    heading("Another page has its own entry");
    assert!(!show!(origin, 5, licence.content_ring().has()));
    assert_ne!(show!(origin, 6, licence.content())?, first);
    assert_eq!(show!(origin, 6, readme.content())?, first);

    heading("64 threads ask for a cold page: one request");
    let answers = show!(origin, 7, herd(&source, 64));
    let expected = file("src/lib.rs")?;
    assert!(answers.iter().all(|content| **content == expected));

    heading("An error is passed on and not cached");
    let missing = page("missing");
    assert!(show!(origin, 8, missing.content()).is_err());
    assert!(show!(origin, 9, missing.content()).is_err());
    assert!(!show!(origin, 9, missing.content_ring().has()));

    let stats = Page::content_cache().stats();
    println!("\nThe origin counted {:?}", origin.requests.lock().unwrap());
    println!("The cache counted {stats:?}");
    assert_eq!((stats.errors, stats.evictions, stats.stores), (0, 0, 8));
    println!("\nAll of it was checked.");
    Ok(())
}

/// The page's content, requested by many threads at the same moment.
fn herd(page: &Page, threads: usize) -> Vec<Arc<str>> {
    let start = Barrier::new(threads);
    let ask = || {
        start.wait();
        page.content().expect("the origin answers")
    };
    thread::scope(|scope| {
        let asking: Vec<_> = (0..threads).map(|_| scope.spawn(ask)).collect();
        asking
            .into_iter()
            .map(|thread| thread.join().expect("no thread panics"))
            .collect()
    })
}

/// The files of the origin, and its time for one, like that of a server in the next town.
const FILES: [&str; 3] = ["README.md", "LICENSE-MIT", "src/lib.rs"];
const LATENCY: Duration = Duration::from_millis(20);

fn file(name: &str) -> std::io::Result<String> {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name))
}

/// An HTTP server on a free port of this machine that counts the requests for each path.
#[derive(Clone)]
struct Origin {
    address: SocketAddr,
    requests: Arc<Mutex<BTreeMap<String, u32>>>,
}

impl Origin {
    fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let origin = Origin {
            address: listener.local_addr()?,
            requests: Arc::default(),
        };
        let router = axum::Router::new()
            .fallback(Self::answer)
            .with_state(origin.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                axum::serve(listener, router).await
            })
        });
        Ok(origin)
    }

    async fn answer(State(origin): State<Origin>, uri: Uri) -> Result<String, StatusCode> {
        let name = uri.path().trim_start_matches('/');
        *origin
            .requests
            .lock()
            .unwrap()
            .entry(name.to_owned())
            .or_default() += 1;
        tokio::time::sleep(LATENCY).await;
        if !FILES.contains(&name) {
            return Err(StatusCode::NOT_FOUND);
        }
        file(name).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn total(&self) -> u32 {
        self.requests.lock().unwrap().values().sum()
    }
}

fn heading(text: &str) {
    println!("\n{text:<50} {:>8} {:>8}  answer", "time", "requests");
}

/// Prints a call, its time, the origin's requests so far, and the beginning of the answer.
fn row(call: &str, took: Duration, requests: u32, answer: &dyn Debug) {
    let answer = format!("{answer:?}");
    let end = answer.char_indices().nth(29).map_or("", |_| "…");
    println!("{call:<50} {took:>8.1?} {requests:>8}  {answer:.29}{end}");
}
