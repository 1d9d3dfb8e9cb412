//! Spans of computations and events of failures, as a subscriber gets them. In a separate process: concurrent threads
//! without a subscriber influence which spans are enabled.

#![cfg(feature = "tracing")]

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use ring_cache::ring;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Everything that a subscriber gets, as lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn add(&self, what: &str, metadata: Option<&Metadata<'_>>, fields: impl FnOnce(&mut Fields)) {
        let mut text = Fields(what.to_owned());
        if let Some(metadata) = metadata {
            _ = write!(text.0, " {} {}", metadata.level(), metadata.name());
        }
        fields(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    /// The lines with this text, since other libraries have events, too.
    fn with(&self, part: &str) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        lines.iter().filter(|line| line.contains(part)).cloned().collect()
    }
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        _ = write!(self.0, " {field}={value:?}");
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("ring_cache") || metadata.target().starts_with("spans")
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.add("new", Some(span.metadata()), |fields| span.record(fields));
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        self.add("record", None, |fields| values.record(fields));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        self.add("event", Some(event.metadata()), |fields| event.record(fields));
    }
    fn enter(&self, _: &Id) {
        self.add("enter", None, |_| ());
    }
    fn exit(&self, _: &Id) {
        self.add("exit", None, |_| ());
    }
}

/// One test at a time has a subscriber.
static TURN: Mutex<()> = Mutex::new(());

#[ring(key_prefix = "spans.one")]
fn one(id: u32) -> u32 {
    tracing::info!("the body");
    id
}

/// One test, since the setting for keys is global.
#[test]
fn o4_a_computation_is_one_span_and_a_hit_is_none() {
    let _turn = TURN.lock();
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        one(1);
        let told = lines.0.lock().unwrap().clone();
        assert_eq!(told.len(), 4, "{told:#?}");
        assert!(
            told[0].starts_with("new INFO ring.compute") && told[0].contains("ring=\"spans.one\""),
            "{told:?}"
        );
        assert!(!told[0].contains("key="));
        assert_eq!((&*told[1], &*told[3]), ("enter", "exit"));
        assert!(told[2].starts_with("event INFO") && told[2].ends_with("message=the body"));
        one(1);
        assert_eq!(lines.0.lock().unwrap().len(), 4, "a hit");
        ring_cache::tracing::record_keys(true);
        one(2);
        ring_cache::tracing::record_keys(false);
        assert_eq!(lines.with("record"), ["record key=\"spans.one:2\""]);
    });
}

#[ring(key_prefix = "spans.awaited")]
async fn awaited(id: u32) -> u32 {
    tokio::task::yield_now().await;
    tracing::info!("the awaited body");
    id
}

#[test]
fn o4_an_awaited_computation_is_inside_its_span_only_while_it_is_polled() {
    let _turn = TURN.lock();
    let lines = Lines::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    tracing::subscriber::with_default(lines.clone(), || runtime.block_on(awaited(1)));
    let told = lines.0.lock().unwrap().clone();
    let told: Vec<_> = told.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(told, ["new", "enter", "exit", "enter", "event", "exit"]);
}

#[cfg(feature = "redis")]
#[test]
fn o4_failures_are_events_and_a_storage_that_does_not_work_is_one_warning() {
    use ring_cache::{Redis, RingKey, ring_impl};

    #[derive(RingKey)]
    struct Shop {
        #[ring_key(skip)]
        redis: Redis,
    }
    #[ring_impl]
    impl Shop {
        #[ring(redis = self.redis, key_prefix = "spans.price", expire = "1m")]
        fn price(&self, article: u32) -> u32 {
            article
        }
    }
    let shop = Shop {
        redis: Redis::open("redis://:hunter2@127.0.0.1:3").unwrap(),
    };
    let _turn = TURN.lock();
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || (0..10).for_each(|id| _ = shop.price(id)));
    let warnings = lines.with("event WARN");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("storage=\"redis\"") && warnings[0].contains("127.0.0.1:3"),
        "{warnings:?}"
    );
    let errors = lines.with("event ERROR");
    assert!(
        errors[0].contains("ring=\"spans.price\"") && errors[0].contains("operation=\"get\""),
        "{errors:?}"
    );
    assert!(lines.with("hunter2").is_empty());
}
