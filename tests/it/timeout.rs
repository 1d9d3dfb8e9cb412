//! Calls with a limited wait for the body.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ring_cache::testing::assert_computed;
use ring_cache::{AsyncCalls, Calls, Lru, Map, RingKey, TimedOut, background, ring, ring_impl};

/// Long enough for any machine, where the limit must not end a call.
const LONG: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, PartialEq)]
enum Error {
    Slow(TimedOut),
    Down,
}

impl From<TimedOut> for Error {
    fn from(timed_out: TimedOut) -> Self {
        Error::Slow(timed_out)
    }
}

/// An origin with numbered answers, which wait at a gate.
#[derive(Clone, RingKey)]
struct Origin {
    #[ring_key(skip)]
    gate: Arc<Gate>,
    #[ring_key(skip)]
    values: Arc<Lru<u32>>,
}

#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
    answers: AtomicU32,
    began: AtomicU32,
    is_down: AtomicBool,
}

impl Gate {
    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn close(&self) {
        *self.is_open.lock().unwrap() = false;
    }
}

impl Origin {
    fn new() -> Self {
        Origin {
            gate: Arc::default(),
            values: Arc::new(Lru::new(100)),
        }
    }

    fn open() -> Self {
        let origin = Self::new();
        origin.gate.open();
        origin
    }

    fn answer(&self) -> Result<u32, Error> {
        self.gate.began.fetch_add(1, SeqCst);
        let is_open = self.gate.is_open.lock().unwrap();
        drop(self.gate.opened.wait_while(is_open, |open| !*open).unwrap());
        if self.gate.is_down.load(SeqCst) {
            return Err(Error::Down);
        }
        Ok(self.gate.answers.fetch_add(1, SeqCst) + 1)
    }

    /// [`answer`](Self::answer), in a task.
    async fn answer_later(&self) -> Result<u32, Error> {
        let origin = self.clone();
        tokio::task::spawn_blocking(move || origin.answer())
            .await
            .unwrap()
    }

    fn began(&self) -> u32 {
        self.gate.began.load(SeqCst)
    }
}

#[ring_impl(lru = self.values, expire = "1h")]
impl Origin {
    #[ring(timeout = "20ms")]
    fn soon(&self, id: u32) -> Result<u32, Error> {
        let _ = id;
        self.answer()
    }

    #[ring(timeout = LONG)]
    fn patiently(&self, id: u32) -> Result<u32, Error> {
        assert!(id != 13, "unlucky");
        self.answer()
    }

    #[ring(timeout = "20ms", flight_timeout = "1ms")]
    fn replaced(&self, id: u32) -> Result<u32, Error> {
        let _ = id;
        self.answer()
    }

    #[ring(timeout = "20ms", coalesce = false)]
    fn each(&self, id: u32) -> Result<u32, Error> {
        let _ = id;
        self.answer()
    }

    #[ring(timeout = LONG)]
    fn inner(&self, id: u32) -> Result<u32, Error> {
        Ok(self.outer(id)? + 1)
    }

    #[ring(timeout = LONG)]
    fn outer(&self, id: u32) -> Result<u32, Error> {
        if self.gate.began.fetch_add(1, SeqCst) == 0 {
            return self.inner(id);
        }
        Ok(id)
    }

    #[ring(timeout = "20ms")]
    async fn soon_async(&self, id: u32) -> Result<u32, Error> {
        let _ = id;
        self.answer_later().await
    }

    #[ring(timeout = LONG)]
    async fn patiently_async(&self, id: u32) -> Result<u32, Error> {
        assert!(id != 13, "unlucky");
        self.answer_later().await
    }

    #[ring(timeout = LONG, refresh = caller)]
    async fn by_caller(&self, id: &str) -> Result<u32, Error> {
        let _ = id;
        self.answer_later().await
    }

    #[ring(timeout = "20ms", stale = "1h", wait = "1ms")]
    fn kept(&self, id: u32) -> Result<u32, Error> {
        let _ = id;
        self.answer()
    }
}

/// Waits until `is_so` is true.
fn until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "it never came");
        thread::sleep(Duration::from_millis(1));
    }
}

async fn until_async(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn on_tokio<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.unwrap().block_on(test)
}

fn is_slow<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Slow(_)))
}

#[test]
fn f16_a_call_leaves_a_body_that_takes_too_long_and_the_value_is_stored() {
    let origin = Origin::new();
    let Err(Error::Slow(timed_out)) = origin.soon(1) else {
        panic!("it waits for the gate");
    };
    assert!(timed_out.ring().ends_with("Origin.soon"), "{timed_out}");
    assert_eq!(timed_out.timeout(), Duration::from_millis(20));
    assert!(
        timed_out
            .to_string()
            .ends_with("Origin.soon: no value after 20ms"),
        "{timed_out}"
    );
    assert!(is_slow(&origin.soon(1)), "the second waits for the same body");
    origin.gate.open();
    until(|| origin.soon_ring(1).has());
    assert_eq!((origin.soon(1), origin.began()), (Ok(1), 1));
}

#[test]
fn f16_tasks_leave_it_too() {
    on_tokio(async {
        let origin = Origin::new();
        assert!(is_slow(&origin.soon_async(1).await));
        assert!(is_slow(&origin.soon_async(1).await));
        origin.gate.open();
        until_async(|| origin.gate.answers.load(SeqCst) == 1).await;
        while !origin.soon_async_ring(1).has().await {
            tokio::task::yield_now().await;
        }
        assert_eq!((origin.soon_async(1).await, origin.began()), (Ok(1), 1));
    });
}

#[test]
fn a_body_in_time_gives_its_result() {
    let origin = Origin::open();
    assert_eq!((origin.patiently(1), origin.patiently(1)), (Ok(1), Ok(1)));
    origin.gate.is_down.store(true, SeqCst);
    assert_eq!(origin.patiently(2), Err(Error::Down));
    assert!(!origin.patiently_ring(2).has());
    on_tokio(async {
        assert_eq!(origin.patiently_async(1).await, Err(Error::Down));
        origin.gate.is_down.store(false, SeqCst);
        assert_eq!(origin.patiently_async(1).await, Ok(2));
        assert_eq!(origin.patiently_async(1).await, Ok(2));
    });
}

#[test]
fn many_calls_wait_for_one_body() {
    let origin = Origin::new();
    thread::scope(|scope| {
        let calls: Vec<_> = (0..20).map(|_| scope.spawn(|| origin.patiently(1))).collect();
        until(|| origin.began() == 1);
        origin.gate.open();
        for call in calls {
            assert_eq!(call.join().unwrap(), Ok(1));
        }
    });
    assert_eq!(origin.began(), 1);
    let stats = origin.patiently_cache().stats();
    assert_eq!((stats.computed, stats.stores), (1, 1));
}

#[test]
fn many_tasks_wait_for_one_body() {
    on_tokio(async {
        let origin = Origin::new();
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let origin = origin.clone();
                tokio::spawn(async move { origin.patiently_async(1).await })
            })
            .collect();
        until_async(|| origin.began() == 1).await;
        origin.gate.open();
        for task in tasks {
            assert_eq!(task.await.unwrap(), Ok(1));
        }
        assert_eq!(origin.began(), 1);
    });
}

#[test]
fn a_panic_of_the_body_is_the_callers() {
    let origin = Origin::open();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| origin.patiently(13)));
    let panic = caught.expect_err("the body panics");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"unlucky"));
    assert_eq!(origin.patiently(1), Ok(1), "nothing is left behind");
    on_tokio(async {
        let origin = origin.clone();
        let task = tokio::spawn(async move { origin.patiently_async(13).await });
        assert!(task.await.is_err_and(|error| error.is_panic()));
    });
}

#[test]
fn a_body_that_exceeds_flight_timeout_is_replaced_by_the_next_call() {
    let origin = Origin::new();
    assert!(is_slow(&origin.replaced(1)));
    until(|| origin.began() == 1);
    thread::sleep(Duration::from_millis(5));
    assert!(is_slow(&origin.replaced(1)));
    until(|| origin.began() == 2);
    thread::sleep(Duration::from_millis(5));
    assert!(is_slow(&origin.replaced(1)));
    until(|| origin.began() == 3);
    origin.gate.open();
    until(|| origin.replaced_ring(1).has());
}

#[test]
fn what_was_deleted_is_not_stored_by_a_body_that_goes_on() {
    let origin = Origin::new();
    assert!(is_slow(&origin.soon(1)));
    until(|| origin.began() == 1);
    origin.soon_ring(1).delete();
    origin.soon_ring(2).set(7);
    origin.gate.open();
    until(|| origin.gate.answers.load(SeqCst) == 1);
    assert_eq!(background::counts().panicked, 0);
    assert!(!origin.soon_ring(1).has());
    assert_eq!(origin.soon(2), Ok(7));
}

#[test]
fn calls_that_do_not_wait_for_each_other_have_a_limit_as_well() {
    let origin = Origin::new();
    assert!(is_slow(&origin.each(1)));
    assert!(is_slow(&origin.each(1)));
    until(|| origin.began() == 2);
    origin.gate.open();
    until(|| origin.each_ring(1).has());
}

#[test]
fn a_body_that_calls_itself_by_others_does_not_wait_for_itself() {
    let origin = Origin::open();
    assert_eq!(origin.outer(5), Ok(6));
}

#[test]
fn explicit_verbs_and_bulk_calls_wait_as_long_as_it_takes() {
    let origin = Origin::new();
    thread::scope(|scope| {
        let updated = scope.spawn(|| origin.soon_ring(1).update());
        let executed = scope.spawn(|| origin.soon_ring(2).execute());
        let bulk = scope.spawn(|| {
            (3..5)
                .map(|id| origin.soon_ring(id))
                .collect::<Vec<_>>()
                .get_or_update_many()
        });
        until(|| origin.began() >= 3);
        thread::sleep(Duration::from_millis(40));
        assert!(!updated.is_finished() && !executed.is_finished() && !bulk.is_finished());
        origin.gate.open();
        assert!(updated.join().unwrap().is_ok() && executed.join().unwrap().is_ok());
        assert!(bulk.join().unwrap().iter().all(Result::is_ok));
    });
}

#[test]
fn a_caller_that_runs_the_body_itself_drops_it() {
    struct Gone(Arc<AtomicBool>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.store(true, SeqCst);
        }
    }

    #[ring(timeout = "20ms", refresh = caller, ignore(gone))]
    async fn endless(id: &str, gone: Arc<AtomicBool>) -> Result<u32, Error> {
        let _ = id;
        let _gone = Gone(gone);
        std::future::pending().await
    }

    on_tokio(async {
        let gone = Arc::new(AtomicBool::new(false));
        assert!(is_slow(&endless("a", Arc::clone(&gone)).await));
        assert!(gone.load(SeqCst), "the body is dropped");
        let origin = Origin::open();
        assert_eq!(origin.by_caller("b").await, Ok(1));
    });
}

#[test]
fn a_call_that_is_dropped_leaves_the_body_to_itself() {
    on_tokio(async {
        let origin = Origin::new();
        let waiting = tokio::time::timeout(Duration::from_millis(5), origin.patiently_async(1));
        assert!(waiting.await.is_err());
        until_async(|| origin.began() == 1).await;
        origin.gate.open();
        assert_eq!((origin.patiently_async(1).await, origin.began()), (Ok(1), 1));
    });
}

#[test]
fn a_stale_value_is_returned_meanwhile_and_the_limit_is_for_none() {
    let origin = Origin::new();
    assert!(is_slow(&origin.kept(1)));
    origin.gate.open();
    until(|| origin.kept_ring(1).has());
    origin.gate.close();
    assert!(origin.kept_ring(1).expire());
    assert_eq!(origin.kept(1), Ok(1), "the stale one");
    origin.gate.open();
    until(|| origin.kept_ring(1).get() == Some(2));
}

#[ring(timeout = LONG)]
fn free(id: u32) -> Result<u32, Error> {
    Ok(id)
}

#[ring(timeout = LONG, capacity = 10)]
fn generic<T: RingKey + Clone + Send + Into<u32> + 'static>(id: T) -> Result<u32, Error> {
    Ok(id.into())
}

trait Named {
    fn named(&self, name: &str) -> Result<String, Error>;
}

#[derive(Clone, RingKey)]
struct Greeter {
    #[ring_key(skip)]
    names: Arc<Map<String>>,
}

#[ring_impl(map = self.names)]
impl Named for Greeter {
    #[ring(timeout = LONG)]
    fn named(&self, name: &str) -> Result<String, Error> {
        Ok(format!("Hello, {name}!"))
    }
}

#[ring_impl(timeout = LONG)]
impl Greeter {
    #[ring]
    fn fixed(name: &str) -> Result<String, Error> {
        Ok(name.to_owned())
    }

    #[ring(class)]
    fn of_class(id: u8) -> Result<u8, Error> {
        Ok(id)
    }

    #[ring]
    fn shared(self: &Arc<Self>, id: u8) -> Result<u8, Error> {
        Ok(id)
    }

    #[ring(property)]
    fn lazy(&self) -> Result<u8, Box<dyn std::error::Error + Send + Sync>> {
        Ok(7)
    }
}

#[test]
fn every_form_of_a_method_has_it() {
    assert_eq!((free(1), free(1), generic(7_u16)), (Ok(1), Ok(1), Ok(7)));
    let greeter = Greeter {
        names: Arc::new(Map::new()),
    };
    assert_eq!(greeter.named("Ada"), Ok("Hello, Ada!".to_owned()));
    assert_eq!(
        (Greeter::fixed("x"), Greeter::of_class(3)),
        (Ok("x".to_owned()), Ok(3))
    );
    assert_eq!(greeter.lazy().unwrap(), 7);
    assert_eq!(Arc::new(greeter).shared(9), Ok(9));
    assert_computed!(0, {
        let _ = (free(1), Greeter::fixed("x"));
    });
}

#[test]
fn many_calls_at_once_in_async_code() {
    on_tokio(async {
        let origin = Origin::open();
        let calls: Vec<_> = (0..10).map(|id| origin.patiently_async_ring(id)).collect();
        let values = calls.get_or_update_many().await;
        assert!(values.iter().all(Result::is_ok));
    });
}

/// A source with rising values that is sometimes slow.
#[derive(Clone, RingKey)]
struct Rising {
    #[ring_key(skip)]
    version: Arc<AtomicU32>,
    #[ring_key(skip)]
    asked: Arc<AtomicU32>,
    #[ring_key(skip)]
    values: Arc<Lru<u32>>,
}

#[ring_impl(lru = self.values)]
impl Rising {
    #[ring(timeout = "1ms", flight_timeout = "5ms")]
    fn read(&self, id: u32) -> Result<u32, Error> {
        let _ = id;
        let version = self.version.load(SeqCst);
        if self.asked.fetch_add(1, SeqCst).is_multiple_of(3) {
            thread::sleep(Duration::from_millis(2));
        }
        Ok(version)
    }

    #[ring(timeout = "1ms", flight_timeout = "5ms")]
    async fn read_async(&self, id: u32) -> Result<u32, Error> {
        let _ = id;
        let version = self.version.load(SeqCst);
        if self.asked.fetch_add(1, SeqCst).is_multiple_of(3) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(version)
    }
}

fn rising() -> Rising {
    Rising {
        version: Arc::default(),
        asked: Arc::default(),
        values: Arc::new(Lru::new(10)),
    }
}

#[test]
fn after_a_delete_no_call_returns_what_was_computed_before_it() {
    let source = rising();
    thread::scope(|scope| {
        for writer in 0..4 {
            let source = &source;
            scope.spawn(move || {
                for _ in 0..150 {
                    let version = source.version.fetch_add(1, SeqCst) + 1;
                    source.read_ring(writer % 2).delete();
                    match source.read(writer % 2) {
                        Ok(found) => assert!(found >= version, "{found} is older than {version}"),
                        Err(error) => assert!(matches!(error, Error::Slow(_))),
                    }
                }
            });
        }
    });
}

#[test]
fn after_a_delete_no_task_returns_what_was_computed_before_it() {
    on_tokio(async {
        let source = rising();
        let tasks: Vec<_> = (0..4)
            .map(|writer| {
                let source = source.clone();
                tokio::spawn(async move {
                    for _ in 0..150 {
                        let version = source.version.fetch_add(1, SeqCst) + 1;
                        source.read_async_ring(writer % 2).delete().await;
                        match source.read_async(writer % 2).await {
                            Ok(found) => assert!(found >= version, "{found} is older than {version}"),
                            Err(error) => assert!(matches!(error, Error::Slow(_))),
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}
