//! H4: what clients demand, and stale pages: RFC 9111, 5.2.1, and RFC 5861.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ring_cache::pages::Pages;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::site::{Site, answer, pages, wait};

/// A site that counts its computations in the body, and fails while it is told to.
async fn failing(pages: &Pages, control: &'static str) -> (Site, Arc<AtomicBool>) {
    let (fails, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let failure = Arc::clone(&fails);
    let site = Site::start(pages, move |_| {
        let (fails, number) = (
            failure.load(Ordering::SeqCst),
            count.fetch_add(1, Ordering::SeqCst) + 1,
        );
        async move {
            let status = if fails { "503" } else { "200" };
            answer(
                &[(":status", status), ("cache-control", control)],
                number.to_string(),
            )
        }
    })
    .await;
    (site, fails)
}

/// Asks until the answer is this one.
async fn until(site: &Site, body: &str) {
    for _ in 0..100 {
        if site.get("/", &[]).await.body == body {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("never {body}");
}

#[tokio::test]
async fn h4_no_cache_makes_a_new_page_for_all_and_can_be_forbidden() {
    for headers in [
        ("cache-control", "no-cache"),
        ("cache-control", "max-age=0, No-Cache"),
        ("pragma", "no-cache"),
    ] {
        let site = Site::counting(&pages(), &[]).await;
        site.get("/", &[]).await;
        assert_eq!(site.get("/", &[headers]).await.body, "2");
        assert_eq!(site.get("/", &[]).await.body, "2");
        let site = Site::counting(&pages().obey_clients(false), &[]).await;
        site.get("/", &[]).await;
        assert_eq!(site.get("/", &[headers]).await.body, "1");
    }
    let site = Site::counting(&pages(), &[]).await;
    site.get("/", &[]).await;
    let both = [("pragma", "no-cache"), ("cache-control", "max-age=60")];
    assert_eq!(site.get("/", &both).await.body, "1", "Cache-Control says more");
}

#[tokio::test]
async fn h4_clients_say_how_old_a_page_may_be() {
    let site = Site::counting(&pages(), &[("cache-control", "max-age=60"), ("age", "10")]).await;
    site.get("/", &[]).await;
    for (control, expected) in [
        ("max-age=30", "1"),
        ("min-fresh=40", "1"),
        ("max-age=5", "2"),
        ("min-fresh=55", "3"),
        ("max-age=x", "3"),
        ("max-age=\"5\"", "4"),
    ] {
        assert_eq!(
            site.get("/", &[("cache-control", control)]).await.body,
            expected,
            "{control}"
        );
    }
}

#[tokio::test]
async fn h4_only_if_cached_asks_nobody() {
    let site = Site::counting(&pages(), &[]).await;
    let only = [("cache-control", "only-if-cached")];
    assert_eq!(site.get("/", &only).await.status, 504);
    assert_eq!(site.computed(), 0);
    site.get("/", &[]).await;
    assert_eq!(site.get("/", &only).await.body, "1");
}

#[tokio::test]
async fn h4_a_page_past_its_freshness_is_made_anew() {
    let site = Site::counting(&pages(), &[("cache-control", "max-age=1")]).await;
    assert_eq!(site.get("/", &[]).await.body, "1");
    assert_eq!(site.get("/", &[]).await.body, "1");
    wait(1.1);
    assert_eq!(site.get("/", &[]).await.body, "2");
}

#[tokio::test]
async fn h4_a_stale_page_is_returned_while_one_request_makes_a_new_one() {
    let (site, _) = failing(&pages(), "max-age=1, stale-while-revalidate=30").await;
    site.get("/", &[]).await;
    wait(1.2);
    let stale = site.get("/", &[]).await;
    assert_eq!(
        (stale.body.as_str(), stale.cache_status()),
        ("1", "ring-cache; hit; ttl=-1")
    );
    until(&site, "2").await;
    assert_eq!(site.computed(), 2);
}

#[tokio::test]
async fn h4_many_requests_for_a_stale_page_make_one_new_one() {
    let (count, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let spawned = Arc::new(AtomicUsize::new(0));
    let jobs = Arc::clone(&spawned);
    let pages = pages().spawner(move |job| {
        jobs.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(job);
    });
    let site = Site::start(&pages, {
        let go = Arc::clone(&go);
        move |_| {
            let (number, go) = (count.fetch_add(1, Ordering::SeqCst) + 1, Arc::clone(&go));
            async move {
                if number > 1 {
                    go.notified().await;
                }
                let headers = [("cache-control", "s-maxage=1, stale-while-revalidate=30")];
                answer(&headers, number.to_string())
            }
        }
    })
    .await;
    site.get("/", &[]).await;
    wait(1.2);
    for _ in 0..20 {
        assert_eq!(site.get("/", &[]).await.body, "1");
    }
    go.notify_one();
    until(&site, "2").await;
    assert_eq!((site.computed(), spawned.load(Ordering::SeqCst)), (2, 1));
}

#[tokio::test]
async fn h4_a_spawner_of_one_s_own_refreshes() {
    let spawned = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&spawned);
    let pages = pages().spawner(move |job| {
        counted.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(job);
    });
    let (site, _) = failing(&pages, "max-age=1, stale-while-revalidate=30").await;
    site.get("/", &[]).await;
    wait(1.2);
    assert_eq!(site.get("/", &[]).await.body, "1");
    until(&site, "2").await;
    assert_eq!(spawned.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn h4_a_refresh_that_fails_leaves_the_stale_page() {
    let (site, fails) = failing(&pages(), "max-age=1, stale-while-revalidate=30").await;
    site.get("/", &[]).await;
    wait(1.1);
    fails.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        assert_eq!(site.get("/", &[]).await.body, "1");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(site.computed(), 2, "it is not tried again at once");
}

#[tokio::test]
async fn h4_a_stale_page_answers_in_place_of_an_error() {
    let (site, fails) = failing(&pages(), "max-age=1, stale-if-error=30").await;
    site.get("/", &[]).await;
    wait(1.1);
    fails.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let stale = site.get("/", &[]).await;
        assert_eq!((stale.status, stale.body.as_str()), (200, "1"));
    }
    assert_eq!(site.computed(), 2, "for five seconds it is not tried again");
    assert_eq!(
        site.get("/", &[("cache-control", "no-cache")]).await.status,
        503,
        "this one wants a new page"
    );
}

#[tokio::test]
async fn h4_without_a_directive_an_error_is_an_error() {
    for control in [
        "max-age=1",
        "max-age=1, stale-if-error=1",
        "max-age=1, stale-if-error=30, must-revalidate",
        "max-age=1, stale-while-revalidate=30, proxy-revalidate",
        "max-age=1, stale-if-error=x",
    ] {
        let (site, fails) = failing(&pages(), control).await;
        site.get("/", &[]).await;
        wait(2.1);
        fails.store(true, Ordering::SeqCst);
        assert_eq!(site.get("/", &[]).await.status, 503, "{control}");
    }
}

#[tokio::test]
async fn h4_max_stale_takes_a_stale_page_unless_that_is_forbidden() {
    for (control, expected) in [
        ("max-age=1, stale-if-error=30", "1"),
        ("max-age=1, stale-if-error=30, must-revalidate", "2"),
        ("s-maxage=1, stale-if-error=30", "2"),
    ] {
        let (site, _) = failing(&pages(), control).await;
        site.get("/", &[]).await;
        wait(1.2);
        assert_eq!(
            site.get("/", &[("cache-control", "max-stale=10")]).await.body,
            expected,
            "{control}"
        );
    }
    let (site, _) = failing(&pages(), "max-age=1, stale-if-error=30").await;
    site.get("/", &[]).await;
    wait(2.2);
    assert_eq!(
        site.get("/", &[("cache-control", "max-stale=1")]).await.body,
        "2",
        "too stale"
    );
}

#[tokio::test]
async fn h4_ages_follow_the_clock_of_the_pages() {
    let site = Site::counting(&pages(), &[]).await;
    site.get("/", &[]).await;
    wait(59.0);
    assert_eq!(site.get("/", &[]).await.header("age"), Some("59"));
    wait(1.0);
    assert_eq!(site.get("/", &[]).await.body, "2");
}
