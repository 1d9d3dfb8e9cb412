//! H5: tags of pages, which are those of cached methods.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use ring_cache::pages::{PageStorage, Pages, Tags};
use ring_cache::storage::AsyncForgetsTags;
use ring_cache::{Blocking, Disk, Lru, Map, Memcached, Redis, RedisCluster, Tag, Tiered, ring, tag};
use ring_cache_test_servers::{self as servers, or_leave_out};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::site::{Site, answer, pages, wait};

const LONG: Duration = Duration::from_secs(20);

/// A response with these headers and tags.
fn tagged(
    headers: &[(&str, &str)],
    body: impl Into<axum::body::Body>,
    tags: impl IntoIterator<Item = Tag>,
) -> Response {
    let mut response = answer(headers, body);
    response.extensions_mut().insert(Tags::new(tags));
    response
}

/// Numbers of computations.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn next(&self) -> String {
        (self.0.fetch_add(1, Ordering::SeqCst) + 1).to_string()
    }
}

/// A site whose page at a path has the tag of that text, and counts its computations in the body.
async fn by_path(pages: &Pages, headers: &'static [(&'static str, &'static str)]) -> Site {
    let count = Count::default();
    Site::start(pages, move |request: Request| {
        let (tag, number) = (tag(request.uri().path().to_owned()), count.next());
        async move { tagged(headers, number, [tag]) }
    })
    .await
}

/// Asks until the page is found, and returns its body.
async fn found(site: &Site, path: &str, headers: &[(&str, &str)]) -> String {
    for _ in 0..4 {
        let reply = site.get(path, headers).await;
        if reply.cache_status().contains("hit") {
            return reply.body;
        }
    }
    panic!("{path} is not stored");
}

#[ring(tags("h5 team {id}"))]
fn members(id: u32) -> u32 {
    id
}

#[tokio::test]
async fn h5_a_tag_ends_pages_and_entries_of_methods_alike() {
    let count = Count::default();
    let site = Site::start(&pages(), move |request: Request| {
        let number = count.next();
        let id = request.uri().path().trim_start_matches('/').to_owned();
        async move { tagged(&[], number, [tag("h5 teams"), tag(format!("h5 team {id}"))]) }
    })
    .await;
    for (path, expected) in [("/1", "1"), ("/2", "2"), ("/1", "1"), ("/2", "2")] {
        assert_eq!(site.get(path, &[]).await.body, expected);
    }
    members(1);
    members(2);
    tag("h5 team 1").forget();
    assert!(!members_entry(1).has() && members_entry(2).has());
    for (path, expected) in [("/1", "3"), ("/2", "2"), ("/1", "3")] {
        assert_eq!(site.get(path, &[]).await.body, expected);
    }
    tag("h5 teams").forget();
    for (path, expected) in [("/1", "4"), ("/2", "5"), ("/2", "5")] {
        assert_eq!(site.get(path, &[]).await.body, expected);
    }
}

#[tokio::test]
async fn h5_tags_that_follow_from_the_uri_are_named_by_the_site() {
    let pages = pages().tags(|host, path| {
        let folder = path.split('/').nth(1).unwrap_or_default();
        [tag(format!("h5 site {host}")), tag(format!("h5 folder {folder}"))]
    });
    let site = Site::counting(&pages, &[]).await;
    let host = [("host", "Uri.Example:80")];
    for (path, expected) in [
        ("/a/1", "1"),
        ("/b/1?x=/c", "2"),
        ("/a/1", "1"),
        ("/b/1?x=/c", "2"),
    ] {
        assert_eq!(site.get(path, &host).await.body, expected);
    }
    let page = pages.ring("http://uri.example:80/a/1");
    assert!(page.has().await.unwrap());
    tag("h5 folder a").forget();
    assert!(!page.has().await.unwrap(), "a verb knows the tags as well");
    assert_eq!(site.get("/a/1", &host).await.body, "3");
    assert_eq!(site.get("/b/1?x=/c", &host).await.body, "2");
    tag("h5 site uri.example:80").forget();
    assert_eq!(site.get("/b/1?x=/c", &host).await.body, "4");
    page.update(site.app.clone()).await.unwrap();
    assert!(page.has().await.unwrap() && page.delete().await.unwrap() && !page.has().await.unwrap());
}

/// The whole life of pages with tags of their own and of their URIs.
async fn keeps_tags<S>(name: &str, storage: S)
where
    S: PageStorage + AsyncForgetsTags + Clone,
{
    let forget = async |tag: Tag| _ = tag.forget_in_awaited(&storage).await;
    let (path, by_uri) = (format!("/{name}"), format!("h5 uri of {name}"));
    let of_uri = by_uri.clone();
    let pages = Pages::new(storage.clone()).tags(move |_, path| {
        let has_one = path.ends_with("?uri");
        has_one.then(|| tag(of_uri.clone()))
    });
    let site = by_path(&pages, &[("cache-control", "max-age=600"), ("vary", "accept")]).await;
    let accept = [("accept", "a")];
    let (one, other) = (found(&site, &path, &accept).await, found(&site, &path, &[]).await);
    assert_ne!(one, other);
    assert_eq!(site.get(&path, &accept).await.body, one, "{name}");
    assert_eq!(site.ask("HEAD", &path, &accept).await.status, 200);

    let before = site.computed();
    forget(tag("nothing has this")).await;
    assert_eq!(site.get(&path, &accept).await.body, one, "{name}");
    assert_eq!(site.computed(), before, "{name}");
    forget(tag(path.clone())).await;
    assert!(!pages.ring(site.url(&path)).has().await.unwrap(), "{name}");
    let new = site.get(&path, &accept).await.body;
    assert_ne!(new, one, "{name}");
    assert_eq!(
        site.get(&path, &accept).await.body,
        new,
        "{name}: its tags are known by now"
    );
    assert_ne!(site.get(&path, &[]).await.body, other, "{name}: all variants");

    // A tag of the URI, which is known from the beginning.
    let with_both = format!("{path}?uri");
    let first = found(&site, &with_both, &[]).await;
    forget(tag(by_uri)).await;
    let second = found(&site, &with_both, &[]).await;
    assert_ne!(second, first, "{name}");
    forget(tag(path.clone())).await;
    let third = site.get(&with_both, &[]).await.body;
    assert_ne!(third, second, "{name}");
    assert_eq!(site.get(&with_both, &[]).await.body, third, "{name}");

    let page = pages.ring(site.url(&with_both));
    assert!(page.get().await.unwrap().is_some());
    page.update(site.app.clone()).await.unwrap();
    let updated = site.get(&with_both, &[]).await.body;
    assert!(updated != third && page.delete().await.unwrap() && !page.has().await.unwrap());
}

#[tokio::test]
async fn h5_tags_are_kept_in_memory_and_on_disk() {
    keeps_tags("lru", Lru::new(100)).await;
    keeps_tags("map", Map::new()).await;
    let folder = std::env::temp_dir().join(format!("ring-cache-page-tags-{}", std::process::id()));
    let disk = Disk::open(folder.join("pages")).unwrap();
    keeps_tags("disk", Blocking::new(disk)).await;
    std::fs::remove_dir_all(folder).unwrap();
}

fn open(server: &servers::Redis) -> Redis {
    Redis::open(server.url())
        .unwrap()
        .deadline(Duration::from_secs(5))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h5_tags_are_kept_in_redis_and_in_tiers() {
    let Some(server) = or_leave_out("tags of pages in Redis", servers::Redis::start()) else {
        return;
    };
    keeps_tags("redis", open(&server).namespace("one")).await;
    let tiered = || Tiered::new(Lru::new(100), open(&server).namespace("two"));
    keeps_tags("tiers", tiered()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h5_tags_are_kept_in_memcached_and_in_a_cluster() {
    if let Some(server) = or_leave_out("tags of pages in Memcached", servers::Memcached::start()) {
        let memcached = Memcached::open(server.url()).unwrap();
        keeps_tags("memcached", memcached.deadline(Duration::from_secs(5))).await;
    }
    let Some(servers) = or_leave_out("tags of pages in a cluster", servers::RedisCluster::start()) else {
        return;
    };
    let cluster = RedisCluster::open(servers.urls()).unwrap();
    keeps_tags("cluster", cluster.deadline(Duration::from_secs(5))).await;
}

/// Two processes, and one that forgets.
#[tokio::test]
async fn h5_a_tag_that_another_process_forgets_ends_pages_of_all() {
    let Some(server) = or_leave_out("tags of pages in Redis", servers::Redis::start()) else {
        return;
    };
    const HEADERS: &[(&str, &str)] = &[("cache-control", "max-age=600")];
    let [one, other] = [Pages::new(open(&server)), Pages::new(open(&server))];
    let (one, other) = (by_path(&one, HEADERS).await, by_path(&other, HEADERS).await);
    let host = [("host", "a.example")];
    one.get("/shared", &host).await;
    other.get("/shared", &host).await;
    assert_eq!(
        (one.computed(), other.computed()),
        (1, 1),
        "the first one told the tag"
    );
    assert!(one.get("/shared", &host).await.cache_status().contains("hit"));
    tag("/shared").forget_in_awaited(&open(&server)).await.unwrap();
    let again = one.get("/shared", &host).await;
    assert_eq!(
        (again.body.as_str(), again.cache_status()),
        ("2", "ring-cache; fwd=uri-miss")
    );
    assert_eq!(other.get("/shared", &host).await.body, "2");
}

/// A site whose first computations wait until they may go on, `tags_of` their number.
struct Waiting {
    site: Site,
    entered: Arc<Notify>,
    go: Arc<Notify>,
}

impl Waiting {
    /// The computation of this number waits; all have this tag.
    async fn start(pages: &Pages, waits: usize, name: &'static str) -> Self {
        let (entered, go, count) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Count::default());
        let site = Site::start(pages, {
            let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
            move |_| {
                let (entered, go, number) = (Arc::clone(&entered), Arc::clone(&go), count.next());
                async move {
                    if number == waits.to_string() {
                        entered.notify_one();
                        go.notified().await;
                    }
                    tagged(&[("cache-control", "max-age=600")], number, [tag(name)])
                }
            }
        })
        .await;
        Waiting { site, entered, go }
    }

    async fn get(&self) -> tokio::task::JoinHandle<String> {
        let site = self.site.clone();
        tokio::spawn(async move { site.get("/", &[]).await.body })
    }

    async fn entered(&self) {
        timeout(LONG, self.entered.notified()).await.unwrap();
    }
}

/// Where the response tells its tag for the first time, and where the tag was known before.
async fn outlives_no_forget<S>(storage: S, name: &'static str, is_known: bool)
where
    S: PageStorage + AsyncForgetsTags + Clone,
{
    let pages = Pages::new(storage.clone()).tags(move |_, _| is_known.then(|| tag(name)));
    let waiting = Waiting::start(&pages, 1, name).await;
    let first = waiting.get().await;
    waiting.entered().await;
    let before = waiting.get().await;
    sleep(Duration::from_millis(50)).await;
    let _ = tag(name).forget_in_awaited(&storage).await;
    let after = waiting.get().await;
    sleep(Duration::from_millis(50)).await;
    waiting.go.notify_one();
    assert_eq!(timeout(LONG, first).await.unwrap().unwrap(), "1");
    timeout(LONG, before).await.unwrap().unwrap();
    let after = timeout(LONG, after).await.unwrap().unwrap();
    assert_ne!(after, "1", "{name}");
    assert_ne!(found(&waiting.site, "/", &[]).await, "1", "{name}");
}

#[tokio::test]
async fn h5_a_page_computed_before_a_forget_is_neither_stored_nor_given_to_newcomers() {
    outlives_no_forget(Lru::new(10), "h5 before, in memory", false).await;
    outlives_no_forget(Lru::new(10), "h5 before, in memory, known", true).await;
    let Some(server) = or_leave_out("tags of pages in Redis", servers::Redis::start()) else {
        return;
    };
    outlives_no_forget(open(&server).namespace("a"), "h5 before, in Redis", false).await;
    outlives_no_forget(open(&server).namespace("b"), "h5 before, in Redis, known", true).await;
    let tiered = Tiered::new(Lru::new(100), open(&server).namespace("c"));
    outlives_no_forget(tiered, "h5 before, in tiers", true).await;
}

/// A body under way when the tag is forgotten, and one that begins after it.
#[tokio::test]
async fn h5_a_newcomer_does_not_join_a_body_that_began_before_a_forget() {
    let (senders, mut computations) = tokio::sync::mpsc::channel(10);
    let site = Site::start(&pages(), move |_| {
        let senders = senders.clone();
        async move {
            let (sender, receiver) = tokio::sync::mpsc::channel(1);
            senders.send(sender).await.unwrap();
            tagged(
                &[],
                axum::body::Body::new(crate::streams::Sent(receiver)),
                [tag("h5 under way")],
            )
        }
    })
    .await;
    let get = || {
        let site = site.clone();
        tokio::spawn(async move { site.get("/", &[]).await.body })
    };
    let first = get();
    let sender = timeout(LONG, computations.recv()).await.unwrap().unwrap();
    sender.send(Ok("old".into())).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let joined = get();
    sleep(Duration::from_millis(50)).await;
    tag("h5 under way").forget();
    let newcomers = [get(), get(), get()];
    let new = timeout(LONG, computations.recv()).await.unwrap().unwrap();
    new.send(Ok("new".into())).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    drop((sender, new));
    assert!(timeout(LONG, first).await.unwrap().unwrap().contains("old"));
    assert!(timeout(LONG, joined).await.unwrap().unwrap().contains("old"));
    for newcomer in newcomers {
        let body = timeout(LONG, newcomer).await.unwrap().unwrap();
        assert!(body.contains("new") && !body.contains("old"), "{body}");
    }
    assert_eq!(site.computed(), 2, "the newcomers share theirs");
    let stored = timeout(LONG, site.get("/", &[])).await.expect("it is stored");
    assert_eq!(stored.body, "new");
}

#[tokio::test]
async fn h5_a_forgotten_page_is_not_served_stale() {
    for control in [
        "max-age=1, stale-while-revalidate=600",
        "max-age=1, stale-if-error=600",
    ] {
        let count = Count::default();
        let site = Site::start(&pages(), move |_| {
            let number = count.next();
            async move {
                let status = if number == "2" { "503" } else { "200" };
                tagged(
                    &[(":status", status), ("cache-control", control)],
                    number,
                    [tag("h5 stale")],
                )
            }
        })
        .await;
        site.get("/", &[]).await;
        wait(1.2);
        tag("h5 stale").forget();
        assert_eq!(site.get("/", &[]).await.status, 503, "{control}");
        assert_eq!(site.get("/", &[]).await.body, "3", "{control}");
        let max_stale = [("cache-control", "max-stale=600")];
        wait(1.2);
        tag("h5 stale").forget();
        assert_eq!(site.get("/", &max_stale).await.body, "4", "{control}");
    }
}

#[tokio::test]
async fn h5_conditions_and_changes_concern_pages_with_tags_as_others() {
    let pages = pages();
    let site = by_path(&pages, &[("etag", "\"a\"")]).await;
    let asked = [("if-none-match", "\"a\"")];
    assert_eq!(site.get("/h5-conditions", &asked).await.status, 304);
    assert_eq!(site.get("/h5-conditions", &asked).await.status, 304);
    assert_eq!(site.computed(), 1);
    tag("/h5-conditions").forget();
    assert_eq!(site.get("/h5-conditions", &asked).await.status, 304);
    assert_eq!(site.computed(), 2, "the application was asked");
    site.ask("POST", "/h5-conditions", &[]).await;
    assert_eq!(site.get("/h5-conditions", &[]).await.body, "4");
    let updated = pages
        .ring(site.url("/h5-conditions"))
        .update(site.app.clone())
        .await
        .unwrap();
    assert_eq!(updated.body().as_ref(), b"5");
    assert_eq!(site.get("/h5-conditions", &[]).await.body, "5");
}

/// Languages of a page, each with a tag of its own, and a page that gets another tag each time.
#[tokio::test]
async fn h5_tags_that_differ_from_those_before_are_learned() {
    let Some(server) = or_leave_out("tags of pages in Redis", servers::Redis::start()) else {
        return;
    };
    const HEADERS: &[(&str, &str)] = &[("cache-control", "max-age=600"), ("vary", "accept-language")];
    for pages in [pages(), Pages::new(open(&server))] {
        let count = Count::default();
        let site = Site::start(&pages, move |request: Request| {
            let number = count.next();
            let language = request.headers()["accept-language"].to_str().unwrap().to_owned();
            async move {
                let changing = format!(
                    "h5 changing {}",
                    if language == "changing" { &number } else { "" }
                );
                tagged(
                    HEADERS,
                    number,
                    [tag(format!("h5 language {language}")), tag(changing)],
                )
            }
        })
        .await;
        let languages = ["ada", "c", "rust"].map(|language| [("accept-language", language)]);
        for language in languages.iter().cycle().take(12) {
            site.get("/", language).await;
        }
        let bodies = [
            found(&site, "/", &languages[0]).await,
            found(&site, "/", &languages[1]).await,
            found(&site, "/", &languages[2]).await,
        ];
        let before = site.computed();
        assert!(before <= 12, "{before}");
        for (language, body) in languages.iter().zip(&bodies) {
            assert_eq!(site.get("/", language).await.body, *body);
        }
        assert_eq!(site.computed(), before);
        // Each of its responses has a tag that is not known.
        let changing = [("accept-language", "changing")];
        for _ in 0..3 {
            let reply = site.get("/changing", &changing).await;
            assert_eq!(reply.body, site.computed().to_string());
            let number = reply.body;
            for tag_text in [format!("h5 changing {number}"), "h5 language changing".into()] {
                tag(tag_text.clone()).forget();
                tag(tag_text).forget_in_awaited(&open(&server)).await.unwrap();
            }
            assert_ne!(site.get("/changing", &changing).await.body, number);
        }
    }
}

#[tokio::test]
async fn h5_a_response_with_too_many_tags_is_not_stored() {
    for (count, is_stored) in [(128, true), (129, false)] {
        let site = Site::start(&pages(), move |_| async move {
            tagged(
                &[],
                "page",
                (0..count).map(|number| tag(format!("h5 many {number}"))),
            )
        })
        .await;
        site.get("/", &[]).await;
        site.get("/", &[]).await;
        assert_eq!(site.computed(), if is_stored { 1 } else { 2 }, "{count}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn h5_200_clients_on_a_cold_page_with_tags_are_one_computation_or_two_where_they_are_not_known() {
    let ask_all = async |pages: &Pages, expected: usize| {
        let count = Count::default();
        let site = Site::start(pages, move |_| {
            let number = count.next();
            async move {
                sleep(Duration::from_millis(300)).await;
                tagged(&[("cache-control", "max-age=600")], number, [tag("h5 cold")])
            }
        })
        .await;
        let requests = (0..200).map(|_| {
            let site = site.clone();
            tokio::spawn(async move { site.get("/", &[]).await.status })
        });
        for request in requests.collect::<Vec<_>>() {
            assert_eq!(timeout(LONG, request).await.unwrap().unwrap(), 200);
        }
        assert_eq!(site.computed(), expected);
    };
    ask_all(&pages(), 1).await;
    let Some(server) = or_leave_out("tags of pages in Redis", servers::Redis::start()) else {
        return;
    };
    ask_all(&Pages::new(open(&server)), 2).await;
    let known = || Pages::new(open(&server).namespace("known")).tags(|_, _| [tag("h5 cold")]);
    ask_all(&known(), 1).await;
    let storage = open(&server).namespace("known");
    tag("h5 cold").forget_in_awaited(&storage).await.unwrap();
    ask_all(&known(), 1).await;
}

/// The commands of Redis since the last time, in order of their names.
fn commands(server: &servers::Redis) -> Vec<String> {
    let stats = server.info("commandstats");
    let sent = stats.iter().filter_map(|(name, line)| {
        let name = name.strip_prefix("cmdstat_")?;
        let is_ours = !["config|resetstat", "info", "echo", "hello", "ping"].contains(&name);
        let calls = line.split(['=', ',']).nth(1)?;
        is_ours.then(|| format!("{name} {calls}"))
    });
    let sent = sent.collect();
    server.command(&["CONFIG", "RESETSTAT"]);
    sent
}

#[tokio::test]
async fn h5_pages_without_tags_send_what_they_sent() {
    let Some(server) = or_leave_out("tags of pages in Redis", servers::Redis::start()) else {
        return;
    };
    let pages = Pages::new(open(&server)).expire(Duration::from_secs(60));
    let site = Site::counting(&pages, &[]).await;
    site.get("/warm", &[]).await;
    commands(&server);
    site.get("/", &[]).await;
    assert_eq!(commands(&server), ["get 2", "set 1"], "a miss");
    site.get("/", &[]).await;
    assert_eq!(commands(&server), ["get 1"], "a hit");
    let varied = Site::counting(&pages, &[("vary", "accept")]).await;
    varied.get("/", &[]).await;
    assert_eq!(commands(&server), ["get 2", "set 2"], "a miss that varies");
    varied.get("/", &[]).await;
    assert_eq!(commands(&server), ["get 2"], "a hit that varies");
}

#[tokio::test]
async fn h5_a_page_with_tags_is_one_trip_where_they_are_of_its_uri_and_two_where_they_are_its_own() {
    let Some(server) = or_leave_out("tags of pages in Redis", servers::Redis::start()) else {
        return;
    };
    let proxy = servers::Proxy::before(server.port());
    let redis = Redis::open(format!("redis://127.0.0.1:{}", proxy.port())).unwrap();
    let pages = Pages::new(redis.deadline(Duration::from_secs(5)))
        .expire(Duration::from_secs(60))
        .tags(|_, path| (path == "/uri").then(|| tag("h5 trips")));
    let site = by_path(&pages, &[]).await;
    let plain = Site::counting(&pages, &[]).await;
    for (site, path, sent, trips) in [
        // The page, the version beside it, and that of the tag.
        (&plain, "/uri", ["get 3", "pttl 3"], 1),
        // Its tags before.
        (&site, "/own", ["get 4", "pttl 3"], 2),
    ] {
        found(site, path, &[]).await;
        commands(&server);
        let before = proxy.round_trips();
        site.get(path, &[]).await;
        assert_eq!(proxy.round_trips() - before, trips, "{path}");
        assert_eq!(commands(&server), sent, "{path}");
    }
}

#[tokio::test]
async fn h5_a_near_tier_answers_pages_with_tags_without_the_far_one() {
    let Some(server) = or_leave_out("tags of pages in tiers", servers::Redis::start()) else {
        return;
    };
    let tiered = Tiered::new(Lru::new(100), open(&server));
    let pages = Pages::new(tiered.clone()).expire(Duration::from_secs(60));
    let site = by_path(&pages, &[]).await;
    timeout(LONG, async {
        while !tiered.is_watching() {
            site.get("/near", &[]).await;
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("Redis tells of changes");
    for _ in 0..3 {
        found(&site, "/near", &[]).await;
    }
    // A process that was held up asks the far tier once more.
    let body = timeout(LONG, async {
        loop {
            commands(&server);
            let body = found(&site, "/near", &[]).await;
            if commands(&server).is_empty() {
                return body;
            }
        }
    })
    .await
    .expect("the near tier answers alone");
    // By another process.
    tag("/near").forget_in_awaited(&open(&server)).await.unwrap();
    timeout(LONG, async {
        while site.get("/near", &[]).await.body == body {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("it is told");
}

/// What `outlives_no_forget` shows for one schedule, for many: readers, and a writer that forgets what it changed.
async fn is_never_outdated<S>(name: &'static str, storage: S, is_known: bool)
where
    S: PageStorage + AsyncForgetsTags + Clone,
{
    let (data, forgotten) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let pages = Pages::new(storage.clone()).tags(move |_, _| is_known.then(|| tag(name)));
    let read = Arc::clone(&data);
    let site = Site::start(&pages, move |_| {
        let value = read.load(Ordering::SeqCst);
        async move {
            sleep(Duration::from_millis(value as u64 % 5)).await;
            tagged(
                &[("cache-control", "max-age=600")],
                value.to_string(),
                [tag(name)],
            )
        }
    })
    .await;
    let is_over = Arc::new(AtomicBool::new(false));
    let readers = (0..8).map(|_| {
        let (site, forgotten, is_over) = (site.clone(), Arc::clone(&forgotten), Arc::clone(&is_over));
        tokio::spawn(async move {
            let (mut hits, mut app) = (0, site.app.clone());
            // Until the writer is through, however busy the machine is.
            while !is_over.load(Ordering::SeqCst) || hits < 20 {
                let oldest = forgotten.load(Ordering::SeqCst);
                let request = Request::builder()
                    .uri("http://example.com/")
                    .body(axum::body::Body::empty());
                let response = tower_service::Service::call(&mut app, request.unwrap())
                    .await
                    .unwrap();
                hits += usize::from(
                    response.headers()["cache-status"]
                        .to_str()
                        .unwrap()
                        .contains("hit"),
                );
                let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
                let value: usize = String::from_utf8_lossy(&body).parse().unwrap();
                assert!(value >= oldest, "{name}: {value} after the forget of {oldest}");
                tokio::task::yield_now().await;
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    for value in 1..=60 {
        data.store(value, Ordering::SeqCst);
        let _ = tag(name).forget_in_awaited(&storage).await;
        forgotten.store(value, Ordering::SeqCst);
        sleep(Duration::from_millis(value as u64 % 13)).await;
    }
    is_over.store(true, Ordering::SeqCst);
    for reader in readers {
        timeout(LONG, reader)
            .await
            .expect("pages are found again")
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn h5_no_request_gets_what_was_computed_before_a_forget_that_it_came_after() {
    is_never_outdated("h5 never, in memory", Lru::new(10), false).await;
    is_never_outdated("h5 never, in memory, known", Map::new(), true).await;
    let Some(server) = or_leave_out("tags of pages in Redis", servers::Redis::start()) else {
        return;
    };
    is_never_outdated("h5 never, in Redis", open(&server).namespace("a"), false).await;
    is_never_outdated("h5 never, in Redis, known", open(&server).namespace("b"), true).await;
    let tiered = |namespace| Tiered::new(Lru::new(100), open(&server).namespace(namespace));
    is_never_outdated("h5 never, in tiers", tiered("c"), false).await;
    is_never_outdated("h5 never, in tiers, known", tiered("d"), true).await;
}
