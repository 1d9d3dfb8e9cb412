//! Who is refused: other machines, other names, other sites.

use std::net::SocketAddr;

use axum::Router;
use ring_cache::inspector::{self, Inspector};

use crate::http::Served;

#[test]
fn o7_only_names_of_this_machine_are_answered() {
    let served = Served::new(Inspector::new().allow_host("cache.example.com"));
    let port = served.address.port();
    for host in [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "Cache.Example.com",
        &format!("localhost:{port}"),
    ] {
        let reply = served.send("GET", "/", &[&format!("Host: {host}")], "");
        assert_eq!(reply.status, 200, "{host}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "cache.example.com.evil.example",
        "",
    ] {
        let reply = served.send("GET", "/", &[&format!("Host: {host}")], "");
        assert_eq!(reply.status, 403, "{host}");
        assert!(!reply.body.contains("Ring"), "nothing is told: {}", reply.body);
    }
    let two = served.send("GET", "/", &["Host: localhost", "Host: evil.example"], "");
    assert!(two.status == 403 || two.status == 400, "{two:?}");
}

/// Each page and each form, also those that do not exist.
#[test]
fn o7_requests_from_pages_of_other_sites_are_refused() {
    let served = Served::new(Inspector::new().allow_changes("secret"));
    let form = "token=secret&ring=refused&delete=x";
    for (method, path, body) in [
        ("GET", "/", ""),
        ("GET", "/ring?ring=x", ""),
        ("GET", "/figures", ""),
        ("POST", "/change", form),
        ("GET", "/none", ""),
    ] {
        for header in [
            "Sec-Fetch-Site: cross-site",
            "Sec-Fetch-Site: same-site",
            "Origin: http://evil.example",
            "Origin: null",
            "Origin: http://localhost:1",
            "Origin: http://localhost.evil.example",
        ] {
            let reply = served.ask(method, path, &[header], body);
            assert_eq!(reply.status, 403, "{method} {path} with {header}");
            assert!(reply.body.contains("another site"), "{}", reply.body);
        }
        let own = format!("Origin: http://{}", served.host());
        let reply = served.ask(method, path, &[&own, "Sec-Fetch-Site: same-origin"], body);
        assert!(!reply.body.contains("another site"), "{method} {path}: {reply:?}");
    }
}

#[test]
fn o7_what_a_proxy_passes_on_is_refused_unless_the_service_decides() {
    let headers = [
        "X-Forwarded-For: 10.0.0.1",
        "X-Real-IP: 10.0.0.1",
        "Forwarded: for=10.0.0.1",
    ];
    let (closed, open) = (
        Served::new(Inspector::new()),
        Served::new(Inspector::new().allow_any_peer()),
    );
    for header in headers {
        assert_eq!(closed.ask("GET", "/", &[header], "").status, 403, "{header}");
        assert_eq!(open.ask("GET", "/", &[header], "").status, 200, "{header}");
    }
    let other = open.send("GET", "/", &["Host: evil.example"], "");
    assert_eq!(other.status, 403, "the name is checked nonetheless");
}

#[test]
fn o7_a_router_without_peer_addresses_refuses_and_names_the_remedy() {
    let served = Served::serving(|listener| async {
        let router: Router = inspector::router();
        axum::serve(listener, router).await
    });
    let reply = served.curl("/");
    assert_eq!(reply.status, 403);
    assert!(
        reply.body.contains("into_make_service_with_connect_info"),
        "{}",
        reply.body
    );
    let open = Served::serving(|listener| async {
        let router: Router = Inspector::new().allow_any_peer().router();
        axum::serve(listener, router).await
    });
    assert_eq!(open.curl("/").status, 200);
}

/// As told by the connection, from an address that is not this machine's own.
#[test]
fn o7_other_machines_are_refused() {
    let served = Served::serving(|listener| async {
        let remote = SocketAddr::from(([10, 0, 0, 1], 1));
        let router: Router = inspector::router();
        let router = router.layer(axum::extract::connect_info::MockConnectInfo(remote));
        let router = router.layer(axum::middleware::map_request(
            move |mut request: axum::extract::Request| async move {
                request
                    .extensions_mut()
                    .insert(axum::extract::ConnectInfo(remote));
                request
            },
        ));
        axum::serve(listener, router).await
    });
    let reply = served.curl("/");
    assert_eq!(
        (reply.status, reply.body.contains("this machine only")),
        (403, true),
        "{}",
        reply.body
    );
}

#[test]
fn o7_replies_are_not_kept_embedded_or_scripted_by_others() {
    let served = Served::new(Inspector::new());
    for path in ["/", "/ring?ring=none", "/figures", "/none"] {
        let reply = served.browse(path);
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("x-frame-options"), Some("DENY"), "{path}");
        let policy = reply.header("content-security-policy").expect(path);
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    let nonce = |reply: &str| {
        reply
            .split("script-src 'nonce-")
            .nth(1)
            .map(|rest| rest[..32].to_owned())
    };
    let nonces = [nonce(&served.browse("/").head), nonce(&served.browse("/").head)];
    assert!(
        nonces[0].is_some() && nonces[0] != nonces[1],
        "each page has one of its own: {nonces:?}"
    );
}
