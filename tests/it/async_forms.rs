//! Cached `async fn`s in all their forms.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ring_cache::coder::Raw;
use ring_cache::{Action, ActionResult, AsyncCalls, Lru, Map, RingKey, ring, ring_impl};
use tokio::task::yield_now;

/// Runs a future on the thread of the test, in a runtime.
fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(future)
}

/// A future that may move to another thread.
fn sent<F: Future + Send>(future: F) -> F {
    future
}

/// Counts the runs of a body.
#[derive(Default)]
struct Runs(AtomicUsize);

impl Runs {
    fn count(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn taken(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

#[derive(RingKey, Default)]
struct Users {
    tenant: String,
    #[ring_key(skip)]
    runs: Runs,
    #[ring_key(skip)]
    cache: Lru<String>,
    #[ring_key(skip)]
    bytes: Map<Vec<u8>>,
}

#[ring_impl]
impl Users {
    /// A user's name.
    #[ring]
    async fn name(&self, id: u64) -> String {
        yield_now().await;
        self.runs.count();
        format!("{id} of {}", self.tenant)
    }

    #[ring(lru = self.cache, expire = "1h", ignore(trace))]
    async fn city<'a>(&'a self, id: u64, trace: &'a str) -> String {
        self.runs.count();
        yield_now().await;
        format!("city {id} ({trace})")
    }

    #[ring(map = self.bytes, coder = Raw)]
    async fn friends(&self, id: u64, names: &[&str], (low, high): (u32, u32)) -> String {
        self.runs.count();
        yield_now().await;
        format!("{id}: {} {low}-{high}", names.join(" "))
    }

    #[ring(property)]
    async fn title(&self) -> Arc<str> {
        self.runs.count();
        self.tenant.as_str().into()
    }

    #[ring]
    async fn parse(&self, text: &str) -> Result<i64, std::num::ParseIntError> {
        self.runs.count();
        yield_now().await;
        let number: i64 = text.parse()?;
        if number < 0 {
            return Ok(0);
        }
        Ok(number)
    }

    #[ring(unless = Option::is_none)]
    async fn find(&self, id: u64) -> Option<String> {
        self.runs.count();
        (id > 10).then(|| id.to_string())
    }

    #[ring(action = update)]
    async fn fresh(&self) -> usize {
        self.runs.count();
        1
    }

    #[ring]
    async fn total() -> usize {
        yield_now().await;
        3
    }

    #[ring(class)]
    async fn template() -> String {
        "<h1>".into()
    }

    #[ring]
    async fn fibonacci(n: u32) -> u64 {
        if n < 2 {
            return u64::from(n);
        }
        Self::fibonacci(n - 1).await + Self::fibonacci(n - 2).await
    }
}

#[test]
fn methods() {
    let (users, others) = (
        Users {
            tenant: "acme".into(),
            ..Users::default()
        },
        Users::default(),
    );
    run(sent(async {
        assert_eq!(users.name(1).await, "1 of acme");
        assert_eq!(users.name(1).await, "1 of acme");
        assert_eq!(users.runs.taken(), 1);
        assert_eq!(users.name_ring(1).get().await, Some("1 of acme".into()));
        assert!(!others.name_ring(1).has().await && !users.name_ring(2).has().await);
        assert!(users.name_ring(1).key().as_str().ends_with("Users.name:acme:1"));

        users.name_ring(1).set("Ada".into()).await;
        assert_eq!(users.name(1).await, "Ada");
        assert_eq!(users.name_ring(1).update().await, "1 of acme");
        assert_eq!(users.name_ring(1).execute().await, "1 of acme");
        assert_eq!(users.name_ring(1).get_or_update().await, "1 of acme");
        assert_eq!(users.runs.taken(), 2);
        assert!(users.name_ring(1).touch().await);
        assert!(users.name_ring(1).delete().await);
        assert!(!users.name_ring(1).delete().await);
        let ran = users.name_ring(1).run(Action::GetOrUpdate).await;
        assert_eq!(ran, ActionResult::Returned("1 of acme".to_owned()));
    }));
}

#[test]
fn options() {
    let users = Users::default();
    run(sent(async {
        assert_eq!(users.city(1, "a").await, users.city(1, "b").await);
        assert_eq!((users.runs.taken(), users.cache.len()), (1, 1));
        assert_eq!(users.city_ring(1, "c").expiry(), Some(Duration::from_secs(3600)));
        users
            .city_ring(2, "")
            .expire_in(Duration::ZERO)
            .set("nowhere".into())
            .await;
        assert!(!users.city_ring(2, "").has().await);

        let friends = users.friends(1, &["Ada"], (2, 3)).await;
        assert_eq!(friends, users.friends(1, &["Ada"], (2, 3)).await);
        assert_eq!(users.runs.taken(), 1);
        let call = users.friends_ring(1, &["Ada"], (2, 3));
        let bytes = call.storage().backend().get(&call.key()).expect("bytes");
        assert_eq!(call.decode(&bytes).expect("text"), friends);

        assert_eq!((users.fresh().await, users.fresh().await), (1, 1));
        assert_eq!(users.runs.taken(), 2);
        assert_eq!(users.find(1).await, users.find(1).await);
        assert_eq!(users.find(11).await, users.find(11).await);
        assert_eq!(users.runs.taken(), 3);
    }));
}

#[test]
fn results() {
    let users = Users::default();
    run(sent(async {
        assert_eq!(
            (users.parse("42").await, users.parse("42").await),
            (Ok(42), Ok(42))
        );
        assert_eq!(
            (users.runs.taken(), users.parse_ring("42").get().await),
            (1, Some(42))
        );
        assert!(users.parse("many").await.is_err() && users.parse("many").await.is_err());
        assert_eq!(
            (users.runs.taken(), users.parse_ring("many").has().await),
            (2, false)
        );
        assert_eq!(users.parse("-1").await, Ok(0));
    }));
}

#[test]
fn properties_and_associated_functions() {
    let users = Users {
        tenant: "acme".into(),
        ..Users::default()
    };
    run(sent(async {
        assert!(Arc::ptr_eq(&users.title().await, &users.title().await));
        assert_eq!(Users::total().await, 3);
        assert_eq!(Users::template().await, "<h1>");
        assert!(Users::total_ring().key().as_str().ends_with("Users.total"));
        assert!(
            Users::template_ring()
                .key()
                .as_str()
                .ends_with("Users.template:Users")
        );
    }));
}

#[test]
fn recursion_needs_no_box() {
    assert_eq!(run(sent(Users::fibonacci(90))), 2_880_067_194_370_816_120);
    assert_eq!(Users::fibonacci_cache().stats().misses, 91);
}

#[test]
fn many_calls() {
    let users = Users {
        tenant: "bulk".into(),
        ..Users::default()
    };
    run(sent(async {
        users.name(2).await;
        let names = sent((1..=3).map(|id| users.name_ring(id)).get_or_update_many()).await;
        assert_eq!(names, ["1 of bulk", "2 of bulk", "3 of bulk"]);
        assert_eq!(users.runs.taken(), 3);
        let names = sent([1, 2].map(|id| users.name_ring(id)).at_most(1).update_many()).await;
        assert_eq!((names.len(), users.runs.taken()), (2, 2));
        let calls = || vec![users.name_ring(1), users.name_ring(9)];
        assert_eq!(calls().get_many().await, [Some("1 of bulk".into()), None]);
        assert_eq!(calls().has_many().await, [true, false]);
        assert_eq!(calls().touch_many().await, [true, false]);
        assert_eq!(calls().key_many()[1], calls()[1].key());
        calls().set_many(["a".into(), "b".into()]).await.expect("as many");
        assert!(calls().set_many(["a".into()]).await.is_err());
        assert_eq!(calls().execute_many().await, ["1 of bulk", "9 of bulk"]);
        assert_eq!(calls().delete_many().await, [true, true]);
    }));
}

#[test]
fn the_method_as_a_whole() {
    let users = Users {
        tenant: "whole".into(),
        ..Users::default()
    };
    run(sent(async {
        users.city(1, "").await;
        assert!(users.city_cache().stats().misses > 0);
        assert!(users.city_cache().name().as_str().ends_with("Users.city"));
        users.city_cache().clear().await;
        assert!(users.cache.is_empty());
    }));
}

#[ring]
async fn free<T: RingKey>(value: T, r#type: &str, mut times: u32) -> String {
    times += 1;
    yield_now().await;
    drop(value);
    r#type.repeat(times as usize)
}

#[ring(ignore(each))]
async fn mapped(number: u32, each: impl Fn(u32) -> u32) -> u32 {
    yield_now().await;
    each(number)
}

#[test]
fn free_functions() {
    run(sent(async {
        assert_eq!(free(1_u8, "a", 1).await, "aa");
        assert!(free_ring(1_u8, "a", 1).has().await);
        assert!(!free_ring("1", "a", 1).has().await);
        assert_eq!(
            (mapped(2, |number| number + 1).await, mapped(2, |_| 7).await),
            (3, 3)
        );
    }));
}

/// A storage of a service that stays on its thread.
#[derive(RingKey, Default)]
struct OfOneThread {
    #[ring_key(skip)]
    cache: Lru<Rc<str>>,
}

#[ring_impl(lru = self.cache)]
impl OfOneThread {
    #[ring]
    async fn text(&self, number: u32) -> Rc<str> {
        let text: Rc<str> = number.to_string().into();
        yield_now().await;
        text
    }
}

#[test]
fn values_of_one_thread() {
    let one = OfOneThread::default();
    run(async {
        let first = one.text(1).await;
        assert!(Rc::ptr_eq(&first, &one.text(1).await));
    });
}

mod in_traits {
    use super::*;

    trait Fetch {
        type Item;

        async fn fetch(&self, number: u32) -> Self::Item;

        fn sendable(&self, text: &str) -> impl Future<Output = usize> + Send;

        async fn not_cached(&self) -> u32 {
            self.sendable("").await as u32
        }
    }

    #[ring_impl]
    impl Fetch for Users {
        type Item = Option<u32>;

        #[ring]
        async fn fetch(&self, number: u32) -> Self::Item {
            self.runs.count();
            yield_now().await;
            Some(number)
        }

        #[ring]
        async fn sendable(&self, text: &str) -> usize {
            self.runs.count();
            yield_now().await;
            text.len()
        }
    }

    #[ring_impl(accessors = FetchRing)]
    impl Fetch for Vec<u32> {
        type Item = usize;

        #[ring]
        async fn fetch(&self, number: u32) -> Self::Item {
            yield_now().await;
            self.len() + number as usize
        }

        #[ring]
        async fn sendable(&self, text: &str) -> usize {
            text.len()
        }
    }

    async fn by_trait(fetch: &impl Fetch) -> usize {
        fetch.sendable("abc").await + fetch.not_cached().await as usize
    }

    #[test]
    fn async_methods_of_traits() {
        let users = Users::default();
        run(async {
            assert_eq!((users.fetch(1).await, users.fetch(1).await), (Some(1), Some(1)));
            assert_eq!(users.runs.taken(), 1);
            assert_eq!((by_trait(&users).await, by_trait(&users).await), (3, 3));
            assert_eq!(users.runs.taken(), 2);
            assert_eq!(sent(users.fetch_ring(1).get()).await, Some(Some(1)));

            let list = vec![1, 2];
            assert_eq!(list.fetch(1).await, 3);
            assert_eq!(list.fetch_ring(1).get().await, Some(3));
            assert_eq!(by_trait(&list).await, 3);
        });
    }
}

mod generic {
    use super::*;

    #[derive(RingKey, Default)]
    struct Repository<T> {
        id: u32,
        #[ring_key(skip)]
        items: Lru<T>,
    }

    #[ring_impl]
    impl<T: Clone + From<u32> + Send + Sync + 'static> Repository<T> {
        #[ring(lru = self.items)]
        async fn item(&self, number: u32) -> T {
            yield_now().await;
            T::from(number + self.id)
        }

        #[ring]
        async fn first() -> T {
            yield_now().await;
            T::from(1)
        }
    }

    /// The futures are `Send` also where the type is not known yet.
    async fn spawned<T: Clone + From<u32> + Send + Sync + 'static>(repository: Arc<Repository<T>>) -> T {
        let task = async move {
            repository.item(1).await;
            repository.item_ring(1).get().await
        };
        tokio::spawn(task).await.expect("no panic").expect("a value")
    }

    #[test]
    fn each_instantiation_has_its_own_entries() {
        run(async {
            assert_eq!(spawned(Arc::new(Repository::<u64>::default())).await, 1);
            assert_eq!(spawned(Arc::new(Repository::<i64>::default())).await, 1);
            assert_eq!(Repository::<u64>::first().await, 1);
            assert!(!Repository::<i64>::first_ring().has().await);
        });
    }
}
