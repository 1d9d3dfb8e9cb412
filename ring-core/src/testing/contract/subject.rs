//! A storage under test, in either mode. All cases are blocking code on threads; each operation of an awaited storage runs
//! in the user's executor.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use super::gate::Slow;
use crate::body::{AsyncBody, Body};
use crate::cache::{AsyncCache, Cache};
use crate::call::{AsyncCall, AsyncCalls, Call, Calls};
use crate::error::{Error, Failure};
use crate::flights::Flights;
use crate::key::{CallKey, EncodedKey, RingKey};
use crate::mode::{Awaited, Blocking};
use crate::output::Plain;
use crate::ring::Ring;
use crate::storage::{AsyncStorage, Expiring, Storage};
use crate::sync::Arc;

/// Runs a future to its end.
pub(super) type BlockOn<'c> = dyn Fn(Pin<Box<dyn Future<Output = ()> + '_>>) + Send + Sync + 'c;

/// A storage, and the executor of its futures.
pub(super) struct Subject<'c, S, M> {
    pub(super) storage: S,
    block_on: Option<Arc<BlockOn<'c>>>,
    mode: PhantomData<fn() -> M>,
}

impl<'c, S, M> Subject<'c, S, M> {
    pub(super) fn new(storage: S, block_on: Option<Arc<BlockOn<'c>>>) -> Self {
        Subject {
            storage,
            block_on,
            mode: PhantomData,
        }
    }

    /// The same storage by another handle.
    pub(super) fn cloned(&self) -> Self
    where
        S: Clone,
    {
        Self::new(self.storage.clone(), self.block_on.clone())
    }
}

impl<S> Subject<'_, S, Blocking> {
    /// The call `method(id)` of a ring. Its body waits for `slow` and returns `value`.
    fn call<T: Value>(
        &self,
        ring: &'static Ring,
        id: u32,
        slow: Option<&Slow>,
        value: impl FnOnce() -> T,
    ) -> Call<Plain<T>, &S, impl Body<Out = T>> {
        Cache::new(ring, &self.storage).bind((id,), move |_| {
            if let Some(slow) = slow {
                slow.block();
            }
            value()
        })
    }
}

impl<S> Subject<'_, S, Awaited> {
    /// The call `method(id)` of a ring. Its body waits for `slow` and returns `value`.
    pub(super) fn call<T: Value>(
        &self,
        ring: &'static Ring,
        id: u32,
        slow: Option<&Slow>,
        value: impl FnOnce() -> T,
    ) -> AsyncCall<Plain<T>, &S, impl AsyncBody<Out = T>> {
        AsyncCache::new(ring, &self.storage).bind((id,), async move |_| {
            if let Some(slow) = slow {
                slow.wait().await;
            }
            value()
        })
    }

    /// Runs a future to its end. Creates it inside the executor: some futures need a runtime from the beginning.
    pub(super) fn wait<F: Future>(&self, future: F) -> F::Output {
        let mut output = None;
        let block_on = self.block_on.as_ref();
        let block_on = block_on.unwrap_or_else(|| unreachable!("awaited subjects have an executor"));
        block_on(Box::pin(async { output = Some(future.await) }));
        output.expect("the executor must run a future to its end")
    }
}

/// The bounds of values in cases.
pub(super) trait Value: Clone + PartialEq + Debug + Send + Sync {}

impl<T: Clone + PartialEq + Debug + Send + Sync> Value for T {}

/// The key of the call `method(id)` of a ring.
pub(super) fn key(ring: &'static Ring, id: u32) -> EncodedKey {
    EncodedKey::of(&CallKey::new(ring.name(), &(id,)))
}

/// The body of a call whose verb does not compute.
fn not_computed<T>() -> T {
    unreachable!("this verb does not compute")
}

/// The result of an operation. A failure of the storage ends the case.
#[track_caller]
pub(super) fn done<T, E: Failure>(operation: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| {
        let error: Error = error.into();
        panic!("`{operation}` failed: {error}")
    })
}

/// Declares the operations of a storage under test, and implements them for both modes: with blocking operations, and
/// with the same operations awaited.
///
/// Operations marked `storage` return a `Result`; operations marked `verb` return the result of an explicit verb of a
/// call. A failure of the storage ends the case.
macro_rules! operations {
    ($($kind:ident $name:ident[$($key:tt)*]($($arg:ident: $type:ty),*) -> $output:ty = $subject:ident => $run:expr;)*) => {
        /// A storage under test, in either mode.
        pub(super) trait Tested<T: Value>: Sync {
            const TEXT_KEYS: bool;

            fn flights(&self) -> &Flights<T>;

            fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String;

            $(fn $name<$($key)*>(&self, $($arg: $type),*) -> $output;)*
        }

        impl<T: Value, S: Storage<T> + Sync> Tested<T> for Subject<'_, S, Blocking> {
            operations!(@base);

            $(fn $name<$($key)*>(&self, $($arg: $type),*) -> $output {
                let $subject = self;
                operations!(@done $kind $name $run)
            })*
        }

        impl<T: Value, S: AsyncStorage<T> + Sync> Tested<T> for Subject<'_, S, Awaited> {
            operations!(@base);

            $(fn $name<$($key)*>(&self, $($arg: $type),*) -> $output {
                let $subject = self;
                let ended = self.wait(async { $run.await });
                operations!(@done $kind $name ended)
            })*
        }
    };
    (@base) => {
        const TEXT_KEYS: bool = S::TEXT_KEYS;

        fn flights(&self) -> &Flights<T> {
            self.storage.flights()
        }

        fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
            self.storage.stored_key(key)
        }
    };
    (@done storage $name:ident $ended:expr) => {
        done(stringify!($name), $ended)
    };
    (@done verb $name:ident $ended:expr) => {
        done(stringify!($name), S::Error::into_result($ended))
    };
    (@done plain $name:ident $ended:expr) => {
        $ended
    };
}

operations! {
    storage read[K: RingKey + ?Sized](key: &K) -> Option<T> = subject => subject.storage.read(key, None);
    storage write[K: RingKey + ?Sized](key: &K, value: T, expiry: Option<Duration>) -> ()
        = subject => subject.storage.write(key, value, expiry, None);
    storage write_if_absent[K: RingKey + ?Sized](key: &K, value: T, expiry: Option<Duration>) -> bool
        = subject => subject.storage.write_if_absent(key, value, expiry, None);
    storage remove[K: RingKey + ?Sized](key: &K) -> bool = subject => subject.storage.remove(key, None);
    storage contains[K: RingKey + ?Sized](key: &K) -> bool = subject => subject.storage.contains(key, None);
    storage renew[K: RingKey + ?Sized](key: &K, expiry: Duration) -> bool
        = subject => subject.storage.renew(key, expiry, None);
    storage read_expiring[K: RingKey + ?Sized](key: &K) -> Option<Expiring<T>>
        = subject => subject.storage.read_expiring(key, None);
    storage read_many[K: RingKey](keys: &[K]) -> Vec<Option<T>> = subject => subject.storage.read_many(keys, None);
    storage read_many_expiring[K: RingKey](keys: &[K]) -> Vec<Option<Expiring<T>>>
        = subject => subject.storage.read_many_expiring(keys, None);
    storage contains_many[K: RingKey](keys: &[K]) -> Vec<bool> = subject => subject.storage.contains_many(keys, None);
    storage renew_many[K: RingKey](entries: &[(K, Duration)]) -> Vec<bool>
        = subject => subject.storage.renew_many(entries, None);
    storage write_many[K: RingKey](entries: Vec<(K, T, Option<Duration>)>) -> ()
        = subject => subject.storage.write_many(entries, None);
    storage remove_many[K: RingKey](keys: &[K]) -> Vec<bool> = subject => subject.storage.remove_many(keys, None);

    storage get[K: RingKey + ?Sized](key: &K) -> Option<T> = subject => subject.storage.get(key);
    storage set[K: RingKey + ?Sized](key: &K, value: T, expiry: Option<Duration>) -> ()
        = subject => subject.storage.set(key, value, expiry);
    storage delete[K: RingKey + ?Sized](key: &K) -> bool = subject => subject.storage.delete(key);
    storage has[K: RingKey + ?Sized](key: &K) -> bool = subject => subject.storage.has(key);
    storage touch[K: RingKey + ?Sized](key: &K, expiry: Option<Duration>) -> bool
        = subject => subject.storage.touch(key, expiry);

    verb call_get[](ring: &'static Ring, id: u32) -> Option<T>
        = subject => subject.call(ring, id, None, not_computed).get();
    verb call_set[](ring: &'static Ring, id: u32, value: T) -> ()
        = subject => subject.call(ring, id, None, not_computed).set(value);
    verb call_delete[](ring: &'static Ring, id: u32) -> bool
        = subject => subject.call(ring, id, None, not_computed::<T>).delete();
    verb call_has[](ring: &'static Ring, id: u32) -> bool
        = subject => subject.call(ring, id, None, not_computed::<T>).has();
    plain get_or_update[](ring: &'static Ring, id: u32, slow: Option<&Slow>, value: impl FnOnce() -> T) -> T
        = subject => subject.call(ring, id, slow, value).get_or_update();
    plain update[](ring: &'static Ring, id: u32, slow: Option<&Slow>, value: impl FnOnce() -> T) -> T
        = subject => subject.call(ring, id, slow, value).update();
    plain get_or_update_many[](ring: &'static Ring, values: Vec<(u32, T)>) -> Vec<T> = subject => values
        .into_iter()
        .map(|(id, value)| subject.call(ring, id, None, move || value))
        .get_or_update_many();
}
