//! H4: stale pages of which the application is asked whether they have changed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http_cache_semantics::{AfterResponse, CachePolicy};
use proptest::prelude::*;
use ring_cache::pages::{Pages, Tags};
use ring_cache::tag;
use tokio::time::sleep;

use crate::oracle::{line, options, other};
use crate::site::{Site, answer, pages, wait, without_expiry};

const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const KEEP: Duration = Duration::from_secs(600);

type Headers = &'static [(&'static str, &'static str)];

/// What the application was asked: `If-None-Match` and `If-Modified-Since` of each request.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<(String, String)>>>);

impl Asked {
    fn note(&self, request: &Request) {
        let text = |name| {
            let value = request.headers().get(name);
            value.map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        let conditions = (text("if-none-match"), text("if-modified-since"));
        self.0.lock().unwrap().push(conditions);
    }

    fn last(&self) -> (String, String) {
        self.0.lock().unwrap().last().unwrap().clone()
    }
}

/// A site whose first response has some headers, and the later ones others. A 304 has no body, and all others their number.
async fn changing(pages: &Pages, first: Headers, later: Headers) -> (Site, Asked) {
    let (asked, count) = (Asked::default(), Arc::new(AtomicUsize::new(0)));
    let noted = asked.clone();
    let site = Site::start(pages, move |request: Request| {
        noted.note(&request);
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        async move {
            let headers = if number == 1 { first } else { later };
            let is_empty = headers.contains(&(":status", "304"));
            answer(
                headers,
                if is_empty {
                    String::new()
                } else {
                    number.to_string()
                },
            )
        }
    })
    .await;
    (site, asked)
}

const TAGGED: Headers = &[
    ("cache-control", "max-age=1"),
    ("etag", "\"a\""),
    ("last-modified", MODIFIED),
    ("content-type", "text/html"),
    ("x-kept", "1"),
    ("x-new", "1"),
];
const NOT_MODIFIED: Headers = &[
    (":status", "304"),
    ("cache-control", "max-age=60"),
    ("etag", "\"a\""),
    ("content-type", "text/other"),
    ("x-new", "2"),
    ("x-new", "3"),
];

#[tokio::test]
async fn h4_without_the_option_a_stale_page_is_asked_for_as_a_whole() {
    let (site, asked) = changing(&pages(), TAGGED, TAGGED).await;
    site.get("/", &[]).await;
    wait(1.1);
    assert_eq!(site.get("/", &[("if-none-match", "\"a\"")]).await.status, 304);
    assert_eq!(asked.last(), Default::default());
    assert_eq!(site.computed(), 2);
}

#[tokio::test]
async fn h4_a_stale_page_that_has_not_changed_is_renewed_by_a_304() {
    let (site, asked) = changing(&pages().revalidate(KEEP), TAGGED, NOT_MODIFIED).await;
    site.get("/", &[]).await;
    assert_eq!(asked.last(), Default::default());
    wait(1.1);
    let renewed = site.get("/", &[]).await;
    assert_eq!(asked.last(), ("\"a\"".into(), MODIFIED.into()));
    assert_eq!(
        (renewed.status, renewed.body.as_str(), renewed.cache_status()),
        (200, "1", "ring-cache; fwd=stale; fwd-status=304")
    );
    let hit = site.get("/", &[]).await;
    assert!(
        hit.cache_status().starts_with("ring-cache; hit; ttl=5"),
        "{hit:?}"
    );
    for reply in [&renewed, &hit] {
        for (name, expected) in [
            ("cache-control", "max-age=60"),
            ("content-type", "text/html"),
            ("content-length", "1"),
            ("x-kept", "1"),
            ("x-new", "2"),
            ("last-modified", MODIFIED),
        ] {
            assert_eq!(reply.header(name), Some(expected), "{name}");
        }
        assert!(format!("{reply:?}").contains("(\"x-new\", \"3\")"), "all lines");
    }
    assert_eq!(hit.header("age"), Some("0"), "it is as young as the 304");
    wait(70.0);
    assert_eq!(site.get("/", &[]).await.body, "1", "again");
    assert_eq!(site.computed(), 3);
}

#[tokio::test]
async fn h4_a_stale_page_that_has_changed_is_replaced() {
    const CHANGED: Headers = &[("cache-control", "max-age=60"), ("etag", "\"b\"")];
    let (site, asked) = changing(&pages().revalidate(KEEP), TAGGED, CHANGED).await;
    site.get("/", &[]).await;
    wait(1.1);
    let new = site.get("/", &[]).await;
    assert_eq!(asked.last().0, "\"a\"");
    assert_eq!(
        (new.body.as_str(), new.cache_status()),
        ("2", "ring-cache; fwd=stale")
    );
    assert_eq!(new.header("x-kept"), None);
    assert_eq!(site.get("/", &[]).await.body, "2");
}

#[tokio::test]
async fn h4_the_application_is_asked_about_its_own_validators_only() {
    const DATED: Headers = &[("cache-control", "max-age=1"), ("last-modified", MODIFIED)];
    const WEAK: Headers = &[("cache-control", "max-age=1"), ("etag", "W/\"w\"")];
    const PLAIN: Headers = &[("cache-control", "max-age=1, stale-if-error=60")];
    const GONE: Headers = &[
        (":status", "410"),
        ("cache-control", "max-age=1, stale-if-error=60"),
        ("etag", "\"a\""),
    ];
    for (headers, expected) in [
        (DATED, ("", MODIFIED)),
        (WEAK, ("W/\"w\"", "")),
        (PLAIN, ("", "")),
        (GONE, ("", "")),
    ] {
        let (site, asked) = changing(&pages().revalidate(KEEP), headers, headers).await;
        site.get("/", &[]).await;
        let tag = site.get("/", &[]).await.header("etag").map(ToOwned::to_owned);
        wait(1.1);
        let own = [("if-none-match", tag.as_deref().unwrap_or("\"x\""))];
        site.get("/", &own).await;
        assert_eq!(
            asked.last(),
            (expected.0.into(), expected.1.into()),
            "{headers:?}"
        );
        assert_eq!(site.computed(), 2);
    }
}

#[tokio::test]
async fn h4_the_conditions_of_a_client_are_answered_from_the_renewed_page() {
    for (tag, status, body) in [("\"a\"", 304, ""), ("\"old\"", 200, "1")] {
        let (site, asked) = changing(&pages().revalidate(KEEP), TAGGED, NOT_MODIFIED).await;
        site.get("/", &[]).await;
        wait(1.1);
        let reply = site.get("/", &[("if-none-match", tag)]).await;
        assert_eq!((reply.status, reply.body.as_str()), (status, body), "{tag}");
        assert_eq!(asked.last().0, "\"a\"", "not the client's");
    }
}

#[tokio::test]
async fn h4_a_304_that_forbids_storing_is_obeyed() {
    const BASE: [(&str, &str); 2] = [(":status", "304"), ("etag", "\"a\"")];
    for more in [
        ("cache-control", "no-store"),
        ("cache-control", "Private, max-age=60"),
        ("cache-control", "no-cache=\"x\", max-age=60"),
        ("set-cookie", "id=1"),
        ("vary", "*"),
    ] {
        let later: Headers = [BASE[0], BASE[1], more].to_vec().leak();
        let (site, _) = changing(&pages().revalidate(KEEP), TAGGED, later).await;
        site.get("/", &[]).await;
        wait(1.1);
        for expected in [2, 3] {
            let reply = site.get("/", &[]).await;
            assert_eq!((reply.status, reply.body.as_str()), (200, "1"), "{more:?}");
            assert_eq!(site.computed(), expected, "{more:?}");
        }
    }
}

#[tokio::test]
async fn h4_a_304_about_another_response_renews_nothing() {
    for other in [
        ("etag", "\"b\""),
        ("etag", "W/\"b\""),
        ("last-modified", "Mon, 07 Nov 1994 08:49:37 GMT"),
    ] {
        let later: Headers = [(":status", "304"), ("cache-control", "max-age=60"), other]
            .to_vec()
            .leak();
        let (site, _) = changing(&pages().revalidate(KEEP), TAGGED, later).await;
        site.get("/", &[]).await;
        wait(1.1);
        for expected in [2, 3] {
            assert_eq!(site.get("/", &[]).await.body, "1", "{other:?}");
            assert_eq!(site.computed(), expected, "{other:?}");
        }
    }
    const BARE: Headers = &[(":status", "304")];
    let (site, _) = changing(&pages().revalidate(KEEP), TAGGED, BARE).await;
    site.get("/", &[]).await;
    wait(1.1);
    for _ in 0..2 {
        assert_eq!(site.get("/", &[]).await.body, "1");
    }
    assert_eq!(
        site.computed(),
        2,
        "one that names none is about the one that was named"
    );
}

#[tokio::test]
async fn h4_a_304_that_was_not_asked_for_is_passed_on() {
    const BARE: Headers = &[(":status", "304"), ("cache-control", "max-age=60")];
    let (site, _) = changing(&pages().revalidate(KEEP), BARE, BARE).await;
    for expected in [1, 2] {
        assert_eq!(site.get("/", &[]).await.status, 304);
        assert_eq!(site.computed(), expected);
    }
}

#[tokio::test]
async fn h4_no_cache_asks_whether_the_page_has_changed_and_update_asks_for_the_whole() {
    let pages = pages().revalidate(KEEP);
    let (site, asked) = changing(&pages, TAGGED, NOT_MODIFIED).await;
    site.get("/", &[]).await;
    let reply = site.get("/", &[("cache-control", "no-cache")]).await;
    assert_eq!(
        (reply.body.as_str(), reply.cache_status()),
        ("1", "ring-cache; fwd=request; fwd-status=304")
    );
    assert_eq!(asked.last().0, "\"a\"");
    let (site, asked) = changing(&pages, TAGGED, TAGGED).await;
    let page = pages.ring(site.url("/"));
    page.update(site.app.clone()).await.unwrap();
    wait(1.1);
    page.update(site.app.clone()).await.unwrap();
    assert_eq!(asked.last(), Default::default());
}

#[tokio::test]
async fn h4_a_page_for_all_is_asked_about_for_a_request_with_credentials_and_others_are_not() {
    const PUBLIC: Headers = &[("cache-control", "public, max-age=1"), ("etag", "\"a\"")];
    const MINE: Headers = &[("cache-control", "max-age=1"), ("etag", "\"a\"")];
    for (headers, expected) in [(PUBLIC, "\"a\""), (MINE, "")] {
        let (site, asked) = changing(&pages().revalidate(KEEP), headers, headers).await;
        site.get("/", &[]).await;
        wait(1.1);
        site.get("/", &[("authorization", "Bearer ada")]).await;
        assert_eq!(asked.last().0, expected);
    }
}

#[tokio::test]
async fn h4_a_refresh_in_the_background_asks_whether_the_page_has_changed() {
    const STALE: Headers = &[
        ("cache-control", "max-age=1, stale-while-revalidate=60"),
        ("etag", "\"a\""),
    ];
    let (site, asked) = changing(&pages().revalidate(KEEP), STALE, NOT_MODIFIED).await;
    site.get("/", &[]).await;
    wait(1.2);
    assert_eq!(site.get("/", &[]).await.cache_status(), "ring-cache; hit; ttl=-1");
    for _ in 0..100 {
        if site.get("/", &[]).await.cache_status().contains("ttl=5") {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!((asked.last().0.as_str(), site.computed()), ("\"a\"", 2));
    assert_eq!(site.get("/", &[]).await.body, "1");
}

#[tokio::test]
async fn h4_a_failure_when_asked_is_one_as_any_other() {
    const FAILED: Headers = &[(":status", "503")];
    const ON_ERROR: Headers = &[
        ("cache-control", "max-age=1, stale-if-error=60"),
        ("etag", "\"a\""),
    ];
    for (first, status) in [(TAGGED, 503), (ON_ERROR, 200)] {
        let (site, asked) = changing(&pages().revalidate(KEEP), first, FAILED).await;
        site.get("/", &[]).await;
        wait(1.2);
        assert_eq!(site.get("/", &[]).await.status, status);
        assert_eq!(asked.last().0, "\"a\"");
    }
}

#[tokio::test]
async fn h4_a_page_whose_tag_was_forgotten_is_asked_for_as_a_whole() {
    let asked = Asked::default();
    let noted = asked.clone();
    let site = Site::start(&pages().revalidate(KEEP), move |request: Request| {
        noted.note(&request);
        let is_known = request.headers().contains_key("if-none-match");
        async move {
            let mut response: Response = answer(if is_known { NOT_MODIFIED } else { TAGGED }, "page");
            let tags = Tags::new([tag("h4 revalidated")]);
            response.extensions_mut().insert(tags);
            response
        }
    })
    .await;
    site.get("/", &[]).await;
    wait(1.2);
    site.get("/", &[]).await;
    assert_eq!(asked.last().0, "\"a\"");
    assert!(
        site.get("/", &[]).await.cache_status().contains("hit"),
        "renewed with its tag"
    );
    tag("h4 revalidated").forget();
    site.get("/", &[]).await;
    assert_eq!(asked.last(), Default::default());
    assert_eq!(site.computed(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h4_many_requests_for_a_stale_page_ask_once_whether_it_has_changed() {
    // The clock of a thread cannot move those of others.
    let pages = Pages::new(ring_cache::Lru::new(10)).revalidate(KEEP);
    let site = Site::start(&pages, async |request: Request| {
        sleep(Duration::from_millis(200)).await;
        let is_known = request.headers().contains_key("if-none-match");
        answer(
            if is_known { NOT_MODIFIED } else { TAGGED },
            if is_known { "" } else { "page" },
        )
    })
    .await;
    site.get("/", &[]).await;
    sleep(Duration::from_millis(1_100)).await;
    let requests = (0..50).map(|_| {
        let site = site.clone();
        tokio::spawn(async move { site.get("/", &[]).await })
    });
    for request in requests.collect::<Vec<_>>() {
        let reply = request.await.unwrap();
        assert_eq!((reply.status, reply.body.as_str()), (200, "page"));
        assert!(reply.cache_status().contains("fwd-status=304"), "{reply:?}");
    }
    assert_eq!(site.computed(), 2);
}

#[derive(Clone, Debug)]
struct Case {
    first: Vec<(&'static str, String)>,
    second: Vec<(&'static str, String)>,
}

fn validators() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let tag = prop::option::of(prop::sample::select(vec!["\"a\"", "W/\"a\"", "\"b\"", "W/\"b\""]));
    let modified = prop::option::of(prop::sample::select(vec![
        MODIFIED,
        "Mon, 07 Nov 1994 08:49:37 GMT",
    ]));
    (tag, modified).prop_map(|(tag, modified)| {
        let tag = tag.map(|tag| ("etag", tag.to_owned()));
        let modified = modified.map(|date| ("last-modified", date.to_owned()));
        tag.into_iter().chain(modified).collect()
    })
}

fn case() -> impl Strategy<Value = Case> {
    let more = (
        prop::collection::vec(line(), 0..2),
        prop::collection::vec(other(), 0..2),
    );
    (validators(), validators(), more).prop_map(|(first, second, (lines, others))| Case {
        first,
        second: second
            .into_iter()
            .chain(lines.into_iter().map(|line| ("cache-control", line)))
            .chain(others)
            .collect(),
    })
}

fn response(status: u16, headers: &[(&'static str, String)]) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response
        .body(if status == 304 {
            Body::empty()
        } else {
            Body::from("page")
        })
        .unwrap()
}

/// The rest of the freshness of the page after a 304, if it was renewed and stored.
fn renewed(case: &Case) -> Option<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let answered = case.clone();
        let site = Site::start(&without_expiry().revalidate(KEEP), move |request: Request| {
            let headers = request.headers();
            let is_asked = headers.contains_key("if-none-match") || headers.contains_key("if-modified-since");
            let response = if is_asked {
                response(304, &answered.second)
            } else {
                response(
                    200,
                    &[&[("cache-control", "max-age=1".to_owned())], &answered.first[..]].concat(),
                )
            };
            async move { response }
        })
        .await;
        site.get("/", &[]).await;
        wait(1.5);
        let second = site.get("/", &[]).await;
        assert_eq!((second.status, second.body.as_str()), (200, "page"));
        let hit = site.get("/", &[]).await;
        let was_renewed = second.cache_status().contains("fwd-status=304");
        let ttl = hit
            .cache_status()
            .strip_prefix("ring-cache; hit; ttl=")?
            .parse::<u64>()
            .ok();
        ttl.filter(|_| was_renewed)
    })
}

/// The same of the other implementation.
fn allowed(case: &Case) -> Option<u64> {
    let now = SystemTime::now();
    let request = axum::http::Request::get("/")
        .header("host", "example.com")
        .body(Body::empty())
        .unwrap();
    let first = [&[("cache-control", "max-age=1".to_owned())], &case.first[..]].concat();
    let policy = CachePolicy::new_options(&request, &response(200, &first), now, options());
    let lower = |(name, value): &(&'static str, String)| {
        (
            *name,
            if *name == "cache-control" {
                value.to_lowercase()
            } else {
                value.clone()
            },
        )
    };
    let mut second: Vec<_> = case.second.iter().map(lower).collect();
    // It adds no header that was not there: the other rules are those of a whole response.
    if !second.iter().any(|(name, _)| *name == "cache-control") {
        second.push(("cache-control", "max-age=1".to_owned()));
    }
    let is_named = case
        .second
        .iter()
        .any(|(name, _)| ["etag", "last-modified"].contains(name));
    let is_about_it = match policy.after_response(&request, &response(304, &second), now) {
        AfterResponse::NotModified(..) => true,
        AfterResponse::Modified(..) => !is_named,
    };
    let policy = CachePolicy::new_options(&request, &response(200, &second), now, options());
    let ttl = policy.time_to_live(now).as_secs();
    (is_about_it && policy.is_storable() && ttl > 0).then_some(ttl)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn h4_no_page_is_renewed_that_rfc_9111_does_not_allow_to(case in case()) {
        // Asked first: what ends at a fixed time is allowed for less and less.
        let allowed = allowed(&case);
        if let Some(ttl) = renewed(&case) {
            prop_assert!(allowed.is_some_and(|allowed| ttl <= allowed), "renewed for {ttl}, allowed {allowed:?}: {case:?}");
        }
    }
}
