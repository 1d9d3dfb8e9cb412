//! H5: a page has the verbs of a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::ACCEPT;
use ring_cache::pages::PageRing;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::site::{Site, answer, pages};

#[tokio::test]
async fn h5_a_page_has_the_verbs_of_a_call() {
    let pages = pages();
    let site = Site::counting(&pages, &[("x-mine", "1")]).await;
    let page = pages.ring(site.url("/a?b=1"));
    assert!(page.get().await.unwrap().is_none());
    assert!(!page.has().await.unwrap());
    assert!(!page.delete().await.unwrap());
    site.get("/a?b=1", &[]).await;
    assert!(page.has().await.unwrap());
    let stored = page.get().await.unwrap().unwrap().response().unwrap();
    assert_eq!(
        (stored.body().as_ref(), &stored.headers()["x-mine"]),
        (&b"1"[..], &HeaderValue::from_static("1"))
    );
    assert!(!pages.ring(site.url("/a")).has().await.unwrap());
    let updated = page.update(site.app.clone()).await.unwrap();
    assert_eq!(updated.body().as_ref(), b"2");
    assert_eq!(site.get("/a?b=1", &[]).await.body, "2");
    assert!(page.delete().await.unwrap());
    assert!(!page.has().await.unwrap());
    assert_eq!(site.get("/a?b=1", &[]).await.body, "3");
}

#[tokio::test]
async fn h5_verbs_of_what_is_no_uri_are_errors() {
    let pages = pages();
    for uri in ["", "no uri", "http://", "*", "example.com:80"] {
        let page = pages.ring(uri);
        assert!(page.get().await.is_err() && page.delete().await.is_err(), "{uri}");
        let site = Site::counting(&pages, &[]).await;
        assert!(page.update(site.app.clone()).await.is_err());
        assert_eq!(site.computed(), 0);
    }
}

#[tokio::test]
async fn h5_delete_removes_all_variants_and_header_names_one() {
    let pages = pages();
    let count = Arc::new(AtomicUsize::new(0));
    let site = Site::start(&pages, move |_: Request| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        async move { answer(&[("vary", "accept")], number.to_string()) }
    })
    .await;
    let page = || pages.ring(site.url("/"));
    let accepting = |value| page().header(ACCEPT, HeaderValue::from_static(value));
    let body = async |page: PageRing| {
        let stored = page.get().await.unwrap();
        stored.map(|stored| String::from_utf8(stored.response().unwrap().into_body().to_vec()).unwrap())
    };
    site.get("/", &[("accept", "a")]).await;
    site.get("/", &[("accept", "b")]).await;
    assert_eq!(body(accepting("a")).await.as_deref(), Some("1"));
    assert_eq!(body(accepting("b")).await.as_deref(), Some("2"));
    assert_eq!(body(page()).await, None);
    accepting("b").update(site.app.clone()).await.unwrap();
    assert_eq!(body(accepting("a")).await.as_deref(), Some("1"));
    assert_eq!(body(accepting("b")).await.as_deref(), Some("3"));
    assert!(page().delete().await.unwrap());
    assert_eq!(body(accepting("a")).await, None);
    site.get("/", &[("accept", "b")]).await;
    assert_eq!(
        body(accepting("a")).await,
        None,
        "it does not come back with the names"
    );
    assert_eq!(site.get("/", &[("accept", "a")]).await.body, "5");
}

/// A site whose first answer waits.
async fn waiting(pages: &ring_cache::pages::Pages, vary: &'static str) -> (Site, Arc<Notify>, Arc<Notify>) {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let count = Arc::new(AtomicUsize::new(0));
    let site = Site::start(pages, {
        let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
        move |_| {
            let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                if number == 1 {
                    entered.notify_one();
                    go.notified().await;
                }
                answer(&[("vary", vary)], number.to_string())
            }
        }
    })
    .await;
    (site, entered, go)
}

#[tokio::test]
async fn h5_a_page_computed_before_a_delete_is_not_stored_after_it() {
    for vary in ["", "accept"] {
        let pages = pages();
        let (site, entered, go) = waiting(&pages, vary).await;
        let first = tokio::spawn({
            let site = site.clone();
            async move { site.get("/", &[]).await.body }
        });
        timeout(Duration::from_secs(20), entered.notified())
            .await
            .unwrap();
        pages.ring(site.url("/")).delete().await.unwrap();
        let newcomer = timeout(Duration::from_secs(5), site.get("/", &[])).await;
        let newcomer = newcomer.expect("newcomers do not wait for the older one");
        assert_eq!(newcomer.body, "2");
        go.notify_one();
        assert_eq!(first.await.unwrap(), "1");
        sleep(Duration::from_millis(50)).await;
        assert_eq!(site.get("/", &[]).await.body, "2");
    }
}

#[tokio::test]
async fn h5_an_update_neither_joins_nor_is_overwritten_by_an_older_computation() {
    let pages = pages();
    let (site, entered, go) = waiting(&pages, "").await;
    let first = tokio::spawn({
        let site = site.clone();
        async move { site.get("/", &[]).await.body }
    });
    timeout(Duration::from_secs(20), entered.notified())
        .await
        .unwrap();
    let updated = pages.ring(site.url("/")).update(site.app.clone()).await.unwrap();
    assert_eq!(updated.body().as_ref(), b"2");
    go.notify_one();
    assert_eq!(first.await.unwrap(), "1");
    sleep(Duration::from_millis(50)).await;
    assert_eq!(site.get("/", &[]).await.body, "2");
}

#[tokio::test]
async fn h5_counters_tell_hits_and_those_that_waited() {
    let pages = pages();
    let site = Site::start(&pages, async |_| {
        sleep(Duration::from_millis(300)).await;
        answer(&[], "page")
    })
    .await;
    let requests = (0..10).map(|_| {
        let site = site.clone();
        tokio::spawn(async move { site.get("/", &[]).await })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap();
    }
    assert_eq!(
        (pages.stats().hits, pages.stats().stores, pages.stats().coalesced),
        (0, 1, 9)
    );
    site.get("/", &[]).await;
    assert_eq!((pages.stats().hits, pages.stats().errors), (1, 0));
}
