//! A browser: what it asks when a page is reloaded, left and come back to. Left out where Chromium is not installed.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use ring_cache::pages::Pages;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::site::{answer, pages};

/// Loads itself again, leaves for another page, comes back, and then asks for a page in the ways of `fetch`.
const SCRIPT: &str = r#"<!doctype html><body>begun<script>
const step = Number(sessionStorage.getItem("step") || 0);
sessionStorage.setItem("step", step + 1);
const ask = async cache => {
    const response = await fetch("/page", { cache });
    return `${cache} ${response.status} ${await response.text()}`;
};
if (step === 0) setTimeout(() => location.reload(), 100);
else if (step === 1) setTimeout(() => location.assign("/other"), 100);
if (step >= 2) finish(); else addEventListener("pageshow", event => event.persisted && finish());
async function finish() {
    const lines = [];
    for (const cache of ["default", "default", "no-cache", "reload", "no-store"]) lines.push(await ask(cache));
    await fetch("/report", { method: "POST", body: lines.join(", ") });
}
</script>"#;

const OTHER: &str = "<!doctype html><body>other<script>setTimeout(() => history.back(), 100)</script>";

/// What passed between the browser and the layer: path, `Cache-Control` of the request, and the status.
type Seen = Arc<Mutex<Vec<(String, String, u16)>>>;

async fn site(pages: &Pages) -> (String, Seen, mpsc::Receiver<String>) {
    let (reports, report) = mpsc::channel(1);
    let seen = Seen::default();
    let record = {
        let seen = Arc::clone(&seen);
        move |request: Request, next: Next| {
            let seen = Arc::clone(&seen);
            async move {
                let path = request.uri().path().to_owned();
                let control = request.headers().get("cache-control");
                let control = control.map_or("", |value| value.to_str().unwrap()).to_owned();
                let response: Response = next.run(request).await;
                seen.lock()
                    .unwrap()
                    .push((path, control, response.status().as_u16()));
                response
            }
        }
    };
    let html = |text: &'static str| async move {
        answer(
            &[("content-type", "text/html"), ("cache-control", "max-age=60")],
            text,
        )
    };
    let app = Router::new()
        .route("/", get(move || html(SCRIPT)))
        .route("/other", get(move || html(OTHER)))
        .route(
            "/page",
            get(async || answer(&[("cache-control", "max-age=60")], "page")),
        )
        .route(
            "/report",
            post(move |text: String| async move { reports.send(text).await.unwrap() }),
        )
        .layer(pages.layer())
        .layer(from_fn(record));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, seen, report)
}

/// A browser, which ends with its handle.
struct Browser {
    child: Child,
    profile: PathBuf,
}

impl Browser {
    /// Opens a page, or says that there is no browser.
    fn open(url: &str) -> Option<Self> {
        let profile = std::env::temp_dir().join(format!("ring-cache-browser-{}", std::process::id()));
        let child = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .arg("--remote-debugging-port=0")
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match child {
            Ok(child) => Some(Browser { child, profile }),
            Err(_) => {
                eprintln!("LEFT OUT: a browser: chromium is not installed");
                None
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h4_a_browser_reloads_goes_back_and_asks_conditionally() {
    for obeys in [true, false] {
        let pages = pages().obey_clients(obeys);
        let (url, seen, mut report) = site(&pages).await;
        let Some(browser) = Browser::open(&url) else {
            return;
        };
        let text = timeout(Duration::from_secs(60), report.recv())
            .await
            .ok()
            .flatten();
        drop(browser);
        let expected =
            "default 200 page, default 200 page, no-cache 200 page, reload 200 page, no-store 200 page";
        let seen = seen.lock().unwrap().clone();
        assert_eq!(text.as_deref(), Some(expected), "{seen:?}");
        let statuses = |path: &str| -> Vec<u16> {
            let of_path = seen.iter().filter(|(other, ..)| other == path);
            of_path.map(|(.., status)| *status).collect()
        };
        assert_eq!(
            statuses("/"),
            [200, 304],
            "the reload asks whether the page changed; back asks nothing: {seen:?}"
        );
        assert_eq!(statuses("/page"), [200, 304, 200, 200], "{seen:?}");
        // The second and the last two of `/page` want new ones, as the reload does, unless they are not obeyed.
        let stores = if obeys { 7 } else { 3 };
        assert_eq!(pages.stats().stores, stores, "{seen:?}");
    }
}
