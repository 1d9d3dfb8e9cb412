//! H1: the key of a page.

use axum::Router;
use axum::extract::{OriginalUri, Request};
use axum::routing::get;

use crate::site::{Site, answer, pages};

async fn echo(request: Request) -> axum::response::Response {
    let accept = request
        .headers()
        .get("accept")
        .map(|value| value.to_str().unwrap().to_owned());
    answer(
        &[("vary", " Accept ,accept")],
        format!("{} {accept:?}", request.uri()),
    )
}

#[tokio::test]
async fn h1_the_key_is_host_path_and_the_whole_query() {
    let site = Site::counting(&pages(), &[]).await;
    let paths = [
        "/a",
        "/a/",
        "/A",
        "/a?",
        "/a?x=1&y=2",
        "/a?y=2&x=1",
        "/a?x=1",
        "//a",
        "/./a",
        "/%61",
        "/a;x",
        "/a?x=%31",
    ];
    for (at, path) in paths.iter().enumerate() {
        assert_eq!(site.get(path, &[]).await.body, (at + 1).to_string(), "{path}");
    }
    for (at, path) in paths.iter().enumerate() {
        assert_eq!(
            site.get(path, &[]).await.body,
            (at + 1).to_string(),
            "{path} again"
        );
    }
    assert_eq!(site.get("/a", &[("host", "other.example")]).await.body, "13");
    assert_eq!(
        site.get("/a", &[("host", "OTHER.Example")]).await.body,
        "13",
        "any case"
    );
    assert_eq!(
        site.get("/a", &[("host", "other.example:8080")]).await.body,
        "14",
        "a port"
    );
    for uri in ["http://other.example/a", "http://Other.EXAMPLE/a"] {
        let reply = site.get(uri, &[("host", "other.example")]).await;
        assert_eq!(reply.body, "13", "{uri}");
    }
}

#[tokio::test]
async fn h1_a_request_with_two_hosts_is_not_cached() {
    let site = Site::counting(&pages(), &[]).await;
    for expected in ["1", "2"] {
        let reply = site.get("http://one.example/a", &[("host", "two.example")]).await;
        assert_eq!(
            (reply.body.as_str(), reply.cache_status()),
            (expected, "ring-cache; fwd=bypass")
        );
    }
    let site = Site::counting(&pages(), &[]).await;
    for expected in ["1", "2"] {
        let reply = site
            .get("/a", &[("host", "one.example"), ("host", "two.example")])
            .await;
        assert!(reply.status == 400 || reply.body == expected, "{reply:?}");
    }
}

#[tokio::test]
async fn h1_head_is_served_from_get() {
    let site = Site::counting(&pages(), &[("x-mine", "1")]).await;
    let head = site.ask("HEAD", "/a", &[]).await;
    assert_eq!(
        (head.status, head.cache_status()),
        (200, "ring-cache; fwd=uri-miss")
    );
    assert_eq!(site.get("/a", &[]).await.body, "2", "a HEAD stores nothing");
    let head = site.ask("HEAD", "/a", &[]).await;
    assert_eq!(site.computed(), 2);
    assert_eq!(
        (head.status, head.body.as_str(), head.header("x-mine")),
        (200, "", Some("1"))
    );
    assert_eq!(head.header("content-length"), Some("1"));
    assert!(
        head.cache_status().starts_with("ring-cache; hit; ttl="),
        "{head:?}"
    );
}

#[tokio::test]
async fn h1_a_page_varies_by_the_headers_that_its_vary_names() {
    let site = Site::start(&pages(), echo).await;
    for _ in 0..2 {
        assert_eq!(site.get("/", &[("accept", "a")]).await.body, r#"/ Some("a")"#);
        assert_eq!(site.get("/", &[("accept", "b")]).await.body, r#"/ Some("b")"#);
        assert_eq!(site.get("/", &[("accept", "A")]).await.body, r#"/ Some("A")"#);
        assert_eq!(site.get("/", &[("x-other", "1")]).await.body, "/ None");
        assert_eq!(site.get("/", &[("accept", "")]).await.body, r#"/ Some("")"#);
    }
    assert_eq!(site.computed(), 5);
    assert_eq!(site.get("/", &[("accept", "  a\t")]).await.body, r#"/ Some("a")"#);
    assert_eq!(site.computed(), 5, "whitespace is no difference");
    assert_eq!(
        site.get("/", &[("accept", "c")]).await.cache_status(),
        "ring-cache; fwd=vary-miss"
    );
}

#[tokio::test]
async fn h1_values_of_several_lines_are_not_those_of_one_that_looks_alike() {
    let site = Site::start(&pages(), echo).await;
    let several = [("accept", "a"), ("accept", "b")];
    site.get("/", &several).await;
    site.get("/", &several).await;
    assert_eq!(site.computed(), 1);
    for (at, one) in ["a, b", "\"a, b\"", "a", "a,b"].iter().enumerate() {
        site.get("/", &[("accept", one)]).await;
        assert_eq!(
            site.computed(),
            at + 2,
            "an application may look at the first line only: {one}"
        );
    }
}

#[tokio::test]
async fn h1_vary_star_is_never_stored() {
    for vary in ["*", " * ", "accept, *", "Accept ,*, accept"] {
        let headers: &'static [(&str, &str)] = vec![("vary", vary)].leak();
        let site = Site::counting(&pages(), headers).await;
        assert_eq!(site.get("/", &[]).await.body, "1");
        assert_eq!(site.get("/", &[]).await.body, "2", "{vary}");
    }
}

#[tokio::test]
async fn h1_a_page_that_begins_to_vary_by_more_is_learned_anew() {
    let site = Site::start(&pages(), async |request: Request| {
        let get = |name| {
            request
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let vary = if get("accept").as_deref() == Some("json") {
            "accept, x-user"
        } else {
            "accept"
        };
        answer(
            &[("vary", vary)],
            format!("{:?} {:?}", get("accept"), get("x-user")),
        )
    })
    .await;
    site.get("/", &[("accept", "html"), ("x-user", "1")]).await;
    for user in ["1", "2", "1", "2"] {
        let reply = site.get("/", &[("accept", "json"), ("x-user", user)]).await;
        assert_eq!(reply.body, format!("Some(\"json\") Some(\"{user}\")"));
    }
}

/// Two nested routers with a layer inside of each, which see `/x` for `/a/x` and `/b/x`.
#[tokio::test]
async fn h1_the_uri_of_the_client_is_the_key_also_inside_of_nested_routers() {
    let pages = pages().uri_by(|_, extensions| extensions.get::<OriginalUri>().map(|uri| uri.0.clone()));
    let inner = |name: &'static str| {
        Router::new()
            .route("/x", get(async move || name))
            .layer(pages.layer())
    };
    let app: Router = Router::new().nest("/a", inner("a")).nest("/b", inner("b"));
    for _ in 0..2 {
        for (uri, expected) in [("http://example.com/a/x", "a"), ("http://example.com/b/x", "b")] {
            let updated = pages.ring(uri).update(app.clone()).await.unwrap();
            assert_eq!(updated.body().as_ref(), expected.as_bytes());
            let stored = pages.ring(uri).get().await.unwrap().unwrap().response().unwrap();
            assert_eq!(stored.body().as_ref(), expected.as_bytes());
        }
    }
}
