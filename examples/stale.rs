//! A service whose origin goes down and comes back, under load: `cargo run --example stale --features tokio`.
//!
//! Two routes serve the same prices. Entries of both are fresh for 200 ms; those of one are kept for a minute more, and
//! returned while a background task computes the new value, and while the origin is down. For each tenth of a second the
//! example draws the slowest answer of each route, its age, and failures. It checks counts, never times: it panics, and so
//! fails, if one is wrong.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use ring_cache::{Lru, RingKey, ring_impl};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The origin's time for an answer.
const LATENCY: Duration = Duration::from_millis(50);

/// The number of clients, and the time between two requests of one.
const CLIENTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(10);

#[derive(Default)]
struct Origin {
    is_down: AtomicBool,
    reads: AtomicU64,
}

async fn price(State(origin): State<Arc<Origin>>) -> Result<Json<u64>, StatusCode> {
    tokio::time::sleep(LATENCY).await;
    if origin.is_down.load(SeqCst) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    Ok(Json(origin.reads.fetch_add(1, SeqCst)))
}

/// The service: copy from it.
#[derive(Clone, RingKey)]
struct Prices {
    #[ring_key(skip)]
    origin: String,
    #[ring_key(skip)]
    client: reqwest::Client,
    #[ring_key(skip)]
    cache: Lru<Price>,
}

/// A price, and when it was read.
#[derive(Clone)]
struct Price {
    #[allow(dead_code, reason = "only the age is checked")]
    value: u64,
    read: Instant,
}

#[ring_impl(lru = self.cache, expire = "200ms")]
impl Prices {
    #[ring]
    async fn expiring(&self) -> Result<Price, String> {
        self.read().await
    }

    #[ring(stale = "1m", retry = "100ms")]
    async fn kept(&self) -> Result<Price, String> {
        self.read().await
    }

    async fn read(&self) -> Result<Price, String> {
        let answer = self.client.get(&self.origin).send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status);
        let value = answer.map_err(|error| error.to_string())?.text().await;
        let value = value.map_err(|error| error.to_string())?.parse();
        Ok(Price {
            value: value.map_err(|error| format!("{error}"))?,
            read: Instant::now(),
        })
    }
}

/// One answer.
#[derive(Clone, Copy)]
struct Answer {
    at: Duration,
    latency: Duration,
    /// `None` if it failed.
    age: Option<Duration>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let origin = Arc::new(Origin::default());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}/", listener.local_addr()?);
    let router = Router::new().route("/", get(price)).with_state(origin.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let prices = Prices {
        origin: address,
        client: reqwest::Client::new(),
        cache: Lru::new(10),
    };
    let loads = async { tokio::join!(load(&prices, false), load(&prices, true)) };
    let ((expiring, kept), ()) = tokio::join!(loads, outage(&origin));
    println!("The origin takes {LATENCY:?}, and is down in the second second.\n");
    println!("          without stale                            stale = \"1m\"");
    println!("   time   slowest    oldest    failed              slowest    oldest    failed");
    for tenth in 0..30 {
        println!("{}  {}", row(tenth, &expiring, true), row(tenth, &kept, false));
    }
    let failed = |answers: &[Answer]| answers.iter().filter(|answer| answer.age.is_none()).count();
    println!(
        "\nWithout stale {} of {} answers failed; with it {}.",
        failed(&expiring),
        expiring.len(),
        failed(&kept)
    );
    let stats = prices.kept_cache().stats();
    println!(
        "The cache counted {} stale hits and {} misses.",
        stats.stale_hits, stats.misses
    );
    assert!(failed(&expiring) > 0, "the origin was down");
    assert_eq!(failed(&kept), 0, "the old value was there");
    assert!(stats.stale_hits > 0);
    Ok(())
}

/// The origin is up for a second, down for one, and up again.
async fn outage(origin: &Origin) {
    for is_down in [false, true, false] {
        origin.is_down.store(is_down, SeqCst);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Three seconds of requests.
async fn load(prices: &Prices, is_kept: bool) -> Vec<Answer> {
    let start = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let prices = prices.clone();
        clients.spawn(async move {
            let mut answers = Vec::new();
            while start.elapsed() < Duration::from_secs(3) {
                let asked = Instant::now();
                let price = if is_kept {
                    prices.kept().await
                } else {
                    prices.expiring().await
                };
                answers.push(Answer {
                    at: asked - start,
                    latency: asked.elapsed(),
                    age: price.ok().map(|price| price.read.elapsed()),
                });
                tokio::time::sleep(PAUSE).await;
            }
            answers
        });
    }
    clients.join_all().await.into_iter().flatten().collect()
}

/// One tenth of a second as text and bars.
fn row(tenth: u64, answers: &[Answer], has_time: bool) -> String {
    let from = Duration::from_millis(tenth * 100);
    let answers: Vec<_> = answers
        .iter()
        .filter(|answer| answer.at >= from && answer.at < from + Duration::from_millis(100))
        .collect();
    let slowest = answers
        .iter()
        .map(|answer| answer.latency)
        .max()
        .unwrap_or_default();
    let oldest = answers
        .iter()
        .filter_map(|answer| answer.age)
        .max()
        .unwrap_or_default();
    let failed = answers.iter().filter(|answer| answer.age.is_none()).count();
    let time = if has_time {
        format!("{:>5} ms", tenth * 100)
    } else {
        String::new()
    };
    let bar = "#".repeat((slowest.as_millis() as usize / 10).min(9));
    format!(
        "{time} {bar:<10} {:>5} ms {:>6} ms {failed:>6}",
        slowest.as_millis(),
        oldest.as_millis()
    )
}
