//! What is shown: as text, as HTML, as JSON, below any path.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use ring_cache::inspector::{self, Inspector};
use ring_cache::{Lru, Redis};
use serde_json::Value;

use crate::http::Served;
use crate::rings::{Articles, Users, as_text, nested, read_only, shown};

#[test]
fn o7_curl_gets_text() {
    as_text("one".into());
    as_text("one".into());
    let served = Served::new(Inspector::new());
    let reply = served.curl("/");
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    let line = reply
        .body
        .lines()
        .find(|line| line.starts_with("as-text "))
        .expect("the ring");
    assert!(line.contains("50 %") && line.contains("Lru<String>"), "{line}");
    let ring = served.curl("/ring?ring=as-text");
    assert!(
        ring.body.lines().any(|line| line == "as-text:one  no expiry"),
        "{}",
        ring.body
    );
    assert!(!ring.body.contains('<') || ring.body.contains("Lru<String>"));
}

#[test]
fn o7_browsers_get_a_page_and_programs_figures() {
    shown("two".into());
    let served = Served::new(Inspector::new());
    let page = served.browse("/");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.body.contains("href=\"/ring?ring=shown\""), "{}", page.body);
    assert!(
        !page.body.contains("http://") && !page.body.contains("https://"),
        "nothing from elsewhere"
    );
    let figures: Value = serde_json::from_str(&served.curl("/figures").body).expect("JSON");
    let rings = figures["rings"].as_array().expect("rings");
    let ring = rings
        .iter()
        .find(|ring| ring["ring"] == "shown")
        .expect("the ring");
    assert!(
        ring["stats"]["misses"].as_u64() >= Some(1) && ring["capacity"] == 128,
        "{ring}"
    );
}

#[test]
fn o7_the_page_can_be_below_any_path() {
    nested("one".into());
    let served = Served::serving(|listener| async {
        let app: Router = Router::new()
            .route("/", get(async || "the service"))
            .nest("/admin/cache", inspector::router());
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).await
    });
    assert_eq!(served.curl("/").body, "the service");
    let page = served.browse("/admin/cache");
    assert!(
        page.body.contains("href=\"/admin/cache/ring?ring=nested\""),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("data-figures=\"/admin/cache/figures\""),
        "{}",
        page.body
    );
    let ring = served.browse("/admin/cache/ring?ring=nested");
    assert!(
        ring.body.contains("nested:one") && ring.body.contains("href=\"/admin/cache\""),
        "{}",
        ring.body
    );
    assert_eq!(served.curl("/admin/cache/none").status, 404);
}

#[test]
fn o7_without_a_token_there_are_no_buttons() {
    read_only("one".into());
    let page = Served::new(Inspector::new()).browse("/ring?ring=read-only");
    assert!(
        page.body.contains("read-only:one") && page.body.contains("Read-only"),
        "{}",
        page.body
    );
    assert!(
        !page.body.contains("<form") && !page.body.contains("name=\"delete\""),
        "{}",
        page.body
    );
    let empty = Served::new(Inspector::new().allow_changes("")).browse("/ring?ring=read-only");
    assert!(!empty.body.contains("<form"), "an empty token is none");
}

#[test]
fn o7_a_service_that_owns_its_storage_is_a_row_of_its_own_with_its_keys() {
    let users = [1, 2].map(|_| {
        Arc::new(Users {
            cache: Lru::new(10).inspectable(),
        })
    });
    users.iter().for_each(ring_cache::watch);
    users[0].user(1);
    users[1].user(2);
    let served = Served::new(Inspector::new());
    let page = served.browse("/").body;
    let links: Vec<&str> = page
        .split("href=\"")
        .filter(|link| link.starts_with("/ring?ring=users&amp;"))
        .collect();
    assert_eq!(links.len(), 2, "{page}");
    let keys = links.iter().map(|link| {
        let link = link.split('"').next().unwrap_or_default().replace("&amp;", "&");
        let ring = served.curl(&link).body;
        (ring.contains("users:Users:1"), ring.contains("users:Users:2"))
    });
    let keys: Vec<_> = keys.collect();
    assert!(
        keys == [(true, false), (false, true)] || keys == [(false, true), (true, false)],
        "{keys:?}"
    );
}

#[test]
fn o7_a_ring_that_was_not_used_is_not_found() {
    let served = Served::new(Inspector::new());
    for path in ["/ring?ring=none", "/ring", "/ring?ring=", "/ring?storage=1"] {
        assert_eq!(
            (served.browse(path).status, served.curl(path).status),
            (404, 404),
            "{path}"
        );
    }
    shown("three".into());
    for query in [
        "storage=999999",
        "storage=-1",
        "from=nonsense",
        "done=%3Cscript%3E",
        "ring=shown",
    ] {
        let page = served.browse(&format!("/ring?ring=shown&{query}"));
        assert_eq!(page.status, 200, "{query}");
        assert!(!page.body.contains("<script>"), "{query}");
    }
}

/// A server that accepts and never answers: the request for its keys waits, and others do not.
#[test]
fn o7_a_storage_that_hangs_blocks_no_other_request() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let articles = Articles(Redis::open(url).unwrap().deadline(Duration::from_millis(50)));
    articles.article(1);
    let served = Served::new(Inspector::new());
    thread::scope(|scope| {
        // More than storages are asked at a time.
        let ask = || scope.spawn(|| served.curl("/ring?ring=articles"));
        let slow: Vec<_> = (0..6).map(|_| ask()).collect();
        let mut answers = 0;
        while !slow.iter().any(|slow| slow.is_finished()) {
            assert_eq!(served.curl("/").status, 200);
            assert_eq!(served.curl("/figures").status, 200);
            answers += 1;
        }
        assert!(answers > 3, "{answers} answers while others waited");
        for slow in slow {
            let reply = slow.join().unwrap();
            assert!(
                reply.body.contains("redis") && reply.status == 200,
                "{}",
                reply.body
            );
        }
    });
    drop(silent);
}
