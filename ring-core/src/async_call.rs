//! One call of a cached `async fn`.

use crate::action::{Action, Ran};
use crate::body::{AsyncBody, Deferred};
use crate::call::BoundCall;
use crate::colour::Awaits;
use crate::filling::Begun;
use crate::flights::leading;
use crate::keeping::{Keeping, Outcome, Seen};
use crate::returned::Returned;
use crate::storage::{AnyView, AsyncStorage, AsyncView};

/// One call of a cached `async fn` with its arguments bound, as `{method}_ring(..)` gives it.
///
/// It is a [`Call`](crate::Call) whose verbs return futures: `.get().await`. [`key`](BoundCall::key) and the other parts
/// of a call are there at once.
///
/// As every future, these do nothing until they are polled, and may be dropped: a computation whose future is dropped
/// is left to another call that waits for its value, if there is one. One that is kept and not polled, as in a branch of
/// a `select!` that goes on without it, holds up the others until `flight_timeout`.
///
/// They are `Send` if the method's own future is, and its arguments and the value that is cached are.
pub type AsyncCall<R, S, B> = BoundCall<R, S, B, Awaits>;

impl<R, S, B> AsyncCall<R, S, B>
where
    R: Returned,
    S: AnyView<R::Value>,
    B: AsyncBody<Out = R::Out>,
{
    /// The cached value, or `None`. Never computes.
    pub fn get(&self) -> impl Future<Output = Outcome<R, S, Option<R::Value>>> + use<R, S, B>
    where
        S: AsyncView<R::Value>,
    {
        let (keeping, key) = (self.keeping, self.encoded_key());
        async move { keeping.outcome(keeping.get(&key).await) }
    }

    /// The cached value, or else computes and stores it: what the plain call does.
    ///
    /// Of several calls with one key at a time, one computes and the others take its value. An error of a fallible
    /// body is returned and not stored. A failure of the storage costs a computation, never the answer.
    #[inline]
    pub fn get_or_update(self) -> impl Future<Output = R::Out>
    where
        S: AsyncView<R::Value>,
    {
        self.fill(false)
    }

    /// Computes and stores, if nothing is there or if that is to be replaced.
    ///
    /// It is one future, with boxes around its parts: so that of a hit is small, and those of methods that call each
    /// other do not grow. (An `async fn` has room for its arguments twice, and moves them.)
    #[inline]
    #[allow(clippy::manual_async_fn)]
    fn fill(self, replaces: bool) -> impl Future<Output = R::Out>
    where
        S: AsyncView<R::Value>,
    {
        async move {
            let looked_up = if replaces { None } else { self.look_up_at_once() };
            if let Some(Ok(value)) = looked_up {
                return R::found(value);
            }
            let (keeping, key) = (
                Keeping {
                    replaces,
                    ..self.keeping
                },
                self.encoded_key(),
            );
            let (seen, body) = (looked_up.and_then(Result::err), Deferred::new(self.body));
            let ticket = if replaces {
                keeping.begin_update(key)
            } else {
                match Box::pin(keeping.look_up_and_begin(key, seen)).await {
                    Begun::Found(value) => return R::found(value),
                    Begun::Aside => return body.await,
                    Begun::Lead(ticket) => ticket,
                }
            };
            let value = match R::value(leading(ticket.computing(), body).await) {
                Ok(value) => value,
                Err(out) => {
                    ticket.release();
                    return out;
                }
            };
            let landing = keeping.landing(&value);
            R::found(Box::pin(keeping.land(ticket, landing, value)).await)
        }
    }

    /// What a look-up comes to that need not wait; else what it has to know. Nothing borrows the arguments while a task
    /// waits, so that they need not be `Sync`.
    #[inline]
    fn look_up_at_once(&self) -> Option<Result<R::Value, Seen>>
    where
        S: AsyncView<R::Value>,
    {
        let key = self.call_key();
        let look_up = self.keeping.begin_look_up(&key);
        let read = self.storage().read_at_once(&key)?;
        Some(self.keeping.found(read, look_up))
    }

    /// Computes and stores, whatever was there. A value that `unless` refuses takes an older one away; an error of a
    /// fallible body leaves it.
    pub fn update(self) -> impl Future<Output = R::Out>
    where
        S: AsyncView<R::Value>,
    {
        self.fill(true)
    }

    /// Computes without the cache.
    pub async fn execute(self) -> R::Out {
        Deferred::new(self.body).await
    }

    /// Stores `value` without computing, whatever is there or being computed.
    pub fn set(&self, value: R::Value) -> impl Future<Output = Outcome<R, S, ()>> + use<R, S, B>
    where
        S: AsyncView<R::Value>,
    {
        let (keeping, key) = (self.keeping, self.encoded_key());
        async move { keeping.outcome(keeping.set(key, value).await) }
    }

    /// Forgets the value, also one that is being computed. Returns whether something was there.
    pub fn delete(&self) -> impl Future<Output = Outcome<R, S, bool>> + use<R, S, B>
    where
        S: AsyncView<R::Value>,
    {
        let (keeping, key) = (self.keeping, self.encoded_key());
        async move { keeping.outcome(keeping.delete(&key).await) }
    }

    /// Whether a value is cached. It does not count as a use.
    pub fn has(&self) -> impl Future<Output = Outcome<R, S, bool>> + use<R, S, B>
    where
        S: AsyncView<R::Value>,
    {
        let (keeping, key) = (self.keeping, self.encoded_key());
        async move { keeping.outcome(keeping.has(&key).await) }
    }

    /// Restarts the expiry of the value. Returns whether something was there. Without an expiry it equals
    /// [`has`](Self::has).
    pub fn touch(&self) -> impl Future<Output = Outcome<R, S, bool>> + use<R, S, B>
    where
        S: AsyncView<R::Value>,
    {
        let (keeping, key) = (self.keeping, self.encoded_key());
        async move { keeping.outcome(keeping.touch(&key).await) }
    }

    /// Runs the verb that `action` names.
    pub async fn run(self, action: Action) -> Outcome<R, S, Ran<R::Value, R::Out>>
    where
        S: AsyncView<R::Value>,
    {
        let (keeping, key) = (self.keeping, self.key());
        let ran = match keeping.run(&key, action).await {
            Ok(Some(ran)) => Ok(ran),
            Ok(None) => Ok(Ran::Returned(match action {
                Action::Update => self.update().await,
                Action::Execute => self.execute().await,
                _ => self.get_or_update().await,
            })),
            Err(error) => Err(error),
        };
        keeping.outcome(ran)
    }
}
