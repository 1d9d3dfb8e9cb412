//! H1 and H2 against clients that try to choose what others get.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use tower_service::Service;

use crate::site::{Reply, Site, answer, pages};

/// Whether a victim's request gets what an attacker's request made.
async fn is_poisoned(site: &Site, attack: (&str, &[(&str, &str)]), victim: (&str, &[(&str, &str)])) -> bool {
    let computed = site.computed();
    site.get(attack.0, attack.1).await;
    let reply = site.get(victim.0, victim.1).await;
    assert!(reply.status == 200, "{reply:?}");
    site.computed() == computed + 1
}

const HOST: &[(&str, &str)] = &[("host", "victim.example")];

#[tokio::test]
async fn h1_uris_that_say_more_than_host_path_and_query_are_not_cached() {
    let site = Site::counting(&pages(), &[]).await;
    for uri in [
        "http://evil@victim.example/userinfo",
        "http://evil:secret@victim.example/userinfo",
        "ftp://victim.example/userinfo",
        "javascript://victim.example/userinfo",
    ] {
        assert!(
            !is_poisoned(&site, (uri, HOST), ("/userinfo", HOST)).await,
            "{uri}"
        );
        site.ask("POST", "/userinfo", HOST).await;
    }
    for host in [
        "evil@victim.example",
        "victim.example/evil",
        "victim.example?",
        "victim.example#",
        "victim example",
    ] {
        let attack = site.get("/host", &[("host", host)]).await;
        assert!(
            attack.status == 400 || !attack.cache_status().contains("hit"),
            "{attack:?}"
        );
        let victim = site.get("/host", HOST).await;
        assert_ne!(victim.body, attack.body, "{host}");
    }
}

/// The request as it reaches the layer by HTTP/2: the host lies in the URI, and may lie in a header too.
#[tokio::test]
async fn h1_an_authority_and_a_host_that_differ_are_not_cached() {
    let site = Site::counting(&pages(), &[]).await;
    let ask = async |uri: &str, hosts: &[&str]| -> Response {
        let mut request = Request::builder().uri(uri);
        for host in hosts {
            request = request.header("host", *host);
        }
        site.app
            .clone()
            .call(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    };
    for (uri, hosts) in [
        ("https://victim.example/", &["evil.example"][..]),
        ("https://victim.example/", &["victim.example", "evil.example"]),
        ("https://evil.example/", &["victim.example"]),
        ("/", &["victim.example", "victim.example"]),
    ] {
        let response = ask(uri, hosts).await;
        let status = &response.headers()["cache-status"];
        assert_eq!(status, "ring-cache; fwd=bypass", "{uri} {hosts:?}");
    }
    let response = ask("https://Victim.Example/", &["victim.example"]).await;
    assert_eq!(response.headers()["cache-status"], "ring-cache; fwd=uri-miss");
}

/// A site that looks at the first line of a header, as it is.
async fn by_country() -> Site {
    Site::start(&pages(), async |request: Request| {
        let country = request.headers().get("x-country");
        let country = country.map_or("none", |value| value.to_str().unwrap_or("odd"));
        answer(&[("vary", "x-country")], format!("for {country:?}"))
    })
    .await
}

#[tokio::test]
async fn h1_values_that_an_application_can_tell_apart_are_not_one() {
    let countries: [&[&str]; 12] = [
        &["de"],
        &[",de"],
        &["de,"],
        &["de,,"],
        &["DE"],
        &["de, at"],
        &["de,at"],
        &["de", "at"],
        &["de ,at"],
        &["\"de", "at"],
        &["\"de,at"],
        &[""],
    ];
    let site = by_country().await;
    let headers = countries.map(|lines| lines.iter().map(|line| ("x-country", *line)).collect::<Vec<_>>());
    for headers in headers.iter().chain(&headers) {
        let expected = format!("for {:?}", headers[0].1);
        assert_eq!(site.get("/", headers).await.body, expected, "{headers:?}");
    }
    assert_eq!(site.get("/", &[]).await.body, "for \"none\"");
    assert_eq!(site.computed(), countries.len() + 1);
}

#[tokio::test]
async fn h2_a_page_that_varies_by_cookie_is_one_for_each_cookie_or_for_those_without() {
    for control in ["max-age=60", "public, max-age=60"] {
        let site = Site::start(&pages(), move |request: Request| async move {
            let cookie = request.headers().get("cookie");
            let cookie = cookie.map(|cookie| cookie.to_str().unwrap().to_owned());
            answer(
                &[("vary", "Cookie"), ("cache-control", control)],
                format!("{cookie:?}"),
            )
        })
        .await;
        for _ in 0..2 {
            assert_eq!(site.get("/", &[]).await.body, "None", "{control}");
            for cookie in ["id=1", "id=2", "id=1; a=b"] {
                let reply = site.get("/", &[("cookie", cookie)]).await;
                assert_eq!(reply.body, format!("Some({cookie:?})"), "{control}");
            }
        }
    }
}

#[tokio::test]
async fn h2_codings_are_variants_and_their_bytes_stay() {
    let site = Site::start(&pages(), async |request: Request| {
        let accepts = request.headers().get("accept-encoding");
        let accepts = accepts.is_some_and(|value| value.to_str().unwrap().contains("gzip"));
        let headers: &[(&str, &str)] = if accepts {
            &[
                ("content-encoding", "gzip"),
                ("vary", "accept-encoding"),
                ("etag", "\"gzip\""),
            ]
        } else {
            &[("vary", "accept-encoding"), ("etag", "\"plain\"")]
        };
        answer(headers, if accepts { "zipped" } else { "plain" })
    })
    .await;
    let gzip = [("accept-encoding", "gzip")];
    for _ in 0..2 {
        let zipped = site.get("/", &gzip).await;
        assert_eq!(
            (zipped.body.as_str(), zipped.header("content-encoding")),
            ("zipped", Some("gzip"))
        );
        let plain = site.get("/", &[]).await;
        assert_eq!(
            (plain.body.as_str(), plain.header("content-encoding")),
            ("plain", None)
        );
        let crossed = site.get("/", &[("if-none-match", "\"gzip\"")]).await;
        assert_eq!((crossed.status, crossed.body.as_str()), (200, "plain"));
    }
    assert_eq!(site.computed(), 2);
}

#[tokio::test]
async fn h2_lengths_that_contradict_each_other_are_not_stored() {
    for lengths in [
        &["4", "4"][..],
        &["4", "5"],
        &["4, 4"],
        &["+4"],
        &["0x4"],
        &["-1"],
        &[""],
    ] {
        let site = Site::start(&pages(), move |_| async move {
            let mut response = answer(&[], "page");
            for length in lengths {
                response
                    .headers_mut()
                    .append("content-length", length.parse().unwrap());
            }
            response
        })
        .await;
        for _ in 0..2 {
            let request = Request::builder()
                .uri("http://victim.example/")
                .body(Body::empty());
            let response = site.app.clone().call(request.unwrap()).await.unwrap();
            let _ = axum::body::to_bytes(response.into_body(), 100).await;
        }
        assert_eq!(site.computed(), 2, "{lengths:?}");
    }
}

/// An error that a malformed request causes is not stored for others, unless it states its freshness.
#[tokio::test]
async fn h2_errors_that_a_client_can_cause_are_not_stored() {
    for status in [
        "400", "401", "403", "404", "405", "407", "408", "411", "413", "414", "416", "421", "426", "429",
        "431", "500", "501", "502", "503", "505",
    ] {
        let site = Site::start(&pages(), move |request: Request| async move {
            let is_odd = request.headers().contains_key("x-odd");
            answer(&[(":status", if is_odd { status } else { "200" })], "x")
        })
        .await;
        let odd: Reply = site.get("/", &[("x-odd", "1")]).await;
        assert_eq!(odd.status.to_string(), status);
        assert_eq!(site.get("/", &[]).await.status, 200, "{status}");
    }
}

#[tokio::test]
async fn h4_a_tag_is_no_quoted_string() {
    let site = Site::counting(&pages(), &[("etag", "\"a\\\"")]).await;
    for tags in ["\"a\\\"", "\"x\", \"a\\\"", "\"a\\\", \"x\"", "W/\"a\\\",\"b,c\""] {
        assert_eq!(
            site.get("/", &[("if-none-match", tags)]).await.status,
            304,
            "{tags}"
        );
    }
    for tags in ["\"a\"", "\"a\\\"\"", "a\\"] {
        assert_eq!(
            site.get("/", &[("if-none-match", tags)]).await.status,
            200,
            "{tags}"
        );
    }
}

#[tokio::test]
async fn h2_a_client_can_neither_name_tags_nor_mark_an_update() {
    let site = Site::counting(&pages(), &[]).await;
    site.get("/", &[]).await;
    for (name, value) in [
        ("cache-tag", "a"),
        ("surrogate-key", "a"),
        ("x-update", "1"),
        ("update", "1"),
        ("tags", "a"),
    ] {
        assert_eq!(site.get("/", &[(name, value)]).await.body, "1", "{name}");
    }
}
