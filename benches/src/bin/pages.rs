//! Cached pages beside other caches of responses for axum: `cargo run --release --bin pages`.
//!
//! A site of 10,000 pages of 4 KiB. Each contender is a process of its own. It requests pages from its router, without
//! a network, in an order that is the same for all; the first pass fills the cache and does not count. Contenders take
//! turns, and the best round counts. Memory is the growth of the process's resident memory during the first pass.

use std::env;
use std::error::Error;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::error_handling::HandleErrorLayer;
use axum::extract::Path;
use axum::http::Request;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{BoxError, Router};
use axum_response_cache::CacheLayer;
use http_cache_tower_server::ServerCacheLayer;
use ring_cache::Lru;
use ring_cache::pages::Pages;
use tower::{Service, ServiceBuilder, ServiceExt};

type Failure = Box<dyn Error + Send + Sync>;

const PAGES: usize = 10_000;
const SIZE: usize = 4096;
const ROUNDS: usize = 5;
const CONTENDERS: [&str; 4] = [
    "ring_cache::pages",
    "axum-response-cache",
    "http-cache-tower-server",
    "no cache",
];

async fn page(Path(id): Path<usize>) -> impl IntoResponse {
    let mut text = format!("page {id} ").repeat(SIZE / 7 + 1);
    text.truncate(SIZE);
    ([(CACHE_CONTROL, "public, max-age=3600")], text)
}

fn router(contender: &str) -> Router {
    let site = Router::new().route("/pages/{id}", get(page));
    let hour = Duration::from_secs(3600);
    match contender {
        "ring_cache::pages" => site.layer(Pages::new(Lru::new(2 * PAGES)).expire(hour).layer()),
        "axum-response-cache" => site.layer(CacheLayer::with_lifespan(hour)),
        "http-cache-tower-server" => {
            let pages = moka::future::Cache::new(2 * PAGES as u64);
            let failed = HandleErrorLayer::new(|_: BoxError| async { StatusCode::INTERNAL_SERVER_ERROR });
            let cache = ServerCacheLayer::new(http_cache::MokaManager::new(pages));
            site.layer(ServiceBuilder::new().layer(failed).layer(cache))
        }
        _ => site,
    }
}

/// Requests each page. Returns the time; an error if a page is incomplete.
async fn visit(router: &mut Router) -> Result<Duration, Failure> {
    let requests: Vec<_> = (0..PAGES)
        .map(|number| {
            let id = number * 7_919 % PAGES;
            Request::get(format!("http://localhost/pages/{id}")).body(Body::empty())
        })
        .collect::<Result<_, _>>()?;
    let began = Instant::now();
    for request in requests {
        let ready = ServiceExt::<Request<Body>>::ready(router).await?;
        let response = ready.call(request).await?;
        let body = to_bytes(response.into_body(), 2 * SIZE).await?;
        if body.len() != SIZE {
            return Err("a page did not come whole".into());
        }
    }
    Ok(began.elapsed())
}

/// The resident memory of the process, in bytes.
fn resident() -> Result<usize, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: usize = line.ok_or("no VmRSS")?.trim().trim_end_matches(" kB").parse()?;
    Ok(1024 * kib)
}

/// Prints the nanoseconds of a page, and the bytes of one in the cache.
async fn run(contender: &str) -> Result<(), Failure> {
    let mut router = router(contender);
    let before = resident()?;
    visit(&mut router).await?;
    let bytes = resident()?.saturating_sub(before) / PAGES;
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        best = best.min(visit(&mut router).await?);
    }
    println!("{} {bytes}", best.as_nanos() / PAGES as u128);
    Ok(())
}

fn of_child(contender: &str) -> Result<(u64, u64), Failure> {
    let output = Command::new(env::current_exe()?).arg(contender).output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(time), Some(bytes)) => Ok((time?, bytes?)),
        _ => Err(format!("{contender}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

fn main() -> Result<(), Failure> {
    if let Some(contender) = env::args().nth(1) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        return runtime.block_on(run(&contender));
    }
    let mut best = [(u64::MAX, u64::MAX); CONTENDERS.len()];
    for _ in 0..ROUNDS {
        for (contender, best) in CONTENDERS.iter().zip(&mut best) {
            let (time, bytes) = of_child(contender)?;
            *best = (best.0.min(time), best.1.min(bytes));
        }
    }
    println!("| | ns a page | pages a second | bytes a page in memory |");
    println!("|---|---:|---:|---:|");
    for (contender, (time, bytes)) in CONTENDERS.iter().zip(best) {
        println!(
            "| {contender} | {time} | {} | {bytes} |",
            1_000_000_000 / time.max(1)
        );
    }
    Ok(())
}
