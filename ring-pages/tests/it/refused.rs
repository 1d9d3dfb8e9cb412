//! H2: what is never stored, and never given to others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::site::{Site, answer, pages};

/// Whether a second request gets the first one's response.
async fn is_shared(
    response: &[(&'static str, &'static str)],
    first: &[(&str, &str)],
    second: &[(&str, &str)],
) -> bool {
    let headers: &'static [(&str, &str)] = response.to_vec().leak();
    let site = Site::counting(&pages(), headers).await;
    assert_eq!(site.get("/", first).await.body, "1");
    site.get("/", second).await.body == "1"
}

#[tokio::test]
async fn h2_responses_for_one_client_are_never_stored() {
    assert!(is_shared(&[], &[], &[]).await, "the default");
    for headers in [
        &[("set-cookie", "id=1")][..],
        &[("Set-Cookie", "id=1"), ("cache-control", "public, max-age=60")],
        &[("set-cookie2", "id=1")],
        &[("cache-control", "private")],
        &[("cache-control", "PRIVATE")],
        &[("cache-control", "max-age=60,Private")],
        &[("cache-control", "public"), ("cache-control", "private")],
        &[
            ("cache-control", "max-age=60"),
            ("cache-control", " \tno-store\t "),
        ],
        &[("cache-control", "public, private=\"x-user\"")],
        &[("cache-control", "private = \"a, b\" , max-age=60")],
        &[("cache-control", "No-Store")],
        &[("cache-control", "no-cache")],
        &[("cache-control", "no-cache=\"set-cookie\", max-age=60")],
        &[("cache-control", "no-cache=set-cookie, max-age=60")],
        &[("cache-control", ",,no-cache,,")],
        &[("cache-control", "max-age=60; private")],
        &[("cache-control", "max-age=60, x=\"private")],
        &[("cache-control", "max-age=60 private")],
        &[("pragma", "no-cache")],
        &[("content-range", "bytes 0-1/2")],
        &[
            (":status", "206"),
            ("content-range", "bytes 0-1/2"),
            ("cache-control", "max-age=60"),
        ],
        &[(":status", "206"), ("cache-control", "max-age=60")],
        &[(":status", "500"), ("cache-control", "max-age=60")],
        &[(":status", "404")],
        &[(":status", "302"), ("location", "/login")],
        &[("trailer", "x-sum")],
    ] {
        assert!(!is_shared(headers, &[], &[]).await, "{headers:?}");
    }
}

#[tokio::test]
async fn h2_what_is_no_directive_of_the_kind_does_not_matter() {
    for headers in [
        &[("cache-control", "public, max-age=60, x=\"private, no-store\"")][..],
        &[("cache-control", "x-private, max-age=60")],
        &[("cache-control", "MAX-AGE=\"60\"")],
        &[("cache-control", "max-age=60"), ("pragma", "no-cache")],
        &[(":status", "404"), ("cache-control", "max-age=60")],
        &[
            (":status", "301"),
            ("cache-control", "s-maxage=60"),
            ("location", "/b"),
        ],
        &[
            ("content-encoding", "identity"),
            ("cache-control", "immutable, max-age=60"),
        ],
    ] {
        assert!(is_shared(headers, &[], &[]).await, "{headers:?}");
    }
}

#[tokio::test]
async fn h2_freshness_that_cannot_be_read_is_stale() {
    for headers in [
        &[("cache-control", "max-age=0")][..],
        &[("cache-control", "max-age=-1")],
        &[("cache-control", "max-age=+60")],
        &[("cache-control", "max-age=6e1")],
        &[("cache-control", "max-age=")],
        &[("cache-control", "max-age")],
        &[("cache-control", "max-age=60, max-age=61")],
        &[("cache-control", "s-maxage=0, max-age=60")],
        &[("cache-control", "s-maxage=x, max-age=60")],
        &[("cache-control", "max-age=60"), ("age", "60")],
        &[("cache-control", "max-age=60"), ("age", "99999999999999999999")],
        &[
            ("cache-control", "max-age=60"),
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ],
        &[("expires", "0")],
        &[("expires", "Sun, 06 Nov 1994 08:49:37 GMT")],
        &[
            ("expires", "Fri, 06 Nov 2099 08:49:37 GMT"),
            ("expires", "Fri, 06 Nov 2099 08:49:37 GMT"),
        ],
        &[
            ("expires", "Fri, 06 Nov 2099 08:49:37 GMT"),
            ("cache-control", "max-age=0"),
        ],
    ] {
        assert!(!is_shared(headers, &[], &[]).await, "{headers:?}");
    }
    for headers in [
        &[("cache-control", "max-age=99999999999999999999999")][..],
        &[("cache-control", "max-age=60, max-age=60")],
        &[("cache-control", "max-age=60"), ("age", "-1")],
        &[("expires", "Fri, 06 Nov 2099 08:49:37 GMT")],
        &[("expires", "0"), ("cache-control", "max-age=60")],
    ] {
        assert!(is_shared(headers, &[], &[]).await, "{headers:?}");
    }
}

const AUTHORIZATION: &[(&str, &str)] = &[("authorization", "Bearer ada")];
const COOKIE: &[(&str, &str)] = &[("cookie", "id=ada")];

#[tokio::test]
async fn h2_requests_with_credentials_are_stored_only_if_the_response_is_for_all() {
    let private: [&[(&str, &str)]; 4] = [
        &[],
        &[("cache-control", "max-age=60")],
        &[("cache-control", "max-age=60, must-revalidate")],
        &[("expires", "Fri, 06 Nov 2099 08:49:37 GMT")],
    ];
    for credentials in [AUTHORIZATION, COOKIE, &[("Authorization", "")], &[("COOKIE", "")]] {
        for headers in private {
            assert!(!is_shared(headers, credentials, &[]).await, "{headers:?}");
            assert!(!is_shared(headers, credentials, credentials).await, "{headers:?}");
            assert!(
                !is_shared(headers, &[], credentials).await,
                "{headers:?}: what others get may differ"
            );
        }
        for headers in [
            &[("cache-control", "public")][..],
            &[("cache-control", "Public, max-age=60")],
            &[("cache-control", "s-maxage=60")],
        ] {
            assert!(is_shared(headers, credentials, &[]).await, "{headers:?}");
            assert!(is_shared(headers, &[], credentials).await, "{headers:?}");
        }
    }
}

#[tokio::test]
async fn h2_a_request_with_credentials_gives_its_response_to_nobody_that_waits() {
    let site = Site::start(&pages(), async |request: Request| {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let cookie = request
            .headers()
            .get("cookie")
            .map(|value| value.to_str().unwrap().to_owned());
        answer(&[], format!("{cookie:?}"))
    })
    .await;
    let requests = (0..20).map(|number| {
        let site = site.clone();
        tokio::spawn(async move {
            let cookie = format!("id={number}");
            let headers = [("cookie", cookie.as_str())];
            let headers = if number % 2 == 0 { &headers[..] } else { &[] };
            (number, site.get("/", headers).await.body)
        })
    });
    for request in requests.collect::<Vec<_>>() {
        let (number, body) = request.await.unwrap();
        let expected = if number % 2 == 0 {
            format!("Some(\"id={number}\")")
        } else {
            "None".into()
        };
        assert_eq!(body, expected);
    }
}

#[tokio::test]
async fn h2_requests_that_a_whole_page_does_not_answer_go_to_the_application() {
    let site = Site::counting(&pages(), &[]).await;
    site.get("/", &[]).await;
    for (at, headers) in [
        &[("range", "bytes=0-1")][..],
        &[("if-match", "\"a\"")],
        &[("if-unmodified-since", "Fri, 06 Nov 2099 08:49:37 GMT")],
        &[("if-range", "\"a\"")],
        &[("upgrade", "websocket")],
        &[("cache-control", "no-store")],
        &[("cache-control", "x"), ("cache-control", "NO-STORE")],
        &[("content-length", "0"), ("range", "bytes=0-")],
    ]
    .iter()
    .enumerate()
    {
        let reply = site.get("/", headers).await;
        assert_eq!(reply.body, (at + 2).to_string(), "{headers:?}");
        assert_eq!(reply.cache_status(), "ring-cache; fwd=bypass");
    }
    assert_eq!(site.get("/", &[]).await.body, "1", "the page is as it was");
}

#[tokio::test]
async fn h2_a_get_with_a_body_neither_stores_nor_reads() {
    let site = Site::start(&pages(), async |request: Request| {
        let body = axum::body::to_bytes(request.into_body(), 100).await.unwrap();
        answer(&[], body)
    })
    .await;
    let client = reqwest::Client::new();
    let fat = client.get(site.url("/")).body("poison").send().await.unwrap();
    assert_eq!(fat.text().await.unwrap(), "poison");
    assert_eq!(site.get("/", &[]).await.body, "");
    let fat = client.get(site.url("/")).body("again").send().await.unwrap();
    assert_eq!(fat.text().await.unwrap(), "again");
}

#[tokio::test]
async fn h2_responses_over_the_bound_are_passed_on_and_not_stored() {
    for (size, is_stored) in [(900, true), (1_001, false)] {
        let site = Site::start(&pages().max_size(1_000), move |_| async move {
            answer(&[], "x".repeat(size))
        })
        .await;
        for _ in 0..2 {
            assert_eq!(site.get("/", &[]).await.body.len(), size);
        }
        assert_eq!(site.computed(), if is_stored { 1 } else { 2 });
    }
    let site = Site::start(&pages().max_size(1_000), async |_| {
        answer(&[("x-long", &"x".repeat(2_000))], "")
    })
    .await;
    site.get("/", &[]).await;
    site.get("/", &[]).await;
    assert_eq!(site.computed(), 2, "headers count");
}

#[tokio::test]
async fn h2_the_headers_of_a_connection_are_not_stored() {
    let site = Site::counting(
        &pages(),
        &[
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("keep-alive", "5"),
            ("x-kept", "1"),
        ],
    )
    .await;
    site.get("/", &[]).await;
    let hit = site.get("/", &[]).await;
    assert_eq!((hit.body.as_str(), hit.header("x-kept")), ("1", Some("1")));
    assert_eq!((hit.header("x-hop"), hit.header("keep-alive")), (None, None));
}

#[tokio::test]
async fn h2_a_changed_page_is_removed_also_by_methods_that_nobody_knows() {
    let site = Site::start(&pages(), async |request: Request| {
        match request.headers().get("x-fails") {
            Some(_) => answer(&[(":status", "500")], "no"),
            None => answer(&[], "page"),
        }
    })
    .await;
    let mut expected = 1;
    site.get("/", &[]).await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "PURGE-ALL", "get"] {
        site.ask(method, "/", &[("x-fails", "1")]).await;
        site.ask(method, "/other", &[]).await;
        site.get("/", &[]).await;
        expected += 2;
        assert_eq!(
            site.computed(),
            expected,
            "{method} failed, or was for another page"
        );
        site.ask(method, "/", &[]).await;
        site.get("/", &[]).await;
        expected += 2;
        assert_eq!(site.computed(), expected, "{method}");
    }
    for method in ["OPTIONS", "TRACE"] {
        site.ask(method, "/", &[]).await;
        site.get("/", &[]).await;
        expected += 1;
        assert_eq!(site.computed(), expected, "{method} changes nothing");
    }
}

#[tokio::test]
async fn h2_bytes_that_are_no_text_are_refused() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let site = Site::start(&pages(), move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        async {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_bytes(b"max-age=60, priv\xffate").unwrap();
            headers.insert(HeaderName::from_static("cache-control"), value);
            let mut response = axum::response::Response::new(Body::from("x"));
            *response.headers_mut() = headers;
            response
        }
    })
    .await;
    site.get("/", &[]).await;
    site.get("/", &[]).await;
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn h2_responses_with_very_many_headers_are_passed_on_and_not_stored() {
    for (count, is_stored) in [(900, true), (1_100, false), (24_000, false)] {
        let site = Site::start(&pages().max_size(10 << 20), move |_| async move {
            let mut response = answer(&[], "page");
            for number in 0..count {
                let name = HeaderName::try_from(format!("x-{number}")).unwrap();
                response.headers_mut().insert(name, HeaderValue::from_static("1"));
            }
            response
        })
        .await;
        for _ in 0..2 {
            assert_eq!(site.get("/", &[]).await.body, "page", "{count}");
        }
        assert_eq!(site.computed(), if is_stored { 1 } else { 2 }, "{count}");
    }
}
