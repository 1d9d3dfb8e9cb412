//! The body of a cached method with its bound values.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::background::{self, Admitted, AsyncJob, BlockingJob, Order};
use crate::entry::{Entry, Old, Wishes};
use crate::errors::{EachItsOwn, FailureRules};
use crate::key::KeyParts;
use crate::switches;
use crate::sync::Arc;
use crate::timeout::{Overdue, TimedOut};

/// A bound call: the values that make up its key. The trait and its subtraits are sealed.
pub trait Bind: sealed::Sealed {
    /// The bound values, `self` first.
    type Parts: KeyParts;

    /// Whether the ring keeps stale entries. A constant, so that other rings have no cost.
    #[doc(hidden)]
    const KEEPS_STALE: bool = false;

    /// Whether plain calls wait for the body for a limited time only.
    #[doc(hidden)]
    const HAS_TIMEOUT: bool = false;

    /// The bound values.
    fn parts(&self) -> &Self::Parts;
}

mod sealed {
    /// Only accessors make bodies.
    pub trait Sealed {}
}

impl<P, F> sealed::Sealed for Bound<P, F> {}
impl<P, F, V> sealed::Sealed for SeeingEntry<P, F, V> {}
impl<P> sealed::Sealed for Unbodied<P> {}
impl<B, T: ?Sized> sealed::Sealed for Borne<B, T> {}
impl<B, F> sealed::Sealed for InBackground<B, F> {}
impl<B> sealed::Sealed for KeepingStale<B> {}
impl<B> sealed::Sealed for WithTimeout<B> {}
impl<B, F> sealed::Sealed for WithFailures<B, F> {}

/// The items of a wrapper that forward to its field `$call`.
macro_rules! as_wrapped {
    ($call:tt, run: $Ran:ty, job: $Job:ty) => {
        #[inline]
        fn run(self) -> $Ran {
            self.$call.run()
        }

        fn job(&self, order: Order<B::Out>) -> Result<Admitted<$Job>, Order<B::Out>> {
            self.$call.job(order)
        }

        fn show(&mut self, old: Option<Old>) -> Option<Arc<Wishes>> {
            self.$call.show(old)
        }
    };
    ($call:tt, run: $Ran:ty, job: $Job:ty, overdue) => {
        as_wrapped!($call, run: $Ran, job: $Job);

        fn overdue(timed_out: TimedOut) -> Option<B::Out> {
            B::overdue(timed_out)
        }
    };
    ($call:tt, failures) => {
        type Failures = B::Failures;

        #[inline]
        fn failures(&self) -> B::Failures {
            self.$call.failures()
        }
    };
}

/// The key of a call without its body, bound by `{method}_entry(..)`.
#[derive(Clone, Copy, Debug)]
pub struct Unbodied<P>(P);

impl<P> Unbodied<P> {
    /// Binds the values of a key.
    #[inline]
    pub fn new(parts: P) -> Self {
        Unbodied(parts)
    }
}

impl<P: KeyParts> Bind for Unbodied<P> {
    type Parts = P;

    #[inline]
    fn parts(&self) -> &P {
        &self.0
    }
}

/// A call of a trait's method, which names the implementing type. It can be used where the trait can.
pub trait OfTrait {
    /// The type that implements the trait.
    type Bearer: ?Sized;
}

/// A bound call, with the type that implements its trait.
pub struct Borne<B, T: ?Sized> {
    call: B,
    bearer: PhantomData<fn() -> Box<T>>,
}

impl<B, T: ?Sized> Borne<B, T> {
    #[inline]
    pub(crate) fn new(call: B) -> Self {
        Borne {
            call,
            bearer: PhantomData,
        }
    }
}

impl<B, T: ?Sized> OfTrait for Borne<B, T> {
    type Bearer = T;
}

impl<B: Bind, T: ?Sized> Bind for Borne<B, T> {
    type Parts = B::Parts;

    const KEEPS_STALE: bool = B::KEEPS_STALE;
    const HAS_TIMEOUT: bool = B::HAS_TIMEOUT;

    #[inline]
    fn parts(&self) -> &B::Parts {
        self.call.parts()
    }
}

impl<B: Body, T: ?Sized> Body for Borne<B, T> {
    type Out = B::Out;

    as_wrapped!(call, run: B::Out, job: BlockingJob, overdue);

    as_wrapped!(call, failures);
}

impl<B: AsyncBody, T: ?Sized> AsyncBody for Borne<B, T> {
    type Out = B::Out;
    type Fut = B::Fut;

    as_wrapped!(call, run: B::Fut, job: AsyncJob, overdue);

    as_wrapped!(call, failures);
}

/// A bound call and the user's code.
#[diagnostic::on_unimplemented(
    message = "an entry is named without its body, so it computes nothing",
    label = "this needs a call",
    note = "bind all arguments, also those that are ignored: `{{method}}_ring(..)`"
)]
pub trait Body: Bind {
    /// The return type of the code.
    type Out;

    /// Runs the code.
    fn run(self) -> Self::Out;

    /// The background job of this work, or the order if the caller does the work.
    #[doc(hidden)]
    fn job(&self, order: Order<Self::Out>) -> Result<Admitted<BlockingJob>, Order<Self::Out>> {
        Err(order)
    }

    /// The result of a plain call that timed out.
    #[doc(hidden)]
    fn overdue(_: TimedOut) -> Option<Self::Out> {
        None
    }

    /// Shows the entry to the body, if the body wants it. Returns the body's decisions.
    #[doc(hidden)]
    fn show(&mut self, _: Option<Old>) -> Option<Arc<Wishes>> {
        None
    }

    /// The rules for errors.
    #[doc(hidden)]
    type Failures: FailureRules<Self::Out>;

    /// The rules for errors.
    #[doc(hidden)]
    fn failures(&self) -> Self::Failures;
}

/// A bound call and the user's async code.
#[diagnostic::on_unimplemented(
    message = "an entry is named without its body, so it computes nothing",
    label = "this needs a call",
    note = "bind all arguments, also those that are ignored: `{{method}}_ring(..)`"
)]
pub trait AsyncBody: Bind {
    /// The output of the future.
    type Out;
    /// The future.
    type Fut: Future<Output = Self::Out>;

    /// Starts the code.
    fn run(self) -> Self::Fut;

    /// The background job of this work, or the order if the caller does the work.
    #[doc(hidden)]
    fn job(&self, order: Order<Self::Out>) -> Result<Admitted<AsyncJob>, Order<Self::Out>> {
        Err(order)
    }

    /// The result of a plain call that timed out.
    #[doc(hidden)]
    fn overdue(_: TimedOut) -> Option<Self::Out> {
        None
    }

    /// Shows the entry to the body, if the body wants it. Returns the body's decisions.
    #[doc(hidden)]
    fn show(&mut self, _: Option<Old>) -> Option<Arc<Wishes>> {
        None
    }

    /// The rules for errors.
    #[doc(hidden)]
    type Failures: FailureRules<Self::Out>;

    /// The rules for errors.
    #[doc(hidden)]
    fn failures(&self) -> Self::Failures;
}

/// The [`Body`] or [`AsyncBody`] that generated accessors make.
pub struct Bound<P, F> {
    parts: P,
    code: F,
}

impl<P, F> Bound<P, F> {
    /// Binds values to code.
    #[inline]
    pub fn new(parts: P, code: F) -> Self {
        Bound { parts, code }
    }
}

impl<P: KeyParts, F> Bind for Bound<P, F> {
    type Parts = P;

    #[inline]
    fn parts(&self) -> &P {
        &self.parts
    }
}

impl<P: KeyParts, O, F: FnOnce(P) -> O> Body for Bound<P, F> {
    type Out = O;

    #[inline]
    fn run(self) -> O {
        switches::count_computed();
        (self.code)(self.parts)
    }

    type Failures = EachItsOwn;

    #[inline]
    fn failures(&self) -> EachItsOwn {
        EachItsOwn
    }
}

impl<P: KeyParts, O: Future, F: FnOnce(P) -> O> AsyncBody for Bound<P, F> {
    type Out = O::Output;
    type Fut = O;

    #[inline]
    fn run(self) -> O {
        switches::count_computed();
        (self.code)(self.parts)
    }

    type Failures = EachItsOwn;

    #[inline]
    fn failures(&self) -> EachItsOwn {
        EachItsOwn
    }
}

/// The [`Bound`] of a body that sees its entry.
pub struct SeeingEntry<P, F, V> {
    parts: P,
    code: F,
    entry: Option<Entry<V>>,
}

impl<P, F, V> SeeingEntry<P, F, V> {
    #[inline]
    pub(crate) fn new(parts: P, code: F) -> Self {
        SeeingEntry {
            parts,
            code,
            entry: None,
        }
    }
}

impl<P, F, V: 'static> SeeingEntry<P, F, V> {
    fn see(&mut self, old: Option<Old>) -> Arc<Wishes> {
        let old = old.and_then(|old| old.downcast().ok());
        let entry = Entry::new(old.map(|old| *old));
        self.entry.insert(entry).wishes()
    }

    fn compute<O>(self) -> O
    where
        F: FnOnce(P, Entry<V>) -> O,
    {
        switches::count_computed();
        (self.code)(self.parts, self.entry.unwrap_or_else(|| Entry::new(None)))
    }
}

impl<P: KeyParts, F, V> Bind for SeeingEntry<P, F, V> {
    type Parts = P;

    #[inline]
    fn parts(&self) -> &P {
        &self.parts
    }
}

impl<P: KeyParts, O, V: 'static, F: FnOnce(P, Entry<V>) -> O> Body for SeeingEntry<P, F, V> {
    type Out = O;

    fn run(self) -> O {
        self.compute()
    }

    fn show(&mut self, old: Option<Old>) -> Option<Arc<Wishes>> {
        Some(self.see(old))
    }

    type Failures = EachItsOwn;

    fn failures(&self) -> EachItsOwn {
        EachItsOwn
    }
}

impl<P: KeyParts, O: Future, V: 'static, F: FnOnce(P, Entry<V>) -> O> AsyncBody for SeeingEntry<P, F, V> {
    type Out = O::Output;
    type Fut = O;

    fn run(self) -> O {
        self.compute()
    }

    fn show(&mut self, old: Option<Old>) -> Option<Arc<Wishes>> {
        Some(self.see(old))
    }

    type Failures = EachItsOwn;

    fn failures(&self) -> EachItsOwn {
        EachItsOwn
    }
}

/// A bound call that can run in the background: `F` makes the job from copies of the values.
pub struct InBackground<B, F> {
    call: B,
    job: F,
}

impl<B, F> InBackground<B, F> {
    #[inline]
    pub(crate) fn new(call: B, job: F) -> Self {
        InBackground { call, job }
    }
}

impl<B: Bind, F> Bind for InBackground<B, F> {
    type Parts = B::Parts;

    const KEEPS_STALE: bool = B::KEEPS_STALE;
    const HAS_TIMEOUT: bool = B::HAS_TIMEOUT;

    #[inline]
    fn parts(&self) -> &B::Parts {
        self.call.parts()
    }
}

impl<B: Body, F: Fn(&B::Parts, Order<B::Out>) -> BlockingJob> Body for InBackground<B, F> {
    type Out = B::Out;

    #[inline]
    fn run(self) -> B::Out {
        self.call.run()
    }

    fn job(&self, order: Order<B::Out>) -> Result<Admitted<BlockingJob>, Order<B::Out>> {
        match background::admit_blocking(&order) {
            Some(place) => Ok(place.of((self.job)(self.parts(), order))),
            None => Err(order),
        }
    }

    fn overdue(timed_out: TimedOut) -> Option<B::Out> {
        B::overdue(timed_out)
    }

    fn show(&mut self, old: Option<Old>) -> Option<Arc<Wishes>> {
        self.call.show(old)
    }

    as_wrapped!(call, failures);
}

impl<B: AsyncBody, F: Fn(&B::Parts, Order<B::Out>) -> AsyncJob> AsyncBody for InBackground<B, F> {
    type Out = B::Out;
    type Fut = B::Fut;

    #[inline]
    fn run(self) -> B::Fut {
        self.call.run()
    }

    fn job(&self, order: Order<B::Out>) -> Result<Admitted<AsyncJob>, Order<B::Out>> {
        match background::admit_async() {
            Some(place) => Ok(place.of((self.job)(self.parts(), order))),
            None => Err(order),
        }
    }

    fn overdue(timed_out: TimedOut) -> Option<B::Out> {
        B::overdue(timed_out)
    }

    fn show(&mut self, old: Option<Old>) -> Option<Arc<Wishes>> {
        self.call.show(old)
    }

    as_wrapped!(call, failures);
}

/// A bound call of a ring that keeps stale entries.
pub struct KeepingStale<B>(pub(crate) B);

/// A bound call of a ring with `timeout`.
pub struct WithTimeout<B>(pub(crate) B);

impl<B: Bind> Bind for KeepingStale<B> {
    type Parts = B::Parts;

    const KEEPS_STALE: bool = true;
    const HAS_TIMEOUT: bool = B::HAS_TIMEOUT;

    #[inline]
    fn parts(&self) -> &B::Parts {
        self.0.parts()
    }
}

impl<B: Body> Body for KeepingStale<B> {
    type Out = B::Out;

    as_wrapped!(0, run: B::Out, job: BlockingJob, overdue);

    as_wrapped!(0, failures);
}

impl<B: AsyncBody> AsyncBody for KeepingStale<B> {
    type Out = B::Out;
    type Fut = B::Fut;

    as_wrapped!(0, run: B::Fut, job: AsyncJob, overdue);

    as_wrapped!(0, failures);
}

impl<B: Bind> Bind for WithTimeout<B> {
    type Parts = B::Parts;

    const KEEPS_STALE: bool = B::KEEPS_STALE;
    const HAS_TIMEOUT: bool = true;

    #[inline]
    fn parts(&self) -> &B::Parts {
        self.0.parts()
    }
}

impl<B: Body<Out: Overdue>> Body for WithTimeout<B> {
    type Out = B::Out;

    as_wrapped!(0, run: B::Out, job: BlockingJob);

    fn overdue(timed_out: TimedOut) -> Option<B::Out> {
        Some(B::Out::overdue(timed_out))
    }

    as_wrapped!(0, failures);
}

impl<B: AsyncBody<Out: Overdue>> AsyncBody for WithTimeout<B> {
    type Out = B::Out;
    type Fut = B::Fut;

    as_wrapped!(0, run: B::Fut, job: AsyncJob);

    fn overdue(timed_out: TimedOut) -> Option<B::Out> {
        Some(B::Out::overdue(timed_out))
    }

    as_wrapped!(0, failures);
}

/// A bound call of a ring that shares errors with other calls, by the rules `F`.
pub struct WithFailures<B, F> {
    call: B,
    failures: F,
}

impl<B, F> WithFailures<B, F> {
    #[inline]
    pub(crate) fn new(call: B, failures: F) -> Self {
        WithFailures { call, failures }
    }
}

impl<B: Bind, F> Bind for WithFailures<B, F> {
    type Parts = B::Parts;

    const KEEPS_STALE: bool = B::KEEPS_STALE;
    const HAS_TIMEOUT: bool = B::HAS_TIMEOUT;

    #[inline]
    fn parts(&self) -> &B::Parts {
        self.call.parts()
    }
}

impl<B: Body, F: FailureRules<B::Out>> Body for WithFailures<B, F> {
    type Out = B::Out;

    as_wrapped!(call, run: B::Out, job: BlockingJob, overdue);

    type Failures = F;

    #[inline]
    fn failures(&self) -> F {
        self.failures
    }
}

impl<B: AsyncBody, F: FailureRules<B::Out>> AsyncBody for WithFailures<B, F> {
    type Out = B::Out;
    type Fut = B::Fut;

    as_wrapped!(call, run: B::Fut, job: AsyncJob, overdue);

    type Failures = F;

    #[inline]
    fn failures(&self) -> F {
        self.failures
    }
}

/// An async body as a future.
///
/// The code's own future is boxed at the first poll, so the futures around it stay small at any call depth, and a recursive
/// method needs no box of its own.
pub(crate) enum Boxed<B: AsyncBody> {
    Bound(Option<B>),
    Running(Pin<Box<B::Fut>>),
}

impl<B: AsyncBody> Boxed<B> {
    pub(crate) fn new(body: B) -> Self {
        Boxed::Bound(Some(body))
    }
}

impl<B: AsyncBody> Unpin for Boxed<B> {}

/// The future of a body whose work may run in the background instead. All methods are called before the first poll.
pub(crate) trait BodyFuture: Future + Unpin {
    /// [`AsyncBody::Failures`]
    type Failures: FailureRules<Self::Output>;

    /// [`Bind::HAS_TIMEOUT`]
    const HAS_TIMEOUT: bool;

    /// Whether plain calls may return a stale value, or leave the body.
    const IS_EXTENDED: bool;

    /// [`AsyncBody::failures`]
    fn failures(&self) -> Option<Self::Failures>;

    /// [`AsyncBody::job`]
    fn job(&self, order: Order<Self::Output>) -> Result<Admitted<AsyncJob>, Order<Self::Output>>;

    /// [`AsyncBody::overdue`]
    fn overdue(timed_out: TimedOut) -> Option<Self::Output>;

    /// [`AsyncBody::show`]
    fn show(&mut self, old: Option<Old>) -> Option<Arc<Wishes>>;
}

impl<B: AsyncBody> Boxed<B> {
    fn body(&self) -> Option<&B> {
        match self {
            Boxed::Bound(body) => body.as_ref(),
            Boxed::Running(_) => None,
        }
    }
}

impl<B: AsyncBody> BodyFuture for Boxed<B> {
    type Failures = B::Failures;

    const HAS_TIMEOUT: bool = B::HAS_TIMEOUT;
    const IS_EXTENDED: bool = B::KEEPS_STALE || B::HAS_TIMEOUT;

    fn failures(&self) -> Option<B::Failures> {
        self.body().map(AsyncBody::failures)
    }

    fn job(&self, order: Order<B::Out>) -> Result<Admitted<AsyncJob>, Order<B::Out>> {
        match self.body() {
            Some(body) => body.job(order),
            None => Err(order),
        }
    }

    fn overdue(timed_out: TimedOut) -> Option<B::Out> {
        B::overdue(timed_out)
    }

    fn show(&mut self, old: Option<Old>) -> Option<Arc<Wishes>> {
        match self {
            Boxed::Bound(body) => body.as_mut()?.show(old),
            Boxed::Running(_) => None,
        }
    }
}

impl<B: AsyncBody> Future for Boxed<B> {
    type Output = B::Out;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<B::Out> {
        loop {
            match &mut *self {
                Boxed::Running(running) => return running.as_mut().poll(context),
                Boxed::Bound(body) => {
                    let body = body.take().expect("a body is bound until it runs");
                    *self = Boxed::Running(Box::pin(body.run()));
                }
            }
        }
    }
}
