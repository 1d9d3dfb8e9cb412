//! RFC 9111 as another implementation reads it.

use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{Request, Response};
use http_cache_semantics::{CacheOptions, CachePolicy};
use proptest::prelude::*;
use ring_cache::Lru;
use ring_cache::pages::Pages;
use tower_service::Service;

/// Members of `Cache-Control`, as servers and those that spoil them write it.
fn directive() -> impl Strategy<Value = String> {
    let seconds = prop_oneof![
        Just("0".to_owned()),
        Just("60".to_owned()),
        Just("5".to_owned()),
        Just("2147483647".to_owned()),
        Just("-1".to_owned()),
        Just("x".to_owned()),
        Just("\"60\"".to_owned()),
    ];
    let names = prop::sample::select(vec![
        "max-age",
        "s-maxage",
        "Max-Age",
        "stale-if-error",
        "stale-while-revalidate",
    ]);
    let words = prop::sample::select(vec![
        "public",
        "private",
        "no-store",
        "no-cache",
        "must-revalidate",
        "PUBLIC",
        "Private",
        "No-Store",
        "private=\"set-cookie\"",
        "no-cache=\"a, b\"",
        "immutable",
        "x=\"no-store\"",
        "",
    ]);
    prop_oneof![
        (names, seconds).prop_map(|(name, seconds)| format!("{name}={seconds}")),
        words.prop_map(str::to_owned),
    ]
}

pub(crate) fn line() -> impl Strategy<Value = String> {
    let separator = prop::sample::select(vec![",", ", ", " ,\t"]);
    (prop::collection::vec(directive(), 0..4), separator).prop_map(|(all, separator)| all.join(separator))
}

pub(crate) fn other() -> impl Strategy<Value = (&'static str, String)> {
    let date = |seconds: i64| {
        let now = SystemTime::now();
        let by = Duration::from_secs(seconds.unsigned_abs());
        httpdate(if seconds < 0 { now - by } else { now + by })
    };
    prop_oneof![
        prop::sample::select(vec![-3_600_i64, -5, 30, 3_600])
            .prop_map(move |seconds| ("expires", date(seconds))),
        Just(("expires", "0".to_owned())),
        prop::sample::select(vec![-3_600_i64, -5, 0]).prop_map(move |seconds| ("date", date(seconds))),
        prop::sample::select(vec!["0", "10", "100", "x"]).prop_map(|age| ("age", age.to_owned())),
        Just(("vary", "accept".to_owned())),
        Just(("vary", "*".to_owned())),
        Just(("set-cookie", "a=b".to_owned())),
        Just(("pragma", "no-cache".to_owned())),
    ]
}

fn httpdate(at: SystemTime) -> String {
    httpdate::fmt_http_date(at)
}

#[derive(Clone, Debug)]
struct Case {
    status: u16,
    control: Vec<String>,
    others: Vec<(&'static str, String)>,
    authorized: bool,
}

fn case() -> impl Strategy<Value = Case> {
    (
        prop::sample::select(vec![200, 200, 200, 203, 204, 206, 301, 302, 404, 410, 500, 503]),
        prop::collection::vec(line(), 0..3),
        prop::collection::vec(other(), 0..3),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(status, control, others, authorized)| Case {
            status,
            control,
            others,
            authorized,
        })
}

impl Case {
    fn request(&self) -> Request<Body> {
        let request = Request::get("/").header("host", "example.com");
        let request = if self.authorized {
            request.header("authorization", "Bearer ada")
        } else {
            request
        };
        request.body(Body::empty()).unwrap()
    }

    fn response(&self) -> Response<Body> {
        self.response_with(&self.control)
    }

    /// The other implementation knows lower case only, in which RFC 9111 does not say that directives come.
    fn plain_response(&self) -> Response<Body> {
        let lines: Vec<_> = self.control.iter().map(|line| line.to_lowercase()).collect();
        self.response_with(&lines)
    }

    fn response_with(&self, control: &[String]) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        for line in control {
            response = response.header("cache-control", line);
        }
        for (name, value) in &self.others {
            response = response.header(*name, value);
        }
        response.body(Body::from("page")).unwrap()
    }
}

/// Whether the layer stores the response, and the rest of its freshness.
fn stored(case: &Case) -> Option<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let pages = Pages::new(Lru::new(10));
        let answered = case.clone();
        let app = axum::Router::new().fallback(async move || answered.response());
        let mut app = app.layer(pages.layer());
        let response = app.call(case.request()).await.unwrap();
        axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
        let hit = app.call(case.request()).await.unwrap();
        let status = hit
            .headers()
            .get_all("cache-status")
            .iter()
            .next_back()
            .unwrap()
            .to_str()
            .unwrap();
        let ttl = status
            .strip_prefix("ring-cache; hit; ttl=")?
            .parse::<i64>()
            .unwrap();
        // A stale page is another matter.
        u64::try_from(ttl).ok()
    })
}

/// The other implementation as a shared cache, without its heuristics.
pub(crate) fn options() -> CacheOptions {
    CacheOptions {
        shared: true,
        cache_heuristic: 0.0,
        ..CacheOptions::default()
    }
}

/// The same of the other implementation. It is not asked about `proxy-revalidate`, with which it takes
/// everything for stale, and not about numbers beyond 64 bits, which RFC 9111 rounds down.
fn allowed(case: &Case) -> Option<u64> {
    let now = SystemTime::now();
    let policy = CachePolicy::new_options(&case.request(), &case.plain_response(), now, options());
    let ttl = policy.time_to_live(now).as_secs();
    (policy.is_storable() && ttl > 0).then_some(ttl)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    /// The layer is stricter in places: it stores nothing that is `no-cache` or `private` in part, or has a cookie.
    #[test]
    fn h2_nothing_is_stored_for_longer_than_rfc_9111_allows(case in case()) {
        // Asked first: what ends at a fixed time is allowed for less and less.
        let allowed = allowed(&case);
        if let Some(ttl) = stored(&case) {
            prop_assert!(allowed.is_some(), "stored for {ttl}, not storable: {case:?}");
            prop_assert!(allowed.is_some_and(|allowed| ttl <= allowed), "stored for {ttl} in the place of {allowed:?}");
        }
    }

    /// Whatever a client sends, it gets an answer, and leaves nothing but pages of its own key.
    #[test]
    fn h2_headers_of_requests_spoil_no_page(
        headers in prop::collection::vec((name(), value()), 0..6),
        path in "/[!-~&&[^#\"<>\\\\^`{|}]]{0,20}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let pages = Pages::new(Lru::new(10)).expire(Duration::from_secs(60));
            let app = axum::Router::new().fallback(async |request: axum::extract::Request| {
                let is_marked = request.headers().contains_key("cookie") || request.headers().contains_key("authorization");
                format!("{} {is_marked}", request.uri())
            });
            let mut app = app.layer(pages.layer());
            let mut request = Request::get(&path).body(Body::empty()).unwrap();
            request.headers_mut().insert("host", "example.com".parse().unwrap());
            for (name, value) in &headers {
                request.headers_mut().append(*name, value.clone());
            }
            app.call(request).await.unwrap();
            let plain = Request::get(&path).header("host", "example.com").body(Body::empty()).unwrap();
            let response = app.call(plain).await.unwrap();
            assert_eq!(response.status(), 200);
            let body = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
            assert_eq!(body, format!("{path} false"));
        });
    }
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "cache-control",
        "cookie",
        "authorization",
        "if-none-match",
        "if-modified-since",
        "range",
        "pragma",
        "accept",
        "host",
        "content-length",
        "transfer-encoding",
        "if-match",
        "upgrade",
        "cache-status",
        "age",
        "vary",
    ])
}

fn value() -> impl Strategy<Value = axum::http::HeaderValue> {
    let odd = prop::collection::vec(prop_oneof![32_u8..127, 128_u8..=255, Just(9_u8)], 0..20);
    let known = prop::sample::select(vec![
        "no-cache",
        "no-store",
        "only-if-cached",
        "max-age=0",
        "max-stale",
        "\"",
        "*",
        "W/\"a\"",
        "bytes=0-1",
        "Fri, 06 Nov 2099 08:49:37 GMT",
        "max-age=99999999999999999999, min-fresh=99999999999999999999",
        "0",
    ]);
    prop_oneof![
        odd.prop_map(|bytes| axum::http::HeaderValue::from_bytes(&bytes).unwrap()),
        known.prop_map(axum::http::HeaderValue::from_static),
    ]
}
