//! A site whose pages are cached in memory and in Redis, and purged by a verb and by a tag: `cargo run --example pages
//! --features pages,redis,tiered,tokio`. It starts a Redis, unless `REDIS_URL` names one.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::{get, post};
use axum::{Extension, Router};
use ring_cache::pages::{Pages, Tags};
use ring_cache::{Lru, Redis, Tiered, tag};
use ring_cache_test_servers as servers;

type Failure = Box<dyn Error + Send + Sync>;

/// The number of pages made by the site.
static MADE: AtomicU32 = AtomicU32::new(0);

async fn article(Path(id): Path<u32>) -> impl IntoResponse {
    let number = MADE.fetch_add(1, Ordering::Relaxed) + 1;
    let headers = AppendHeaders([("cache-control", "max-age=60, stale-if-error=3600")]);
    (headers, format!("article {id}, made {number}"))
}

/// A page that knows its tags only when it is made.
async fn author(Path(id): Path<u32>) -> impl IntoResponse {
    let number = MADE.fetch_add(1, Ordering::Relaxed) + 1;
    let tags = Tags::new([tag(format!("author:{id}"))]);
    (Extension(tags), format!("author {id}, made {number}"))
}

/// A page for one user: its cookie keeps it out of the cache.
async fn account() -> impl IntoResponse {
    (AppendHeaders([("set-cookie", "session=1")]), "your account")
}

/// A change that is not at the page's URI: the page is purged explicitly.
async fn publish(State((pages, host)): State<(Pages, String)>, Path(id): Path<u32>) -> &'static str {
    match pages.ring(format!("http://{host}/articles/{id}")).delete().await {
        Ok(true) => "purged",
        Ok(false) => "nothing to purge",
        Err(_) => "Redis is down",
    }
}

fn main() -> Result<(), Failure> {
    tokio::runtime::Runtime::new()?.block_on(site())
}

async fn site() -> Result<(), Failure> {
    let redis = Redis::open(url())?
        .namespace("site")
        .deadline(Duration::from_secs(2));
    let storage = Tiered::new(Lru::new(1_000), redis);
    let pages = Pages::new(storage.clone())
        .expire(Duration::from_secs(30))
        .tags(|_, path| path.starts_with("/articles/").then(|| tag("articles")));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = Router::new()
        .route("/articles/{id}", get(article))
        .route("/authors/{id}", get(author))
        .route("/account", get(account))
        .route("/publish/{id}", post(publish))
        .with_state((pages.clone(), address.to_string()))
        .layer(pages.layer());
    let served = app.clone();
    tokio::spawn(async move { axum::serve(listener, served).await });
    visit(address).await?;

    println!("The site itself makes a page anew.");
    let page = pages.ring(format!("http://{address}/articles/1"));
    page.update(app).await?;
    expect_made(1);
    assert!(page.has().await?);

    println!("A tag ends all pages that have it, in memory and in Redis.");
    let author = pages.ring(format!("http://{address}/authors/1"));
    assert!(page.has().await? && author.has().await?);
    tag("articles").forget_in_awaited(&storage).await?;
    assert!(!page.has().await? && author.has().await?);
    tag("author:1").forget_in_awaited(&storage).await?;
    assert!(!author.has().await?);
    Ok(())
}

async fn visit(address: SocketAddr) -> Result<(), Failure> {
    let client = reqwest::Client::new();
    let ask = async |path: &str| {
        let response = client.get(format!("http://{address}{path}")).send().await?;
        let status = response.headers()["cache-status"]
            .to_str()
            .unwrap_or_default()
            .to_owned();
        println!("    {path}: {status}");
        response.text().await
    };
    println!("The first request asks the site, the second does not.");
    assert_eq!(ask("/articles/1").await?, "article 1, made 1");
    assert_eq!(ask("/articles/1").await?, "article 1, made 1");
    assert_eq!(ask("/articles/1?utm=x").await?, "article 1, made 2");
    expect_made(2);

    println!(
        "What is shared is stored with its tags when they are known: from the URI, or from the response before."
    );
    assert_eq!(ask("/authors/1").await?, "author 1, made 1");
    assert_eq!(ask("/authors/1").await?, "author 1, made 2");
    assert_eq!(ask("/authors/1").await?, "author 1, made 2");
    expect_made(2);

    println!("A page with a cookie is never stored.");
    ask("/account").await?;
    ask("/account").await?;

    println!("A verb purges a page, in memory and in Redis.");
    let purged = client.post(format!("http://{address}/publish/1")).send().await?;
    assert_eq!(purged.text().await?, "purged");
    assert_eq!(ask("/articles/1").await?, "article 1, made 1");
    expect_made(1);
    Ok(())
}

/// Checks the number of pages made since the last call.
fn expect_made(expected: u32) {
    assert_eq!(MADE.swap(0, Ordering::Relaxed), expected);
    println!("    pages made: {expected}");
}

fn url() -> String {
    static SERVER: LazyLock<servers::Redis> =
        LazyLock::new(|| servers::Redis::start().expect("redis-server is installed, or REDIS_URL is set"));
    std::env::var("REDIS_URL").unwrap_or_else(|_| SERVER.url())
}
