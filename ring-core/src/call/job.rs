//! Background jobs of calls, on copies of the values.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;
use std::thread::Result as Caught;

use super::context::CallContext;
use super::fetch::Fetched;
use super::refresh::{refresh_awaited, refresh_in_background};
use super::{AsyncCall, Call, awaited, blocking};
use crate::background::{Order, Promised, Taken};
use crate::body::{AsyncBody, Body, BodyFuture, Boxed};
use crate::flights::{Leader, Scopes};
use crate::key::EncodedKey;
use crate::output::Output;
use crate::storage::blocking::read_fresh;
use crate::storage::{AsyncStorage, Storage, StorageBase, View};

impl<R, S, B> Call<R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    /// Runs the job. Called by generated code.
    #[doc(hidden)]
    pub fn serve(self, order: Order<R::Out>) {
        let key = self.encoded_key();
        match order {
            Order::Refresh(claim) => refresh_in_background::<R, S, B>(&self.context, key, self.body, claim),
            Order::Compute(promised) => compute::<R, S, B>(&self.context, key, self.body, promised),
        }
    }
}

impl<R, S, B> AsyncCall<R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: AsyncBody<Out = R::Out>,
{
    /// Runs the job. Called by generated code.
    #[doc(hidden)]
    pub async fn serve(self, order: Order<R::Out>) {
        let (key, context) = (self.encoded_key(), self.context);
        let body = Boxed::new(self.body);
        match order {
            Order::Refresh(claim) => refresh_awaited::<R, S, _>(context, key, body, claim).await,
            Order::Compute(promised) => compute_awaited::<R, S, _>(context, key, body, promised).await,
        }
    }
}

impl<V, S: View<V>> CallContext<V, S> {
    /// Takes over the lead of the call.
    fn take_lead(&self, key: &EncodedKey, taken: Taken) -> Option<Leader<'_, S::Stored>> {
        let (mut leader, token) = match taken {
            Taken::Flight(flight, token) => (self.typed_flights().lead_as_job(key, flight)?, token),
            Taken::Lead(token) => (self.typed_flights().lead_alone(key.clone()), token),
        };
        if let Some(token) = token {
            leader.hold_lease(token, self.storage().leases());
        }
        Some(leader)
    }
}

/// Computes for a waiting call.
fn compute<R, S, B>(context: &CallContext<R::Value, S>, key: EncodedKey, body: B, promised: Promised<R::Out>)
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    let leader = promised.begin(|taken| context.take_lead(&key, taken));
    let inside = promised.scopes().enter();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let lookup = context.begin_errors();
        let fetched = match leader {
            Some(leader) => {
                blocking::see_version(context, &key);
                Fetched::Lead(leader, context.deadline())
            }
            None => look_up_and_fetch(context, key),
        };
        blocking::complete::<R, S, B>(context, fetched, body, lookup)
    }));
    drop(inside);
    promised.keep(caught);
}

/// The result of a look-up and a miss.
fn look_up_and_fetch<V, S>(context: &CallContext<V, S>, key: EncodedKey) -> Fetched<'_, V, S::Stored>
where
    S: View<V, Storage: Storage<S::Stored>>,
{
    let flights = context.flights();
    let lookup = context.begin_lookup(flights, &key);
    let read = read_fresh(context.storage(), &key, context.ring.stale, lookup.until);
    match context.finish_lookup(flights, &key, read, lookup) {
        Ok(value) => Fetched::Found(value),
        Err(lookup) => blocking::fetch(context, key, lookup),
    }
}

/// [`compute`], awaited.
async fn compute_awaited<R, S, F>(
    context: CallContext<R::Value, S>,
    key: EncodedKey,
    body: F,
    promised: Promised<R::Out>,
) where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    F: BodyFuture<Output = R::Out>,
{
    let leader = promised.begin(|taken| context.take_lead(&key, taken));
    let lookup = context.begin_errors();
    let computed = async {
        let fetched = match leader {
            Some(leader) => {
                awaited::see_version(&context, &key).await;
                Fetched::Lead(leader, context.deadline())
            }
            None => awaited::fetch(&context, key, None).await,
        };
        awaited::complete::<R, S, F>(&context, fetched, body, lookup).await
    };
    let caught = catching(promised.scopes(), Box::pin(computed)).await;
    promised.keep(caught);
}

/// The output of a future that runs inside these scopes, or its panic.
async fn catching<F: Future>(scopes: &Scopes, mut future: Pin<Box<F>>) -> Caught<F::Output> {
    let caught = poll_fn(|context| {
        let _inside = scopes.enter();
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    });
    caught.await
}
