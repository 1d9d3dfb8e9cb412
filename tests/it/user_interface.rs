//! The twin of the original's `user_interface`: verbs of a user's own, over the public parts of a call.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use ring_cache::body::Body;
use ring_cache::storage::{Storage, View};
use ring_cache::{Call, Fallible, Outcome, Output, ring};

/// Serves the old value while storing a new one.
trait Rotate {
    /// The value that was there, as the storage says it; a new one is there afterwards.
    type Old;
    fn rotate(self) -> Self::Old;
}

impl<R, S, B> Rotate for Call<R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
    B: Body<Out = R::Out>,
{
    type Old = Outcome<R, S, Option<R::Value>>;

    fn rotate(self) -> Self::Old {
        let old = self.get();
        self.update();
        old
    }
}

/// Looks before it leaps: computes only what is not there, and says whether it did.
trait Tell<R: Output> {
    fn tell(self) -> (bool, R::Out);
}

impl<R, S, B> Tell<R> for Call<R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
    B: Body<Out = R::Out>,
{
    fn tell(self) -> (bool, R::Out) {
        let key = self.key();
        let found = self.storage().contains(&key, None).is_ok_and(|found| found);
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

/// A function may ask for calls of any method that returns what it needs.
#[test]
fn calls_as_arguments() {
    fn refresh<S, B: Body<Out = Result<usize, String>>>(call: Call<Fallible<usize, String>, S, B>) -> usize
    where
        S: View<usize, Storage: Storage<S::Held>>,
    {
        call.update().unwrap_or_default()
    }
    assert_eq!(refresh(length_ring("abcd")), 4);
}
