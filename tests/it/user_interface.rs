//! The counterpart of the original's `user_interface`: a user's own verbs, over the public parts of a call.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use ring_cache::storage::Storage;
use ring_cache::{CachedAsyncCall, CachedCall, ring};

/// Serves the old value while storing a new one.
trait Rotate: CachedCall {
    /// Returns the old value as the storage does, and stores a new one.
    fn rotate(self) -> Self::Outcome<Option<Self::Value>> {
        let old = self.get();
        self.update();
        old
    }
}

impl<C: CachedCall> Rotate for C {}

/// Computes a value that is absent. Returns whether it did.
trait Tell: CachedCall {
    fn tell(self) -> (bool, Self::Out)
    where
        Self::Storage: Storage<Self::Value>,
    {
        let found = self
            .storage()
            .contains(&self.key(), None)
            .is_ok_and(|found| found);
        (
            found,
            if found {
                self.get_or_update()
            } else {
                self.update()
            },
        )
    }
}

impl<C: CachedCall> Tell for C {}

static VERSION: AtomicU32 = AtomicU32::new(0);

#[ring]
fn version(of: &str) -> String {
    format!("{of} {}", VERSION.fetch_add(1, SeqCst))
}

#[ring]
fn length(text: &str) -> Result<usize, String> {
    if text.is_empty() {
        Err("empty".into())
    } else {
        Ok(text.len())
    }
}

#[test]
fn the_old_value_while_storing_a_new_one() {
    assert_eq!(version_ring("page").rotate(), None);
    assert_eq!(version_ring("page").rotate().as_deref(), Some("page 0"));
    assert_eq!(version("page"), "page 1");
}

#[test]
fn a_verb_for_every_storage_and_return_type() {
    assert_eq!(length_ring("abc").tell(), (false, Ok(3)));
    assert_eq!(length_ring("abc").tell(), (true, Ok(3)));
    assert_eq!(length_ring("").tell(), (false, Err("empty".into())));
}

/// A function may take calls of any method with the right return type.
#[test]
fn calls_as_arguments() {
    fn refresh(call: impl CachedCall<Out = Result<usize, String>>) -> usize {
        call.update().unwrap_or_default()
    }
    assert_eq!(refresh(length_ring("abcd")), 4);
}

/// A function may return a call without spelling its type.
#[test]
fn calls_as_results() {
    fn of_a_page() -> impl CachedCall<Value = String, Outcome<bool> = bool> {
        version_ring("of a page")
    }
    assert!(!of_a_page().has());
    of_a_page().set("set".into());
    assert!(of_a_page().delete());
}

#[ring]
async fn doubled(number: u32) -> u32 {
    number * 2
}

#[test]
fn verbs_of_async_calls() {
    async fn refreshed<C: CachedAsyncCall>(call: C) -> (C::Outcome<bool>, C::Out) {
        (call.delete().await, call.update().await)
    }
    let refreshed = async { (refreshed(doubled_ring(4)).await, refreshed(doubled_ring(4)).await) };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    assert_eq!(runtime.block_on(refreshed), ((false, 8), (true, 8)));
}
