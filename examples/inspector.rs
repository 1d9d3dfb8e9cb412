//! A service with an inspector: `cargo run --example inspector --features inspector`.
//!
//! It sends its inspector the requests of `curl`, deletes a key, and ends. With `INSPECTOR=127.0.0.1:9009` it continues, and
//! prints the token: open <http://localhost:9009> in a browser.

use std::error::Error;
use std::time::Duration;

use ring_cache::inspector::Inspector;
use ring_cache::{Lru, RingKey, ring, ring_impl};
use tokio::net::TcpListener;

/// Its storage is a static, so the inspector lists its keys.
#[ring(key_prefix = "square", expire = "10m", stale = "1h", refresh = caller)]
fn square(n: u64) -> u64 {
    n * n
}

#[derive(RingKey)]
struct Users {
    #[ring_key(skip)]
    cache: Lru<String>,
}

#[ring_impl(storage = self.cache as Lru<String>)]
impl Users {
    #[ring(key_prefix = "users")]
    fn name(&self, id: u64) -> String {
        format!("user {id}")
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Runtime::new()?.block_on(service())
}

async fn service() -> Result<(), Box<dyn Error>> {
    let stays = std::env::var("INSPECTOR").ok();
    let listener = TcpListener::bind(stays.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let token = format!(
        "{:016x}",
        std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), "token")
    );
    tokio::spawn(Inspector::new().allow_changes(&*token).serve(listener));

    let users = Users {
        cache: Lru::new(1000).inspectable(),
    };
    (0..20).for_each(|n| _ = (square(n % 5), users.name(n)));

    let rings = reqwest::get(&url).await?.text().await?;
    println!("{rings}");
    assert!(rings.contains("square") && rings.contains("Lru<String>"));

    let keys = reqwest::get(format!("{url}/ring?ring=square"))
        .await?
        .text()
        .await?;
    assert!(keys.contains("square:3"));
    let form = format!("token={token}&ring=square&delete=square:3");
    let deleted = reqwest::Client::new()
        .post(format!("{url}/change"))
        .body(form)
        .send()
        .await?;
    println!("{}", deleted.text().await?);
    assert!(!square_ring(3).has() && square_ring(4).has());

    if stays.is_some() {
        println!("{url}, token: {token}");
        for n in 0.. {
            _ = (square(n * n % 13), users.name(n % 17));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}
