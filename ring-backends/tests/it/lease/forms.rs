//! Leases with every form of a method, and with all other options.

use std::sync::LazyLock;
use std::time::Duration;

use ring_cache::{Calls, Redis, RingKey, TimedOut, ring, ring_impl};
use ring_cache_test_servers::{Redis as Server, Reply, or_leave_out};

use super::service::{PATIENCE, eventually};

/// A server for these tests only: all leases on it are theirs.
static SERVER: LazyLock<Option<Server>> =
    LazyLock::new(|| or_leave_out("leases of all forms", Server::start()));
static REDIS: LazyLock<Redis> = LazyLock::new(|| {
    let server = SERVER.as_ref().expect("the tests are left out without it");
    Redis::open(server.url()).unwrap().deadline(PATIENCE)
});

/// The number of leases.
fn leases() -> usize {
    let server = SERVER.as_ref().expect("the tests are left out without it");
    match server.command(&["KEYS", "*%lease"]) {
        Reply::Array(leases) => leases.len(),
        other => panic!("{other:?}"),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Late;

impl From<TimedOut> for Late {
    fn from(_: TimedOut) -> Self {
        Late
    }
}

#[derive(Clone, RingKey)]
#[ring_key(prefix = "page")]
struct Page {
    id: u32,
}

#[derive(Clone, RingKey)]
struct Repo<T> {
    #[ring_key(skip)]
    kind: std::marker::PhantomData<T>,
}

trait Fetch {
    fn fetched(&self) -> usize;
}

#[ring(redis = REDIS, lease = "30s")]
fn free(id: u32) -> usize {
    leases() + id as usize
}

#[ring(redis = REDIS, lease = "30s")]
async fn free_awaited(id: u32) -> usize {
    leases() + id as usize
}

#[ring_impl(redis = REDIS, lease = "30s", expire = "100s")]
impl Page {
    #[ring]
    fn method(&self, _more: &str) -> usize {
        leases()
    }

    #[ring(property)]
    fn property(&self) -> usize {
        leases()
    }

    #[ring(class)]
    fn class() -> usize {
        leases()
    }

    #[ring]
    fn fixed() -> usize {
        leases()
    }

    #[ring]
    async fn awaited(&self) -> usize {
        leases()
    }

    #[ring(version = 2, jitter = 0.5, none = "1s", unless = Option::is_none)]
    fn decided(&self) -> Option<usize> {
        Some(leases())
    }

    #[ring(stale = "100s", early = 0.9)]
    fn background(&self) -> usize {
        leases()
    }

    #[ring(stale = "100s", early = xfetch)]
    async fn background_awaited(&self) -> usize {
        leases()
    }

    #[ring(timeout = "30s", errors("5s"), share_errors)]
    fn in_time(&self) -> Result<usize, Late> {
        Ok(leases())
    }

    #[ring(timeout = "30s")]
    async fn in_time_awaited(&self) -> Result<usize, Late> {
        Ok(leases())
    }

    #[ring(timeout = "30s", refresh = caller)]
    async fn in_time_by_the_caller(&self) -> Result<usize, Late> {
        Ok(leases())
    }

    #[ring(tags("team", "page:{self.id}"), depends(Self::fixed()))]
    fn tagged(&self) -> usize {
        leases()
    }

    #[ring(tags("team"), stale = "100s", early = 0.9)]
    fn tagged_background(&self) -> usize {
        leases()
    }

    #[ring(tags("team"), timeout = "30s")]
    async fn tagged_in_time(&self) -> Result<usize, Late> {
        Ok(leases())
    }

    #[ring(entry = e)]
    fn not_stored(&self) -> usize {
        e.skip_store();
        leases()
    }

    #[ring(entry = e, stale = "100s", refresh = caller)]
    fn unchanged(&self) -> usize {
        match e.stale() {
            Some(_) => e.unchanged().unwrap_or_default(),
            None => leases(),
        }
    }
}

#[ring_impl(redis = REDIS, lease = "30s")]
impl<T: RingKey + 'static> Repo<T> {
    #[ring]
    fn generic(&self) -> usize {
        leases()
    }
}

#[ring_impl(redis = REDIS, lease = "30s")]
impl Fetch for Page {
    #[ring]
    fn fetched(&self) -> usize {
        leases()
    }
}

fn all_released() {
    eventually(|| leases() == 0);
}

/// One test, so that no other computes at the same time.
#[test]
fn each_form_computes_under_a_lease_and_stores() {
    if SERVER.is_none() {
        return;
    }
    let (page, repo) = (
        Page { id: 7 },
        Repo::<u32> {
            kind: std::marker::PhantomData,
        },
    );
    assert_eq!((free(0), free_ring(0).get().unwrap()), (1, Some(1)));
    assert_eq!(
        (page.method("a"), page.method_ring("a").get().unwrap()),
        (1, Some(1))
    );
    assert_eq!(
        (page.property(), page.property_ring().get().unwrap()),
        (1, Some(1))
    );
    assert_eq!((Page::class(), Page::class_ring().get().unwrap()), (1, Some(1)));
    assert_eq!((Page::fixed(), Page::fixed_ring().get().unwrap()), (1, Some(1)));
    assert_eq!((repo.generic(), repo.generic_ring().get().unwrap()), (1, Some(1)));
    assert_eq!((page.fetched(), page.fetched_ring().get().unwrap()), (1, Some(1)));
    all_released();
    assert_eq!(
        (page.decided(), page.decided_ring().get().unwrap()),
        (Some(1), Some(Some(1)))
    );
    assert_eq!(
        (page.in_time(), page.in_time_ring().get().unwrap()),
        (Ok(1), Some(1))
    );
    assert_eq!(
        (page.not_stored(), page.not_stored_ring().get().unwrap()),
        (1, None)
    );
    all_released();
    assert_eq!(page.background(), 1);
    assert!(page.background_ring().expire().unwrap());
    assert_eq!(page.background(), 1);
    eventually(|| page.background_ring().get().unwrap() == Some(1));
    page.unchanged_ring().set(5).unwrap();
    assert!(page.unchanged_ring().expire().unwrap());
    assert_eq!(
        (page.unchanged(), page.unchanged_ring().get().unwrap()),
        (5, Some(5))
    );
    assert_eq!(
        [page.method_ring("b"), page.method_ring("b")].get_or_update_many(),
        [1, 1]
    );
    all_released();
    assert_eq!((page.tagged(), page.tagged_ring().get().unwrap()), (1, Some(1)));
    all_released();
    Page::fixed_ring().delete().unwrap();
    assert_eq!(page.tagged_ring().get().unwrap(), None);
    assert_eq!(
        [page.tagged_ring(), page.tagged_ring()].get_or_update_many(),
        [1, 1]
    );
    all_released();
    assert_eq!(page.tagged_background(), 1);
    assert!(page.tagged_background_ring().expire().unwrap());
    assert_eq!(page.tagged_background(), 1);
    eventually(|| page.tagged_background_ring().get().unwrap() == Some(1));
    all_released();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        assert_eq!(page.tagged_in_time().await, Ok(1));
        assert_eq!(page.tagged_in_time_ring().get().await.unwrap(), Some(1));
        all_released();
        assert_eq!(
            (free_awaited(0).await, free_awaited_ring(0).get().await.unwrap()),
            (1, Some(1))
        );
        assert_eq!(
            (page.awaited().await, page.awaited_ring().get().await.unwrap()),
            (1, Some(1))
        );
        assert_eq!(page.background_awaited().await, 1);
        assert_eq!(page.in_time_awaited().await, Ok(1));
        assert_eq!(page.in_time_awaited_ring().get().await.unwrap(), Some(1));
        assert_eq!(page.in_time_by_the_caller().await, Ok(1));
        assert_eq!(page.in_time_by_the_caller_ring().get().await.unwrap(), Some(1));
        assert_eq!(free_awaited_ring(0).update().await, 1);
        tokio::time::sleep(Duration::from_millis(1)).await;
    });
    all_released();
}
