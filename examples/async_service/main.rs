//! A service whose users are cached, under load: `cargo run --example async_service`.
//!
//! `service.rs` is the service: copy from it. It gets its users from `origin.rs`, a slow HTTP server that counts its
//! requests.
//! `load.rs` is a client that sends 200 requests at a time. The example checks bodies and counts, never times: it panics,
//! and so fails, if one is wrong.

mod load;
mod origin;
mod service;

use std::error::Error;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use load::{Load, client};
use origin::{LATENCY, Origin};
use service::{User, UserRepository};

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Runtime::new()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (origin, address) = Origin::start(1..1000).await?;
    let repository = Arc::new(UserRepository::new(address, client()?));
    let service = serve(service::router(repository.clone())).await?;
    let load = Load::new(service, repository, origin)?;
    load.get("/").await?; // connects before the measurement

    println!("The origin takes {LATENCY:?} for an answer.");
    if cfg!(debug_assertions) {
        println!("This is a debug build: most of the time goes into HTTP. Try `--release`.");
    }
    measure(&load).await?;
    bulk(&load).await?;
    rename(&load).await?;
    miss(&load).await?;
    println!("\nThe cache counted {:?}", load.stats());
    println!("\nAll of it was checked.");
    Ok(())
}

/// Loads of 200 requests for users of whom some, none or all are cached.
async fn measure(load: &Load) -> Result<(), Box<dyn Error>> {
    let some_cold = |first: u64, one_in| {
        let id = move |n| if n % one_in == 0 { first + n } else { 1 };
        (0..200).map(id).collect::<Vec<u64>>()
    };
    let mixed = some_cold(200, 5);
    load::heading();
    load.ask("one cold user", 200, &[1; 200], 1).await?;
    load.ask("the same user, warm", 200, &[1; 200], 0).await?;
    load.ask("160 for it, 40 for cold users", 200, &mixed, 40).await?;
    load.ask("the same again", 200, &mixed, 0).await?;
    load.ask("190 for it, 10 for cold users", 1, &some_cold(400, 20), 10)
        .await
}

async fn bulk(load: &Load) -> Result<(), Box<dyn Error>> {
    println!("\nMany users by one request: the origin is asked only for those not cached, for each once.");
    let reads = load.origin_reads();
    let users: Vec<User> = load.get("/users?ids=1,2,3,2,4").await?.json().await?;
    assert_eq!(users, [1, 2, 3, 2, 4].map(User::original));
    assert_eq!(load.origin_reads(), reads + 3);
    Ok(())
}

async fn rename(load: &Load) -> Result<(), Box<dyn Error>> {
    println!("After a PUT the new name is served.");
    load.put("/users/1", "Ada").await?;
    let user: User = load.get("/users/1").await?.json().await?;
    assert_eq!(user.name, "Ada");
    Ok(())
}

async fn miss(load: &Load) -> Result<(), Box<dyn Error>> {
    println!("An error of the origin is passed on and not cached.");
    let reads = load.origin_reads();
    for _ in 0..2 {
        let response = load.get("/users/5000").await?;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(load.origin_reads(), reads + 2);
    load.put("/users/5000", "Grace").await?;
    let user: User = load.get("/users/5000").await?.json().await?;
    assert_eq!(user.name, "Grace");
    Ok(())
}

/// Serves on a free port of this machine until the example ends. Returns the address.
async fn serve(router: Router) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // Sends the end of an answer without waiting for the acknowledgement of its beginning.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(format!("http://{address}"))
}
