//! The verbs, blocking and awaited.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ring_cache::coder::Json;
use ring_cache::{AsyncCalls, Calls, RingKey, ring_impl};
use ring_cache_backends::Memcached;
use ring_cache_test_servers as servers;

use super::{patient, run, start};

#[derive(RingKey)]
#[ring_key(prefix = "shop")]
struct Shop {
    name: String,
    #[ring_key(skip)]
    prices: Memcached,
    #[ring_key(skip)]
    computed: AtomicU32,
}

#[ring_impl(storage = self.prices as Memcached, coder = Json)]
impl Shop {
    #[ring(key_prefix = "price")]
    fn price(&self, article: u32) -> u32 {
        self.computed.fetch_add(1, Ordering::SeqCst);
        article * 10
    }

    #[ring(key_prefix = "offer", expire = "60s")]
    async fn offer(&self, article: u32) -> Vec<String> {
        self.computed.fetch_add(1, Ordering::SeqCst);
        vec![format!("{article} for you")]
    }
}

impl Shop {
    fn on(prices: Memcached) -> Self {
        Shop {
            name: "corner".into(),
            prices,
            computed: AtomicU32::new(0),
        }
    }

    fn computed(&self) -> u32 {
        self.computed.load(Ordering::SeqCst)
    }
}

#[test]
fn blocking() {
    let Some((server, storage)) = start("the verbs on memcached") else {
        return;
    };
    let shop = Shop::on(storage);
    let call = || shop.price_ring(7);
    assert_eq!(call().get().unwrap(), None);
    assert_eq!((shop.price(7), shop.price(7), shop.computed()), (70, 70, 1));
    assert_eq!(call().get().unwrap(), Some(70));
    assert_eq!(server.value("price:shop=corner:7").as_deref(), Some(&b"70"[..]));
    call().set(71).unwrap();
    assert_eq!(shop.price(7), 71);
    assert_eq!(server.value(call().key().as_str()).as_deref(), Some(&b"71"[..]));
    assert_eq!(call().update(), 70);
    assert!(call().has().unwrap() && call().touch().unwrap());
    assert!(call().expire_in(Duration::from_secs(60)).touch().unwrap());
    assert!(call().delete().unwrap() && !call().delete().unwrap());
    assert!(!call().has().unwrap() && !call().touch().unwrap());
    assert!(!call().expire_in(Duration::from_secs(60)).touch().unwrap());
    assert_eq!(call().execute(), 70);
    assert_eq!(server.value("price:shop=corner:7"), None);
}

#[test]
fn awaited() {
    let Some((server, storage)) = start("the verbs on memcached") else {
        return;
    };
    let shop = Shop::on(storage);
    let call = || shop.offer_ring(7);
    run(async {
        let (mine, yours) = (vec!["mine".to_owned()], vec!["7 for you".to_owned()]);
        assert_eq!(call().get().await.unwrap(), None);
        assert_eq!(
            (shop.offer(7).await, shop.offer(7).await),
            (yours.clone(), yours.clone())
        );
        assert_eq!(shop.computed(), 1);
        assert_eq!(
            server.value("offer:shop=corner:7").as_deref(),
            Some(&br#"["7 for you"]"#[..])
        );
        call().set(mine.clone()).await.unwrap();
        assert_eq!(shop.offer(7).await, mine);
        assert_eq!(call().update().await, yours);
        assert!(call().has().await.unwrap() && call().touch().await.unwrap());
        assert!(call().delete().await.unwrap() && !call().delete().await.unwrap());
        assert!(!call().has().await.unwrap() && !call().touch().await.unwrap());
        assert_eq!(call().execute().await, yours);
        assert_eq!(server.value("offer:shop=corner:7"), None);
    });
}

#[test]
fn many_at_once() {
    let Some((_server, storage)) = start("bulk verbs on memcached") else {
        return;
    };
    let shop = Shop::on(storage);
    let calls = || (1..=3).map(|article| shop.price_ring(article));
    shop.price_ring(2).set(21).unwrap();
    assert_eq!(calls().get_many().unwrap(), [None, Some(21), None]);
    assert_eq!(calls().get_or_update_many(), [10, 21, 30]);
    assert_eq!(calls().has_many().unwrap(), [true; 3]);
    calls().set_many([1, 2, 3]).unwrap();
    assert_eq!(calls().get_many().unwrap(), [Some(1), Some(2), Some(3)]);
    assert_eq!(calls().touch_many().unwrap(), [true; 3]);
    assert_eq!(calls().delete_many().unwrap(), [true; 3]);
    assert_eq!(calls().delete_many().unwrap(), [false; 3]);

    let calls = || (1..=3).map(|article| shop.offer_ring(article));
    run(async {
        let offers = calls().get_or_update_many().await;
        assert_eq!(offers[2], ["3 for you"]);
        assert_eq!(
            calls().get_many().await.unwrap()[1],
            Some(vec!["2 for you".to_owned()])
        );
        assert_eq!(calls().touch_many().await.unwrap(), [true; 3]);
        assert_eq!(calls().delete_many().await.unwrap(), [true; 3]);
        assert_eq!(calls().has_many().await.unwrap(), [false; 3]);
    });
}

#[test]
fn both_colours_share_entries() {
    let Some((_server, storage)) = start("both colours on memcached") else {
        return;
    };
    super::write(&storage, "key", "blocking").unwrap();
    run(async {
        assert_eq!(
            super::read_async(&storage, "key").await.unwrap().unwrap(),
            b"blocking"
        );
        super::write_async(&storage, "key", "awaited").await.unwrap();
    });
    assert_eq!(super::read(&storage, "key").unwrap().unwrap(), b"awaited");
}

#[test]
fn over_a_unix_socket() {
    let started = servers::Memcached::options().unix_socket().start();
    let Some(server) = servers::or_leave_out("memcached on a Unix socket", started) else {
        return;
    };
    for address in [server.url(), server.address()] {
        let storage = patient(address);
        super::write(&storage, "key", "value").unwrap();
        assert_eq!(server.value("key").unwrap(), b"value");
        assert_eq!(
            run(super::read_async(&storage, "key")).unwrap().unwrap(),
            b"value"
        );
        let error = storage.backend().err().unwrap().to_string();
        assert!(error.contains("Unix"), "{error}");
    }
}

/// The client finds keys on the same servers as the storage.
#[test]
fn the_client_behind_it() {
    let Some((server, _)) = start("the client of memcached") else {
        return;
    };
    let Some((other, _)) = start("the client of memcached") else {
        return;
    };
    let storage = patient([server.address(), other.address()]);
    for key in (0..20).map(|key| format!("key:{key}")) {
        super::write(&storage, &key, &key).unwrap();
        let found = storage.backend().unwrap().get(&key).send().unwrap();
        assert_eq!(found.value.unwrap(), key.as_bytes());
        assert_eq!(found.client_flags, Some(0));
    }
}

#[test]
fn opening_only_reads_the_address() {
    let storage = Memcached::open("memcache://nobody.invalid:11211")
        .unwrap()
        .namespace("shop");
    assert!(format!("{storage:?}").starts_with(r#"memcached { namespace: "shop:", "#));
    let error = super::read(&storage.clone().deadline(Duration::from_secs(10)), "key").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("get on memcached at nobody.invalid:11211 failed: "),
        "{error}"
    );
    assert!(Memcached::open("").is_err());
}
