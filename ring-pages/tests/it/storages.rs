//! Pages in each storage, and storages that fail.

use std::sync::Arc;
use std::time::Duration;

use ring_cache::pages::{PageStorage, Pages};
use ring_cache::{Blocking, Disk, Lru, Map, Memcached, Redis, Tiered};
use ring_cache_test_servers::{self as servers, or_leave_out};

use crate::site::{Site, pages};

const HEADERS: &[(&str, &str)] = &[("cache-control", "max-age=4"), ("vary", "accept")];

/// The whole life of a page that varies.
async fn holds_pages(storage: impl PageStorage) {
    let pages = Pages::new(storage);
    let site = Site::counting(&pages, HEADERS).await;
    let accept = [("accept", "a")];
    for _ in 0..2 {
        assert_eq!(site.get("/", &accept).await.body, "1");
        assert_eq!(site.get("/", &[]).await.body, "2");
    }
    let hit = site.get("/", &accept).await;
    assert!(hit.cache_status().starts_with("ring-cache; hit"), "{hit:?}");
    assert_eq!(
        site.get("/", &[("if-none-match", hit.header("etag").unwrap()), accept[0]])
            .await
            .status,
        304
    );
    assert!(pages.ring(site.url("/")).has().await.unwrap());
    assert!(pages.ring(site.url("/")).delete().await.unwrap());
    assert_eq!(site.get("/", &accept).await.body, "3");
    pages.ring(site.url("/")).update(site.app.clone()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(4_100)).await;
    assert_eq!(site.get("/", &accept).await.body, "5");
}

#[tokio::test]
async fn pages_lie_in_memory() {
    holds_pages(Lru::new(10)).await;
    holds_pages(Map::new()).await;
    holds_pages(Arc::new(Lru::new(10))).await;
}

#[tokio::test]
async fn pages_lie_in_redis_and_are_shared_by_processes() {
    let Some(server) = or_leave_out("pages in Redis", servers::Redis::start()) else {
        return;
    };
    let open = || {
        Redis::open(server.url())
            .unwrap()
            .deadline(Duration::from_secs(5))
    };
    holds_pages(open().namespace("one")).await;
    holds_pages(Tiered::new(Lru::new(10), open().namespace("two"))).await;
    let [first, second] = [Pages::new(open()), Pages::new(open())];
    let site = Site::counting(&first, HEADERS).await;
    site.get("/", &[("host", "a.example")]).await;
    let other = Site::counting(&second, HEADERS).await;
    other.get("/", &[("host", "a.example")]).await;
    assert_eq!((site.computed(), other.computed()), (1, 0));
}

#[tokio::test]
async fn pages_lie_in_memcached() {
    let Some(server) = or_leave_out("pages in Memcached", servers::Memcached::start()) else {
        return;
    };
    let open = || {
        Memcached::open(server.url())
            .unwrap()
            .deadline(Duration::from_secs(5))
    };
    holds_pages(open().namespace("one")).await;
}

#[tokio::test]
async fn pages_lie_on_disk() {
    let folder = std::env::temp_dir().join(format!("ring-cache-pages-{}", std::process::id()));
    let disk = Disk::open(folder.join("pages")).unwrap();
    holds_pages(Blocking::new(disk)).await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_storage_that_is_down_costs_computations_only() {
    let pages = Pages::new(Redis::open("redis://127.0.0.1:1").unwrap()).expire(Duration::from_secs(60));
    let site = Site::counting(&pages, &[]).await;
    for expected in ["1", "2", "3"] {
        let reply = site.get("/", &[]).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, expected));
    }
    assert!(pages.ring(site.url("/")).get().await.is_err());
    assert!(pages.ring(site.url("/")).delete().await.is_err());
}

#[tokio::test]
async fn an_entry_of_something_else_is_overwritten() {
    let Some(server) = or_leave_out("pages in Redis", servers::Redis::start()) else {
        return;
    };
    let pages = Pages::new(
        Redis::open(server.url())
            .unwrap()
            .deadline(Duration::from_secs(5)),
    )
    .expire(Duration::from_secs(60))
    .key_prefix("site");
    let site = Site::counting(&pages, &[]).await;
    let key = format!("site:127.0.0.1%3A{}:page:/a?b=c:d", site.address.port());
    server.command(&["SET", &key, "something else"]);
    for _ in 0..2 {
        assert_eq!(site.get("/a?b=c:d", &[]).await.body, "1");
    }
    let servers::Reply::Bytes(bytes) = server.command(&["GET", &key]) else {
        panic!("no entry");
    };
    assert!(
        bytes.starts_with(b"ring page 1\n"),
        "the key is the one that the text says"
    );
}

#[tokio::test]
async fn sites_with_another_prefix_share_no_pages() {
    let storage = Arc::new(Lru::new(10));
    let one = Pages::new(Arc::clone(&storage))
        .expire(Duration::from_secs(60))
        .key_prefix("one");
    let two = Pages::new(storage)
        .expire(Duration::from_secs(60))
        .key_prefix("two");
    let host = [("host", "example.com")];
    let sites = [Site::counting(&one, &[]).await, Site::counting(&two, &[]).await];
    for site in &sites {
        site.get("/", &host).await;
        site.get("/", &host).await;
        assert_eq!(site.computed(), 1);
    }
    assert_eq!(pages().name().to_string(), "pages");
}

#[tokio::test]
async fn sites_with_another_prefix_share_no_responses_under_way() {
    let pages = pages();
    let site = async |name: &'static str| {
        let pages = pages.clone().key_prefix(name);
        Site::start(&pages, move |_| async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            crate::site::answer(&[], name)
        })
        .await
    };
    let (one, two) = (site("one").await, site("two").await);
    let host = [("host", "example.com")];
    let (one, two) = tokio::join!(one.get("/", &host), two.get("/", &host));
    assert_eq!((one.body.as_str(), two.body.as_str()), ("one", "two"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h3_those_that_wait_get_the_page_also_if_it_could_not_be_stored() {
    let pages = Pages::new(Redis::open("redis://127.0.0.1:1").unwrap()).expire(Duration::from_secs(60));
    let site = Site::start(&pages, async |_| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        crate::site::answer(&[], "page")
    })
    .await;
    let requests = (0..50).map(|_| {
        let site = site.clone();
        tokio::spawn(async move { site.get("/", &[]).await.body })
    });
    for request in requests.collect::<Vec<_>>() {
        assert_eq!(request.await.unwrap(), "page");
    }
    assert_eq!(site.computed(), 1);
}

/// A server drops a body when the announced length has come, and does not wait for its end.
#[tokio::test]
async fn h3_a_body_of_known_length_is_stored_also_where_that_takes_time() {
    let Some(server) = or_leave_out("pages in Redis", servers::Redis::start()) else {
        return;
    };
    let redis = Redis::open(server.url())
        .unwrap()
        .deadline(Duration::from_secs(5));
    let pages = Pages::new(redis).expire(Duration::from_secs(60));
    let site = Site::start(&pages, async |_| {
        let pieces = ["pa", "ge"].map(|piece| http_body::Frame::data(piece.into()));
        let body = crate::streams::Frames(pieces.into_iter().collect());
        crate::site::answer(&[("content-length", "4")], axum::body::Body::new(body))
    })
    .await;
    for _ in 0..2 {
        assert_eq!(site.get("/", &[]).await.body, "page");
    }
    assert_eq!(site.computed(), 1);
    let empty = Site::start(&pages, async |_| crate::site::answer(&[], "")).await;
    for _ in 0..2 {
        assert_eq!(empty.get("/", &[]).await.body, "");
    }
    assert_eq!(empty.computed(), 1);
}
