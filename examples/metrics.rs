//! A service over HTTP whose cache Prometheus reads, at `/metrics`, and a person, at `/doctor`.
//!
//! It sends itself requests and ends: `cargo run --example metrics --features metrics`. With `-- --serve` it continues.
//!
//! For OpenTelemetry install another recorder: its exporter for the crate `metrics` reads the same metrics, and a task calls
//! `ring_cache::metrics::publish()` at the exporter's interval.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use ring_cache::{Lru, RingKey, ring_impl};

#[derive(RingKey)]
struct Users {
    #[ring_key(skip)]
    cache: Lru<String>,
}

#[ring_impl]
impl Users {
    /// Imagine a database here.
    #[ring(lru = self.cache, key_prefix = "users", expire = "1m")]
    async fn name(&self, id: u64) -> String {
        tokio::time::sleep(Duration::from_millis(20)).await;
        format!("user {id}")
    }
}

async fn name(State(users): State<Arc<Users>>, Path(id): Path<u64>) -> String {
    users.name(id).await
}

/// Counters are set when they are read, so hits report nothing.
async fn metrics(State(prometheus): State<PrometheusHandle>) -> String {
    ring_cache::metrics::publish();
    prometheus.render()
}

async fn doctor() -> String {
    let findings = ring_cache::doctor().into_iter();
    findings.map(|finding| format!("{finding}\n")).collect()
}

fn app(users: Arc<Users>, prometheus: PrometheusHandle) -> Router {
    let cached = Router::new().route("/users/{id}", get(name)).with_state(users);
    let seen = Router::new()
        .route("/metrics", get(metrics))
        .with_state(prometheus);
    cached.merge(seen).route("/doctor", get(doctor))
}

fn recorder() -> Result<PrometheusHandle, Box<dyn std::error::Error>> {
    let durations = Matcher::Suffix("duration".into());
    let buckets = [0.001, 0.01, 0.1, 1.0, 10.0];
    let recorder = PrometheusBuilder::new().set_buckets_for_metric(durations, &buckets)?;
    Ok(recorder.install_recorder()?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Runtime::new()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let users = Arc::new(Users {
        cache: Lru::new(10_000),
    });
    ring_cache::watch(&users);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let server = tokio::spawn(axum::serve(listener, app(users, recorder()?)).into_future());
    for id in [1, 2, 3, 1, 2, 1] {
        reqwest::get(format!("{url}/users/{id}")).await?.text().await?;
    }
    let text = reqwest::get(format!("{url}/metrics")).await?.text().await?;
    print!("{text}");
    assert!(text.contains(r#"ring_cache_requests{ring="users",result="hit"} 3"#));
    assert!(text.contains(r#"ring_cache_requests{ring="users",result="miss"} 3"#));
    assert!(text.contains(r#"ring_cache_compute_duration_bucket{ring="users",le="0.01"} 0"#));
    if std::env::args().any(|argument| argument == "--serve") {
        println!("{url}/users/1 {url}/metrics {url}/doctor");
        server.await??;
    }
    Ok(())
}
