//! The blocking miss.

use std::time::Duration;

use super::context::{CallContext, Lookup, StorageResult};
use super::fetch::{Fetch, Fetched};
use crate::flights::{Leader, Outcome};
use crate::key::EncodedKey;
use crate::output::Output;
use crate::storage::blocking::run;
use crate::storage::{Storage, View};

/// The result of a miss: another call's value, or the right to compute.
pub(crate) fn fetch<V, S>(
    context: &CallContext<V, S>,
    key: EncodedKey,
    lookup: Lookup,
) -> Fetched<'_, V, S::Held>
where
    S: View<V>,
    S::Storage: Storage<S::Held>,
{
    run(context.storage(), &mut Fetch::new(context, key, lookup)).0
}

/// Stores the value of a body, and notifies its waiters.
pub(crate) fn commit<R, S>(
    context: &CallContext<R::Value, S>,
    leader: Leader<'_, S::Held>,
    left: Option<Duration>,
    out: R::Out,
) -> R::Out
where
    R: Output,
    S: View<R::Value>,
    S::Storage: Storage<S::Held>,
{
    let value = match R::value(out) {
        Ok(value) => value,
        Err(out) => {
            context.count_refused::<R>();
            leader.finish(|| Outcome::Failed);
            return out;
        }
    };
    if let Some(mut store) = context.begin_store(leader, &value, left) {
        let (stored, failure) = run(context.storage(), &mut store);
        context.count_store(stored, failure.as_ref());
        store.finish();
    }
    R::found(value)
}

/// Stores a value given by the user.
pub(crate) fn set<V, S>(context: &CallContext<V, S>, key: EncodedKey, value: V) -> StorageResult<V, S, ()>
where
    S: View<V>,
    S::Storage: Storage<S::Held>,
{
    let set = context.begin_set(key, value);
    let Some(mut store) = set.store else {
        return context.finish_unset(set.error);
    };
    let (stored, failure) = run(context.storage(), &mut store);
    context.finish_set(set.error, stored, failure)
}
