//! The verbs, for tasks of all kinds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ring_cache::clock::ManualClock;
use ring_cache::coder::Raw;
use ring_cache::storage::AsyncStorage;
use ring_cache::{AsyncCalls, RingKey, ring_impl};
use ring_cache_backends::Blocking;
use tokio::runtime::Builder;

use super::files::Files;
use super::gated::Gated;
use super::{eventually, run, slow, under_way, within_patience};

#[derive(RingKey)]
struct Page {
    url: &'static str,
    #[ring_key(skip)]
    files: Blocking<Files>,
    #[ring_key(skip)]
    gated: Blocking<Gated<u32>>,
    #[ring_key(skip)]
    computed: AtomicU32,
}

fn page(files: Files) -> Page {
    Page {
        url: "http://example.com",
        files: Blocking::new(files),
        gated: Blocking::new(Gated::new()),
        computed: AtomicU32::new(0),
    }
}

impl Page {
    fn computed(&self) -> u32 {
        self.computed.fetch_add(1, Ordering::SeqCst) + 1
    }
}

#[ring_impl(storage = self.files as Blocking<Files>, coder = Raw)]
impl Page {
    #[ring(key_prefix = "title")]
    async fn title(&self) -> String {
        self.url.to_owned()
    }
    #[ring(expire = "60s", key_prefix = "page")]
    async fn section(&self, number: u32) -> String {
        format!("{number}: version {}", self.computed())
    }
}

#[ring_impl]
impl Page {
    #[ring(storage = self.gated as Blocking<Gated<u32>>, key_prefix = "visits")]
    async fn visits(&self, day: u32) -> u32 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        day + self.computed()
    }
    #[ring(storage = self.gated.backend() as Gated<u32>, key_prefix = "visits")]
    fn visits_at_once(&self, day: u32) -> u32 {
        std::thread::sleep(Duration::from_millis(20));
        day + self.computed()
    }
}

#[test]
fn every_verb() {
    let page = page(Files::new());
    run(async {
        assert_eq!(page.section(1).await, "1: version 1");
        assert_eq!(page.section(1).await, "1: version 1");
        let call = || page.section_ring(1);
        assert_eq!(call().storage().backend().keys(), ["page:http%3A//example.com:1"]);
        assert_eq!(call().get().await.unwrap().as_deref(), Some("1: version 1"));
        assert_eq!(call().update().await, "1: version 2");
        call().set("mine".into()).await.unwrap();
        assert_eq!(page.section(1).await, "mine");
        assert_eq!(call().execute().await, "1: version 3");
        assert!(call().has().await.unwrap());
        assert!(call().touch().await.unwrap());
        assert!(call().delete().await.unwrap());
        assert!(!call().delete().await.unwrap());
        assert!(!call().has().await.unwrap());
        assert!(!call().touch().await.unwrap());
        assert_eq!(call().get().await.unwrap(), None);
        assert!(call().storage().backend().keys().is_empty());
        assert_eq!(page.section_cache().stats().errors, 0);
    });
}

#[test]
fn many_at_once() {
    let page = page(Files::new());
    run(async {
        let calls = || [1, 2, 1, 3].map(|number| page.section_ring(number));
        page.section_ring(2).set("mine".into()).await.unwrap();
        let sections = calls().get_or_update_many().await;
        assert_eq!(sections[1], "mine");
        assert_eq!(sections[0], sections[2]);
        assert_eq!(page.computed.load(Ordering::SeqCst), 2);
        assert_eq!(calls().get_many().await.unwrap().iter().flatten().count(), 4);
        assert_eq!(calls().has_many().await.unwrap(), [true; 4]);
        assert_eq!(calls().touch_many().await.unwrap(), [true; 4]);
        // Of two equal calls the second finds nothing to remove.
        assert_eq!(calls().delete_many().await.unwrap(), [true, true, false, true]);
        assert_eq!(calls().get_many().await.unwrap(), [const { None::<String> }; 4]);
        let values = ["a", "b", "c", "d"].map(String::from);
        calls().set_many(values).await.unwrap();
        assert_eq!(page.section(1).await, "c");
        assert_eq!(page.files.backend().keys().len(), 3);
        assert_eq!(calls().update_many().await.len(), 4);
    });
}

#[test]
fn clear_forgets_one_method() {
    let page = page(Files::new());
    run(async {
        page.title().await;
        page.section(1).await;
        page.section(2).await;
        page.section_cache().clear().await.unwrap();
        assert_eq!(page.files.backend().keys(), ["title:http://example.com"]);
    });
}

#[test]
fn entries_expire() {
    let clock = ManualClock::default();
    let page = page(Files::with_clock(clock.clone()));
    run(async {
        page.section(1).await;
        clock.advance(Duration::from_secs(59));
        assert!(page.section_ring(1).touch().await.unwrap());
        clock.advance(Duration::from_secs(59));
        assert_eq!(page.section(1).await, "1: version 1");
        clock.advance(Duration::from_secs(1));
        assert!(!page.section_ring(1).has().await.unwrap());
        assert_eq!(page.section(1).await, "1: version 2");
        let brief = page.section_ring(1).expire_in(Duration::from_secs(1));
        brief.set("brief".into()).await.unwrap();
        clock.advance(Duration::from_secs(1));
        assert_eq!(page.section_ring(1).get().await.unwrap(), None);
    });
}

#[test]
fn tasks_share_one_computation() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .unwrap();
    let page = Arc::new(page(Files::new()));
    runtime.block_on(async {
        let visits = |_| {
            let page = Arc::clone(&page);
            tokio::spawn(async move { page.visits(7).await })
        };
        for task in (0..20).map(visits).collect::<Vec<_>>() {
            assert_eq!(within_patience(task).await.unwrap(), 8);
        }
    });
    assert_eq!(page.computed.load(Ordering::SeqCst), 1);
    assert_eq!(under_way(&page.gated), 0);
}

/// The first call computes; the others get its value.
#[test]
fn tasks_and_threads_share_one_computation() {
    let page = Arc::new(page(Files::new()));
    let one = Arc::clone(&page);
    let thread = std::thread::spawn(move || one.visits_at_once(7));
    run(async {
        eventually(|| page.computed.load(Ordering::SeqCst) == 1 || under_way(&page.gated) == 1).await;
        assert_eq!(page.visits(7).await, 8);
    });
    assert_eq!(thread.join().unwrap(), 8);

    run(async {
        let one = Arc::clone(&page);
        let task = tokio::spawn(async move { one.visits(9).await });
        eventually(|| page.computed.load(Ordering::SeqCst) == 2).await;
        let one = Arc::clone(&page);
        let thread = tokio::task::spawn_blocking(move || one.visits_at_once(9));
        assert_eq!((task.await.unwrap(), thread.await.unwrap()), (11, 11));
    });
    assert_eq!(page.computed.load(Ordering::SeqCst), 2);
}

/// The only thread of the runtime opens the gate itself: it must not wait there.
#[test]
fn the_runtime_goes_on_while_the_storage_works() {
    let storage = slow();
    run(async {
        storage.backend().close("read");
        let reader = storage.clone();
        let read = tokio::spawn(async move { reader.get(&1_u32).await });
        eventually(|| storage.backend().running() == 1).await;
        storage.backend().open();
        assert_eq!(read.await.unwrap().unwrap(), None);
    });
}

#[test]
fn handles_are_one_storage() {
    let storage = slow();
    let other = storage.clone();
    run(async {
        storage.set(&1_u32, 7, None).await.unwrap();
        assert_eq!(other.get(&1_u32).await.unwrap(), Some(7));
    });
    assert!(std::ptr::eq(storage.backend(), other.backend()));
    let map = Blocking::new(ring_cache::Map::<u32>::new());
    map.backend().set(&1_u32, 42);
    assert_eq!(format!("{map:?}"), r#"Blocking(Map { keys: ["1"], .. })"#);
}
