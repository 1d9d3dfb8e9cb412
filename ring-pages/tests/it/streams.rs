//! H3: bodies stream while they are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use ring_cache::pages::{BoxError, Pages};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::{sleep, timeout};

use crate::site::{Site, answer, pages};

const LONG: Duration = Duration::from_secs(20);

/// A body whose pieces the test sends.
pub(crate) struct Sent(pub(crate) mpsc::Receiver<Result<Bytes, BoxError>>);

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        self.0
            .poll_recv(context)
            .map(|piece| piece.map(|piece| piece.map(http_body::Frame::data)))
    }
}

type Sender = mpsc::Sender<Result<Bytes, BoxError>>;

/// A site whose bodies are sent by the test: the sender of each computation.
async fn sending(
    pages: &Pages,
    headers: &'static [(&'static str, &'static str)],
) -> (Site, mpsc::Receiver<Sender>) {
    let (computed, computations) = mpsc::channel(100);
    let site = Site::start(pages, move |_| {
        let computed = computed.clone();
        async move {
            let (sender, receiver) = mpsc::channel(1);
            computed.send(sender).await.unwrap();
            answer(headers, Body::new(Sent(receiver)))
        }
    })
    .await;
    (site, computations)
}

/// Reads until the text has come.
async fn read_until(connection: &mut TcpStream, text: &str) -> String {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    timeout(LONG, async {
        while !String::from_utf8_lossy(&read).contains(text) {
            let count = connection.read(&mut buffer).await.unwrap();
            assert!(count > 0, "no {text:?} in {:?}", String::from_utf8_lossy(&read));
            read.extend_from_slice(&buffer[..count]);
        }
    })
    .await
    .unwrap_or_else(|_| panic!("no {text:?}"));
    String::from_utf8(read).unwrap()
}

async fn next(computations: &mut mpsc::Receiver<Sender>) -> Sender {
    timeout(LONG, computations.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn h3_the_body_streams_at_once_to_all_that_ask_while_it_is_kept() {
    let (site, mut computations) = sending(&pages(), &[]).await;
    let mut first = site.send("GET", "/", &[]).await;
    let sender = next(&mut computations).await;
    sender.send(Ok("one ".into())).await.unwrap();
    read_until(&mut first, "one ").await;
    let mut second = site.send("GET", "/", &[]).await;
    let head = read_until(&mut second, "one ").await;
    assert!(
        head.contains("cache-status: ring-cache; fwd=uri-miss; collapsed"),
        "{head}"
    );
    sender.send(Ok("two".into())).await.unwrap();
    read_until(&mut second, "two").await;
    read_until(&mut first, "two").await;
    drop(sender);
    read_until(&mut first, "0\r\n\r\n").await;
    read_until(&mut second, "0\r\n\r\n").await;
    let hit = site.get("/", &[]).await;
    assert_eq!((hit.body.as_str(), site.computed()), ("one two", 1));
}

#[tokio::test]
async fn h3_a_slow_client_delays_no_other_one() {
    let (site, mut computations) = sending(&pages().max_size(64 << 20), &[]).await;
    let _slow = site.send("GET", "/", &[]).await;
    let sender = next(&mut computations).await;
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    sender.send(Ok(piece.clone())).await.unwrap();
    let quick = tokio::spawn({
        let site = site.clone();
        async move { site.get("/", &[]).await.body.len() }
    });
    timeout(LONG, async move {
        for _ in 0..31 {
            sender.send(Ok(piece.clone())).await.unwrap();
        }
    })
    .await
    .expect("the slow client's connection takes less");
    assert!(timeout(LONG, quick).await.unwrap().unwrap() >= 32 << 20);
    assert_eq!(site.computed(), 1);
}

#[tokio::test]
async fn h3_a_response_whose_readers_are_gone_is_given_up_and_not_stored() {
    let (site, mut computations) = sending(&pages(), &[]).await;
    let mut first = site.send("GET", "/", &[]).await;
    let sender = next(&mut computations).await;
    sender.send(Ok("one".into())).await.unwrap();
    read_until(&mut first, "one").await;
    let mut second = site.send("GET", "/", &[]).await;
    read_until(&mut second, "one").await;
    drop(first);
    sleep(Duration::from_millis(100)).await;
    sender.send(Ok("two".into())).await.unwrap();
    read_until(&mut second, "two").await;
    drop(second);
    timeout(LONG, sender.closed()).await.expect("the body is dropped");
    let mut third = site.send("GET", "/", &[]).await;
    let sender = next(&mut computations).await;
    sender.send(Ok("new".into())).await.unwrap();
    read_until(&mut third, "new").await;
    assert_eq!(site.computed(), 2);
}

/// What it told of the page's variants and tags goes with it.
#[tokio::test]
async fn h3_after_a_response_that_was_given_up_one_request_stores_the_page() {
    let (site, mut computations) = sending(&pages(), &[("vary", "accept")]).await;
    let mut first = site.send("GET", "/", &[]).await;
    let sender = next(&mut computations).await;
    sender.send(Ok("old".into())).await.unwrap();
    read_until(&mut first, "old").await;
    drop(first);
    timeout(LONG, sender.closed()).await.expect("the body is dropped");
    let mut second = site.send("GET", "/", &[]).await;
    let sender = next(&mut computations).await;
    sender.send(Ok("new".into())).await.unwrap();
    drop(sender);
    read_until(&mut second, "0\r\n\r\n").await;
    assert_eq!(timeout(LONG, site.get("/", &[])).await.unwrap().body, "new");
}

#[tokio::test]
async fn h3_a_leader_that_goes_before_the_head_leaves_the_lead_to_one_that_waits() {
    let (go, entered) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let site = Site::start(&pages(), {
        let (go, entered) = (Arc::clone(&go), Arc::clone(&entered));
        move |_| {
            let (go, entered) = (Arc::clone(&go), Arc::clone(&entered));
            async move {
                entered.notify_one();
                go.notified().await;
                answer(&[], "page")
            }
        }
    })
    .await;
    let first = site.send("GET", "/", &[]).await;
    timeout(LONG, entered.notified()).await.unwrap();
    let second = tokio::spawn({
        let site = site.clone();
        async move { site.get("/", &[]).await.body }
    });
    sleep(Duration::from_millis(100)).await;
    drop(first);
    timeout(LONG, entered.notified())
        .await
        .expect("the second one asks");
    go.notify_one();
    assert_eq!(timeout(LONG, second).await.unwrap().unwrap(), "page");
    assert_eq!(site.get("/", &[]).await.body, "page");
    assert_eq!(site.computed(), 2);
}

#[tokio::test]
async fn h3_a_body_that_breaks_off_is_not_stored() {
    let (site, mut computations) = sending(&pages(), &[]).await;
    let mut first = site.send("GET", "/", &[]).await;
    let sender = next(&mut computations).await;
    sender.send(Ok("part".into())).await.unwrap();
    read_until(&mut first, "part").await;
    sender.send(Err("no more".into())).await.unwrap();
    let mut rest = Vec::new();
    let _ = first.read_to_end(&mut rest).await;
    assert!(
        !String::from_utf8_lossy(&rest).contains("\r\n0\r\n"),
        "the client sees that it broke off"
    );
    let mut second = site.send("GET", "/", &[]).await;
    let sender = next(&mut computations).await;
    sender.send(Ok("whole".into())).await.unwrap();
    drop(sender);
    read_until(&mut second, "0\r\n\r\n").await;
    assert_eq!(site.get("/", &[]).await.body, "whole");
}

#[tokio::test]
async fn h3_a_body_shorter_or_longer_than_its_length_is_not_stored() {
    for (length, pieces) in [("10", ["abc", "def"]), ("4", ["abc", "def"])] {
        let headers: &'static [(&str, &str)] = vec![("content-length", length)].leak();
        let (site, mut computations) = sending(&pages(), headers).await;
        for _ in 0..2 {
            let mut connection = site.send("GET", "/", &[]).await;
            let sender = next(&mut computations).await;
            tokio::spawn(async move {
                for piece in pieces {
                    let _ = sender.send(Ok(piece.into())).await;
                }
            });
            let mut bytes = Vec::new();
            let _ = timeout(LONG, connection.read_to_end(&mut bytes)).await.unwrap();
        }
        assert_eq!(site.computed(), 2, "{length}");
    }
}

#[tokio::test]
async fn h3_a_body_of_known_length_is_stored_though_the_server_reads_no_end() {
    let (site, mut computations) = sending(&pages(), &[("content-length", "6")]).await;
    let mut first = site.send("GET", "/", &[]).await;
    let sender = next(&mut computations).await;
    sender.send(Ok("abc".into())).await.unwrap();
    read_until(&mut first, "abc").await;
    sender.send(Ok("def".into())).await.unwrap();
    read_until(&mut first, "def").await;
    assert_eq!(site.get("/", &[]).await.body, "abcdef");
    drop(sender);
    assert_eq!(site.computed(), 1);
}

#[tokio::test]
async fn h3_a_body_that_turns_out_to_be_too_large_is_passed_on_whole_and_not_stored() {
    let (site, mut computations) = sending(&pages().max_size(10_000), &[]).await;
    let mut clients = vec![site.send("GET", "/", &[]).await];
    let sender = next(&mut computations).await;
    sender.send(Ok("begin".into())).await.unwrap();
    read_until(&mut clients[0], "begin").await;
    clients.push(site.send("GET", "/", &[]).await);
    read_until(&mut clients[1], "begin").await;
    tokio::spawn(async move {
        for _ in 0..1_000 {
            sender.send(Ok(Bytes::from(vec![b'x'; 1_000]))).await.unwrap();
        }
        sender.send(Ok("end".into())).await.unwrap();
    });
    for client in &mut clients {
        let mut bytes = Vec::new();
        timeout(LONG, client.read_to_end(&mut bytes))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(bytes.iter().filter(|byte| **byte == b'x').count(), 1_000_000);
        assert!(bytes.ends_with(b"end\r\n0\r\n\r\n"));
    }
    let mut third = site.send("GET", "/", &[]).await;
    let sender = next(&mut computations).await;
    sender.send(Ok("new".into())).await.unwrap();
    read_until(&mut third, "new").await;
}

#[tokio::test]
async fn h3_while_a_response_is_not_storable_requests_pass_for_five_seconds() {
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let site = Site::start(&pages(), {
        let most = Arc::clone(&most);
        move |_| {
            let (inside, most) = (Arc::clone(&inside), Arc::clone(&most));
            async move {
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(Duration::from_millis(300)).await;
                inside.fetch_sub(1, Ordering::SeqCst);
                answer(&[("cache-control", "private")], "mine")
            }
        }
    })
    .await;
    let ask = async || {
        let start = Instant::now();
        let requests = (0..10).map(|_| {
            let site = site.clone();
            tokio::spawn(async move { site.get("/", &[]).await.body })
        });
        for request in requests.collect::<Vec<_>>() {
            assert_eq!(request.await.unwrap(), "mine");
        }
        start.elapsed()
    };
    assert!(
        ask().await >= Duration::from_millis(600),
        "they wait for the head"
    );
    assert_eq!(most.swap(0, Ordering::SeqCst), 9, "and then not for each other");
    ask().await;
    assert_eq!(most.swap(0, Ordering::SeqCst), 10, "newcomers do not wait");
    sleep(Duration::from_millis(5_100)).await;
    assert!(
        ask().await >= Duration::from_millis(600),
        "after five seconds they do again"
    );
}

#[tokio::test]
async fn h3_a_page_that_becomes_storable_is_stored_by_one_that_passes() {
    let is_storable = Arc::new(AtomicBool::new(false));
    let site = Site::start(&pages(), {
        let is_storable = Arc::clone(&is_storable);
        move |_| {
            let status = if is_storable.load(Ordering::SeqCst) {
                "200"
            } else {
                "500"
            };
            async move { answer(&[(":status", status)], "page") }
        }
    })
    .await;
    assert_eq!(site.get("/", &[]).await.status, 500);
    is_storable.store(true, Ordering::SeqCst);
    assert_eq!(site.get("/", &[]).await.status, 200);
    site.get("/", &[]).await;
    assert_eq!(site.computed(), 2);
}

#[tokio::test]
async fn h3_a_panic_of_the_application_leaves_nobody_waiting() {
    let fails = Arc::new(AtomicBool::new(true));
    let site = Site::start(&pages(), {
        let fails = Arc::clone(&fails);
        move |_| {
            let fails = Arc::clone(&fails);
            async move {
                sleep(Duration::from_millis(100)).await;
                assert!(
                    !fails.swap(false, Ordering::SeqCst),
                    "a panic that the test wants"
                );
                answer(&[], "page")
            }
        }
    })
    .await;
    let requests = (0..5).map(|_| {
        let site = site.clone();
        tokio::spawn(async move {
            let mut connection = site.send("GET", "/", &[]).await;
            let mut bytes = Vec::new();
            let _ = timeout(LONG, connection.read_to_end(&mut bytes)).await.unwrap();
            bytes.ends_with(b"page")
        })
    });
    let mut answered = 0;
    for request in requests.collect::<Vec<_>>() {
        answered += usize::from(request.await.unwrap());
    }
    assert_eq!(answered, 4);
    assert_eq!(site.computed(), 2);
}

async fn on_a_cold_page(
    client: reqwest::Client,
    headers: &'static [(&'static str, &'static str)],
    cookie: bool,
) {
    let site = Site::start(&pages(), move |_| async move {
        sleep(Duration::from_millis(300)).await;
        answer(headers, "page".repeat(1_000))
    })
    .await;
    let requests = (0..200).map(|number| {
        let mut request = client.get(site.url("/"));
        if cookie {
            request = request.header("cookie", format!("id={number}"));
        }
        tokio::spawn(async move { request.send().await.unwrap().text().await.unwrap() })
    });
    for request in requests.collect::<Vec<_>>() {
        assert_eq!(request.await.unwrap(), "page".repeat(1_000));
    }
    assert_eq!(site.computed(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn h3_200_clients_on_a_cold_page_are_one_computation() {
    on_a_cold_page(reqwest::Client::new(), &[], false).await;
    let public: &[_] = &[("cache-control", "public, max-age=60"), ("vary", "accept")];
    on_a_cold_page(reqwest::Client::new(), public, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn h3_200_requests_over_http_2_on_a_cold_page_are_one_computation() {
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    on_a_cold_page(client, &[], false).await;
}

#[tokio::test]
async fn h3_followers_that_vary_compute_their_own() {
    let site = Site::start(&pages(), async |request: Request| {
        sleep(Duration::from_millis(300)).await;
        let accept = request.headers()["accept"].to_str().unwrap().to_owned();
        answer(&[("vary", "accept")], accept)
    })
    .await;
    let requests = (0..40).map(|number| {
        let site = site.clone();
        tokio::spawn(async move {
            let accept = (number % 4).to_string();
            assert_eq!(site.get("/", &[("accept", &accept)]).await.body, accept);
        })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap();
    }
    assert_eq!(site.computed(), 4);
    for accept in ["0", "1", "2", "3"] {
        assert_eq!(site.get("/", &[("accept", accept)]).await.body, accept);
    }
    assert_eq!(site.computed(), 4);
}

#[tokio::test]
async fn h3_an_application_that_hangs_holds_others_for_flight_timeout_only() {
    let is_first = Arc::new(AtomicBool::new(true));
    let pages = pages().flight_timeout(Duration::from_millis(200));
    let site = Site::start(&pages, {
        let is_first = Arc::clone(&is_first);
        move |_| {
            let hangs = is_first.swap(false, Ordering::SeqCst);
            async move {
                if hangs {
                    sleep(LONG).await;
                }
                answer(&[], "page")
            }
        }
    })
    .await;
    let mut hanging = site.send("GET", "/", &[]).await;
    sleep(Duration::from_millis(50)).await;
    let reply = timeout(LONG / 2, site.get("/", &[])).await.unwrap();
    assert_eq!(reply.body, "page");
    hanging.shutdown().await.unwrap();
}

#[tokio::test]
async fn h3_trailers_are_passed_on_and_not_stored() {
    let site = Site::start(&pages(), async |_| {
        let frames = [
            http_body::Frame::data(Bytes::from("page")),
            http_body::Frame::trailers(
                [("x-sum".parse().unwrap(), "7".parse().unwrap())]
                    .into_iter()
                    .collect(),
            ),
        ];
        let stream = Frames(frames.into_iter().collect());
        answer(&[], Body::new(stream))
    })
    .await;
    for _ in 0..2 {
        assert!(site.get("/", &[]).await.body.contains("page"));
    }
    assert_eq!(site.computed(), 2);
}

/// A body that does not know its end before it is asked.
pub(crate) struct Frames(pub(crate) std::collections::VecDeque<http_body::Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        std::task::Poll::Ready(self.0.pop_front().map(Ok))
    }
}

#[tokio::test]
async fn h3_a_client_that_hangs_holds_up_a_body_that_is_not_kept_for_ten_seconds_only() {
    let (site, mut computations) = sending(&pages().max_size(10_000), &[]).await;
    let mut hanging = site.send("GET", "/", &[]).await;
    let sender = next(&mut computations).await;
    sender.send(Ok("begin".into())).await.unwrap();
    read_until(&mut hanging, "begin").await;
    let mut quick = site.send("GET", "/", &[]).await;
    read_until(&mut quick, "begin").await;
    tokio::spawn(async move {
        for _ in 0..64 {
            sender.send(Ok(Bytes::from(vec![b'x'; 1 << 20]))).await.unwrap();
        }
    });
    let start = Instant::now();
    let mut bytes = Vec::new();
    timeout(LONG, quick.read_to_end(&mut bytes))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(bytes.iter().filter(|byte| **byte == b'x').count(), 64 << 20);
    assert!(start.elapsed() > Duration::from_secs(9), "others wait for it");
    drop(hanging);
}

/// Two clients of one response, of which the one that asked last for the next piece does not ask again.
#[tokio::test]
async fn h3_a_client_that_ceases_to_read_leaves_the_others_awake() {
    let (site, mut computations) = sending(&pages(), &[]).await;
    let ask = |mut app: axum::Router| async move {
        let request = Request::builder().uri("/").body(Body::empty()).unwrap();
        tower_service::Service::call(&mut app, request)
            .await
            .unwrap()
            .into_body()
    };
    let (first, sender) = tokio::join!(ask(site.app.clone()), next(&mut computations));
    let mut second = ask(site.app.clone()).await;
    let first = tokio::spawn(async move {
        let mut first = first;
        let frame = std::future::poll_fn(|context| {
            http_body::Body::poll_frame(std::pin::Pin::new(&mut first), context)
        });
        frame.await.unwrap().unwrap().into_data().unwrap()
    });
    sleep(Duration::from_millis(50)).await;
    let pending = std::future::poll_fn(|context| {
        let polled = http_body::Body::poll_frame(std::pin::Pin::new(&mut second), context);
        std::task::Poll::Ready(polled.is_pending())
    });
    assert!(pending.await);
    sender.send(Ok("one".into())).await.unwrap();
    assert_eq!(timeout(LONG, first).await.unwrap().unwrap(), "one");
    drop(second);
}

type Hook = Arc<std::sync::Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A body that does something else when it is asked for its next piece.
struct Hooked {
    body: Sent,
    hook: Hook,
}

impl http_body::Body for Hooked {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        let hook = self.hook.lock().unwrap().take();
        hook.into_iter().for_each(|hook| hook());
        std::pin::Pin::new(&mut self.body).poll_frame(context)
    }
}

/// Whether a task was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn is_pending(body: &mut Body, woken: &Arc<Woken>) -> bool {
    let waker = std::task::Waker::from(Arc::clone(woken));
    let mut context = std::task::Context::from_waker(&waker);
    http_body::Body::poll_frame(std::pin::Pin::new(body), &mut context).is_pending()
}

#[tokio::test]
async fn h3_a_client_that_asks_while_another_one_drives_the_response_is_woken_after_it() {
    let hook = Hook::default();
    let (sender, receiver) = mpsc::channel(1);
    let receiver = std::sync::Mutex::new(Some(receiver));
    let body = Arc::new((receiver, Arc::clone(&hook)));
    let site = Site::start(&pages(), move |_| {
        let receiver = body.0.lock().unwrap().take().expect("one computation");
        let hook = Arc::clone(&body.1);
        async move {
            answer(
                &[],
                Body::new(Hooked {
                    body: Sent(receiver),
                    hook,
                }),
            )
        }
    })
    .await;
    let ask = |mut app: axum::Router| async move {
        let request = Request::builder().uri("/").body(Body::empty()).unwrap();
        tower_service::Service::call(&mut app, request)
            .await
            .unwrap()
            .into_body()
    };
    let (mut first, second) = (ask(site.app.clone()).await, ask(site.app.clone()).await);
    // It outlives the hook: its end would wake the others too.
    let second = Arc::new(std::sync::Mutex::new(second));
    let [driver, other] = [Arc::<Woken>::default(), Arc::default()];
    let (asking, asks) = (Arc::clone(&second), Arc::clone(&other));
    *hook.lock().unwrap() = Some(Box::new(move || {
        assert!(is_pending(&mut asking.lock().unwrap(), &asks));
    }));
    assert!(is_pending(&mut first, &driver));
    assert!(other.0.load(Ordering::SeqCst));
    drop(second);
    drop((first, sender));
}
