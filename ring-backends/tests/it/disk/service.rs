//! Through `#[ring]`, as users see it.

use std::sync::atomic::{AtomicU32, Ordering};

use ring_cache::coder::Cbor;
use ring_cache::{Calls, RingKey, ring_impl};
use ring_cache_backends::Disk;

use super::{Folder, Wall, keys, tamper};

#[derive(RingKey)]
struct Service {
    #[ring_key(skip)]
    disk: Disk,
    #[ring_key(skip)]
    computed: AtomicU32,
}

impl Service {
    fn new(disk: Disk) -> Self {
        Service {
            disk,
            computed: AtomicU32::new(0),
        }
    }

    fn computed(&self) -> u32 {
        self.computed.load(Ordering::SeqCst)
    }
}

#[ring_impl(storage = self.disk as Disk, coder = Cbor)]
impl Service {
    #[ring(expire = "60s", key_prefix = "words")]
    fn words(&self, text: &str) -> Vec<String> {
        self.computed.fetch_add(1, Ordering::SeqCst);
        text.split(' ').map(String::from).collect()
    }

    #[ring(key_prefix = "parsed")]
    fn parsed(&self, text: &str) -> Result<u32, std::num::ParseIntError> {
        self.computed.fetch_add(1, Ordering::SeqCst);
        text.parse()
    }
}

#[test]
fn every_verb() {
    let folder = Folder::new();
    let service = Service::new(folder.open());
    let call = || service.words_ring("a b");
    assert_eq!(service.words("a b"), ["a", "b"]);
    assert_eq!(service.words("a b"), ["a", "b"]);
    assert_eq!(service.computed(), 1);
    assert_eq!(call().get().unwrap().unwrap(), ["a", "b"]);
    call().set(vec!["mine".into()]).unwrap();
    assert_eq!(service.words("a b"), ["mine"]);
    assert!(call().has().unwrap() && call().touch().unwrap());
    assert_eq!(call().update(), ["a", "b"]);
    assert!(call().delete().unwrap());
    assert!(!call().delete().unwrap());
    assert_eq!(call().get().unwrap(), None);
    assert_eq!(call().execute(), ["a", "b"]);
    assert!(call().storage().backend().is_ok());
    let calls = || ["a", "b", "a"].map(|text| service.words_ring(text));
    assert_eq!(calls().get_or_update_many(), [["a"], ["b"], ["a"]]);
    assert_eq!(calls().delete_many().unwrap(), [true, true, false]);
    assert!(service.parsed("x").is_err());
    assert_eq!(service.parsed("7"), Ok(7));
    assert_eq!(keys(&service.disk), ["parsed:Service:7"]);
    assert_eq!(service.parsed_cache().stats().errors, 0);
}

#[test]
fn values_survive_a_restart_and_expire() {
    let (folder, wall) = (Folder::new(), Wall::new());
    let service = Service::new(wall.of(folder.open()));
    service.words("a b");
    drop(service);
    wall.move_by(59);
    let service = Service::new(wall.of(folder.open()));
    assert_eq!(service.words("a b"), ["a", "b"]);
    assert_eq!(service.computed(), 0);
    wall.move_by(1);
    service.words("a b");
    assert_eq!(service.computed(), 1);
    assert_eq!(service.words_cache().stats().expirations, 1);
}

#[test]
fn a_fault_changes_no_answer() {
    let folder = Folder::new();
    let service = Service::new(folder.open());
    service.words("a b");
    tamper(&service.disk, "UPDATE entries SET value = x'00'");
    assert_eq!(service.words("a b"), ["a", "b"]);
    assert_eq!(service.words("a b"), ["a", "b"]);
    assert_eq!((service.computed(), service.disk.damages().entries), (2, 1));

    std::fs::write(folder.file(), [7; 20_000]).unwrap();
    assert_eq!(service.words("c"), ["c"]);
    assert_eq!(service.words("c"), ["c"]);
    assert_eq!(service.computed(), 3);
    assert_eq!(service.words_cache().stats().errors, 0);

    std::fs::remove_dir_all(&folder.0).unwrap();
    for _ in 0..2 {
        assert_eq!(service.words("c"), ["c"]);
    }
    assert_eq!((service.computed(), service.words_cache().stats().errors), (4, 0));
    // A file in place of the folder.
    std::fs::remove_dir_all(&folder.0).unwrap();
    std::fs::write(&folder.0, "").unwrap();
    for _ in 0..2 {
        assert_eq!(service.words("c"), ["c"]);
    }
    assert_eq!(service.computed(), 6);
    assert!(service.words_cache().stats().errors > 0);
    let error = service.words_ring("d").get().unwrap_err().to_string();
    std::fs::remove_file(&folder.0).unwrap();
    assert!(
        error.starts_with("get on disk for the ring `words` failed: "),
        "{error}"
    );
}

#[cfg(feature = "tokio")]
mod in_async_functions {
    use std::sync::Arc;

    use ring_cache_backends::Blocking;

    use super::*;

    #[derive(RingKey)]
    struct Page {
        url: String,
        #[ring_key(skip)]
        disk: Blocking<Disk>,
        #[ring_key(skip)]
        computed: AtomicU32,
    }

    #[ring_impl(storage = self.disk as Blocking<Disk>, coder = Cbor)]
    impl Page {
        #[ring(expire = "60s", key_prefix = "page")]
        async fn content(&self, number: u32) -> String {
            tokio::task::yield_now().await;
            format!(
                "{} {number} {}",
                self.url,
                self.computed.fetch_add(1, Ordering::SeqCst)
            )
        }
    }

    fn page(folder: &Folder) -> Arc<Page> {
        Arc::new(Page {
            url: "url".into(),
            disk: Blocking::new(folder.open().namespace("shop")),
            computed: AtomicU32::new(0),
        })
    }

    #[test]
    fn every_verb() {
        let folder = Folder::new();
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let first = page(&folder);
        runtime.block_on(async {
            let calls = (0..20).map(|_| {
                let page = Arc::clone(&first);
                tokio::spawn(async move { page.content(1).await })
            });
            for task in calls.collect::<Vec<_>>() {
                assert_eq!(task.await.unwrap(), "url 1 0");
            }
            let call = || first.content_ring(1);
            assert_eq!(call().key(), "shop:page:url:1");
            assert_eq!(call().get().await.unwrap().as_deref(), Some("url 1 0"));
            assert_eq!(call().update().await, "url 1 1");
            assert!(call().touch().await.unwrap());
            first.content(2).await;
            assert!(first.content_ring(2).delete().await.unwrap());
        });
        // The process starts again.
        drop(first);
        let second = page(&folder);
        runtime.block_on(async {
            assert_eq!(second.content(1).await, "url 1 1");
            assert!(!second.content_ring(2).has().await.unwrap());
            second.content_cache().clear().await.unwrap();
            assert!(!second.content_ring(1).has().await.unwrap());
        });
        assert!(keys(second.disk.backend()).is_empty());
    }
}
