//! H4: validators, 304, `Age` and `Cache-Status`.

use crate::site::{Site, answer, pages, wait};

const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

#[tokio::test]
async fn h4_the_application_s_own_tag_answers_conditions() {
    let site = Site::counting(
        &pages(),
        &[
            ("etag", "\"a,b\""),
            ("content-type", "text/html"),
            ("last-modified", MODIFIED),
            ("cache-control", "max-age=60"),
            ("vary", "accept"),
            ("x-other", "1"),
        ],
    )
    .await;
    for (tags, expected) in [
        ("\"a,b\"", 304),
        ("W/\"a,b\"", 304),
        ("\"x\", \"a,b\"", 304),
        ("*", 304),
        ("\"a\", \"b\"", 200),
        ("a,b", 200),
        ("", 200),
        ("\"A,B\"", 200),
    ] {
        let reply = site.get("/", &[("if-none-match", tags)]).await;
        assert_eq!(reply.status, expected, "{tags}");
        assert_eq!(reply.body, if expected == 304 { "" } else { "1" }, "{tags}");
    }
    let reply = site
        .get("/", &[("if-none-match", "\"x\""), ("if-none-match", "\"a,b\"")])
        .await;
    assert_eq!(reply.status, 304, "several lines");
    assert_eq!(site.computed(), 1);
    for (name, value) in [
        ("etag", "\"a,b\""),
        ("cache-control", "max-age=60"),
        ("vary", "accept"),
        ("last-modified", MODIFIED),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    for name in ["content-type", "content-length", "x-other"] {
        assert_eq!(reply.header(name), None, "{name}");
    }
    assert!(reply.header("date").is_some() && reply.header("age").is_some());
    assert!(reply.cache_status().starts_with("ring-cache; hit"), "{reply:?}");
}

#[tokio::test]
async fn h4_a_page_without_a_tag_gets_one_of_its_bytes() {
    let site = Site::start(&pages(), async |request: axum::extract::Request| {
        answer(
            &[("content-type", "text/html")],
            request.uri().path().len().to_string(),
        )
    })
    .await;
    site.get("/aa", &[]).await;
    let tag = site.get("/aa", &[]).await.header("etag").unwrap().to_owned();
    assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
    assert_eq!(site.get("/aa", &[("if-none-match", &tag)]).await.status, 304);
    assert_eq!(
        site.get("/bb", &[("if-none-match", &tag)]).await.status,
        304,
        "also the first time"
    );
    assert_eq!(site.computed(), 2);
    assert_eq!(site.get("/ccc", &[("if-none-match", &tag)]).await.status, 200);
    let hits = [("/bb", 304), ("/ccc", 200)];
    for (path, expected) in hits {
        assert_eq!(site.get(path, &[("if-none-match", &tag)]).await.status, expected);
    }
    assert_eq!(site.computed(), 3, "a condition keeps no page from being stored");
}

#[tokio::test]
async fn h4_if_modified_since_compares_dates() {
    let site = Site::counting(&pages(), &[("last-modified", MODIFIED)]).await;
    for (since, expected) in [
        (MODIFIED, 304),
        ("Sun, 06 Nov 1994 08:49:36 GMT", 200),
        ("Fri, 06 Nov 2099 08:49:37 GMT", 304),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 304),
        ("yesterday", 200),
        ("0", 200),
    ] {
        assert_eq!(
            site.get("/", &[("if-modified-since", since)]).await.status,
            expected,
            "{since}"
        );
    }
    let both = [("if-modified-since", MODIFIED), ("if-none-match", "\"x\"")];
    assert_eq!(
        site.get("/", &both).await.status,
        200,
        "a tag says more than a date"
    );
    assert_eq!(site.computed(), 1);
}

#[tokio::test]
async fn h4_a_condition_on_a_response_that_is_not_stored_is_answered_too() {
    let site = Site::counting(&pages(), &[("etag", "\"a\""), ("cache-control", "private")]).await;
    for _ in 0..2 {
        assert_eq!(site.get("/", &[("if-none-match", "\"a\"")]).await.status, 304);
    }
    assert_eq!(site.computed(), 2);
}

#[tokio::test]
async fn h4_other_statuses_than_200_are_no_match() {
    let site = Site::counting(
        &pages(),
        &[
            (":status", "404"),
            ("etag", "\"a\""),
            ("cache-control", "max-age=60"),
        ],
    )
    .await;
    for _ in 0..2 {
        assert_eq!(site.get("/", &[("if-none-match", "*")]).await.status, 404);
    }
    assert_eq!(site.computed(), 1);
}

#[tokio::test]
async fn h4_age_is_that_of_the_response_and_the_date_stays() {
    let site = Site::counting(&pages(), &[("cache-control", "max-age=60"), ("age", "10")]).await;
    let first = site.get("/", &[]).await;
    wait(1.0);
    let hit = site.get("/", &[]).await;
    assert_eq!(hit.header("age"), Some("11"));
    assert_eq!(hit.header("date"), first.header("date"));
    assert_eq!(hit.cache_status(), "ring-cache; hit; ttl=48");
}

#[tokio::test]
async fn h4_cache_status_says_what_the_cache_did() {
    let site = Site::counting(&pages(), &[("cache-status", "Inner; hit")]).await;
    let status = async |headers: &[(&str, &str)]| {
        let reply = site.get("/", headers).await;
        assert_eq!(reply.cache_status(), "Inner; hit");
        reply
    };
    let miss = status(&[]).await;
    assert!(
        format!("{miss:?}").contains("ring-cache; fwd=uri-miss"),
        "after that of the caches behind it"
    );
    let hit = status(&[]).await;
    assert!(format!("{hit:?}").contains("ring-cache; hit; ttl=5"), "{hit:?}");
    let request = status(&[("cache-control", "no-cache")]).await;
    assert!(
        format!("{request:?}").contains("ring-cache; fwd=request"),
        "{request:?}"
    );
    assert_eq!(site.ask("POST", "/", &[]).await.cache_status(), "Inner; hit");
    let site = Site::counting(&pages().cache_status(false), &[]).await;
    assert_eq!(site.get("/", &[]).await.header("cache-status"), None);
}

#[tokio::test]
async fn h4_empty_and_bodiless_pages_are_stored() {
    for (status, body) in [("200", ""), ("204", "")] {
        let headers: &'static [(&str, &str)] =
            vec![(":status", status), ("cache-control", "max-age=60")].leak();
        let site = Site::start(&pages(), move |_| async move { answer(headers, body) }).await;
        for _ in 0..2 {
            let reply = site.get("/", &[]).await;
            assert_eq!(
                (reply.status.to_string().as_str(), reply.body.as_str()),
                (status, "")
            );
        }
        assert_eq!(site.computed(), 1, "{status}");
    }
}
