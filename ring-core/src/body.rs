//! The body of a cached method with its bound values.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::background::{AsyncJob, BlockingJob};
use crate::errors::{EachItsOwn, FailureRules};
use crate::flights::Claim;
use crate::freshness::Refresh;
use crate::key::KeyParts;
use crate::switches;

/// A bound call: the values that make up its key. The trait and its subtraits are sealed.
pub trait Bind: sealed::Sealed {
    /// The bound values, `self` first.
    type Parts: KeyParts;

    /// Whether the ring keeps stale entries. Known to the compiler, so that other rings do not pay for them.
    #[doc(hidden)]
    const KEEPS_STALE: bool = false;

    /// The bound values.
    fn parts(&self) -> &Self::Parts;
}

mod sealed {
    /// Only accessors make bodies.
    pub trait Sealed {}
}

impl<P, F> sealed::Sealed for Bound<P, F> {}
impl<P> sealed::Sealed for Unbodied<P> {}
impl<B, T: ?Sized> sealed::Sealed for Borne<B, T> {}
impl<B, F> sealed::Sealed for KeepingStale<B, F> {}
impl<B, F> sealed::Sealed for WithFailures<B, F> {}

/// The key of a call, without its body: bound by `{method}_entry(..)`.
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

/// A call of a trait's method, which names the type that implements the trait. It can be used where the trait can.
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

    #[inline]
    fn parts(&self) -> &B::Parts {
        self.call.parts()
    }
}

impl<B: Body, T: ?Sized> Body for Borne<B, T> {
    type Out = B::Out;

    #[inline]
    fn run(self) -> B::Out {
        self.call.run()
    }

    fn refresh(&self, claim: Claim) -> Result<BlockingJob, Claim> {
        self.call.refresh(claim)
    }

    type Failures = B::Failures;

    #[inline]
    fn failures(&self) -> B::Failures {
        self.call.failures()
    }
}

impl<B: AsyncBody, T: ?Sized> AsyncBody for Borne<B, T> {
    type Out = B::Out;
    type Fut = B::Fut;

    #[inline]
    fn run(self) -> B::Fut {
        self.call.run()
    }

    fn refresh(&self, claim: Claim) -> Result<AsyncJob, Claim> {
        self.call.refresh(claim)
    }

    type Failures = B::Failures;

    #[inline]
    fn failures(&self) -> B::Failures {
        self.call.failures()
    }
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

    /// The job that refreshes the stale entry in the background, or the claim if the caller does it.
    #[doc(hidden)]
    fn refresh(&self, claim: Claim) -> Result<BlockingJob, Claim> {
        Err(claim)
    }

    /// What becomes of errors.
    #[doc(hidden)]
    type Failures: FailureRules<Self::Out>;

    /// What becomes of errors.
    #[doc(hidden)]
    fn failures(&self) -> Self::Failures;
}

/// A bound call and the user's code, which is async.
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

    /// The job that refreshes the stale entry in the background, or the claim if the caller does it.
    #[doc(hidden)]
    fn refresh(&self, claim: Claim) -> Result<AsyncJob, Claim> {
        Err(claim)
    }

    /// What becomes of errors.
    #[doc(hidden)]
    type Failures: FailureRules<Self::Out>;

    /// What becomes of errors.
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

/// A bound call of a ring that keeps stale entries. `F` says who refreshes them.
pub struct KeepingStale<B, F> {
    call: B,
    refresh: F,
}

impl<B, F> KeepingStale<B, F> {
    #[inline]
    pub(crate) fn new(call: B, refresh: F) -> Self {
        KeepingStale { call, refresh }
    }
}

impl<B: Bind, F> Bind for KeepingStale<B, F> {
    type Parts = B::Parts;

    const KEEPS_STALE: bool = true;

    #[inline]
    fn parts(&self) -> &B::Parts {
        self.call.parts()
    }
}

impl<B: Body, F: Refresh<B::Parts, BlockingJob>> Body for KeepingStale<B, F> {
    type Out = B::Out;

    #[inline]
    fn run(self) -> B::Out {
        self.call.run()
    }

    fn refresh(&self, claim: Claim) -> Result<BlockingJob, Claim> {
        self.refresh.job(self.parts(), claim)
    }

    type Failures = B::Failures;

    #[inline]
    fn failures(&self) -> B::Failures {
        self.call.failures()
    }
}

impl<B: AsyncBody, F: Refresh<B::Parts, AsyncJob>> AsyncBody for KeepingStale<B, F> {
    type Out = B::Out;
    type Fut = B::Fut;

    #[inline]
    fn run(self) -> B::Fut {
        self.call.run()
    }

    fn refresh(&self, claim: Claim) -> Result<AsyncJob, Claim> {
        self.refresh.job(self.parts(), claim)
    }

    type Failures = B::Failures;

    #[inline]
    fn failures(&self) -> B::Failures {
        self.call.failures()
    }
}

/// A bound call of a ring whose errors other calls get, by the rules `F`.
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

    #[inline]
    fn parts(&self) -> &B::Parts {
        self.call.parts()
    }
}

impl<B: Body, F: FailureRules<B::Out>> Body for WithFailures<B, F> {
    type Out = B::Out;

    #[inline]
    fn run(self) -> B::Out {
        self.call.run()
    }

    fn refresh(&self, claim: Claim) -> Result<BlockingJob, Claim> {
        self.call.refresh(claim)
    }

    type Failures = F;

    #[inline]
    fn failures(&self) -> F {
        self.failures
    }
}

impl<B: AsyncBody, F: FailureRules<B::Out>> AsyncBody for WithFailures<B, F> {
    type Out = B::Out;
    type Fut = B::Fut;

    #[inline]
    fn run(self) -> B::Fut {
        self.call.run()
    }

    fn refresh(&self, claim: Claim) -> Result<AsyncJob, Claim> {
        self.call.refresh(claim)
    }

    type Failures = F;

    #[inline]
    fn failures(&self) -> F {
        self.failures
    }
}

/// An async body as a future.
///
/// The code's own future is boxed at the first poll. The futures around it stay small at any call depth, and a
/// recursive
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

/// A future of a body that may be refreshed in the background instead.
pub(crate) trait RefreshableFuture: Future + Unpin {
    /// [`AsyncBody::Failures`]
    type Failures: FailureRules<Self::Output>;

    /// [`AsyncBody::failures`]. The future was not polled yet.
    fn failures(&self) -> Option<Self::Failures>;

    /// [`AsyncBody::refresh`]. The future was not polled yet.
    fn refresh(&self, claim: Claim) -> Result<AsyncJob, Claim>;
}

impl<B: AsyncBody> RefreshableFuture for Boxed<B> {
    type Failures = B::Failures;

    fn failures(&self) -> Option<B::Failures> {
        match self {
            Boxed::Bound(Some(body)) => Some(body.failures()),
            Boxed::Bound(None) | Boxed::Running(_) => None,
        }
    }

    fn refresh(&self, claim: Claim) -> Result<AsyncJob, Claim> {
        match self {
            Boxed::Bound(Some(body)) => body.refresh(claim),
            Boxed::Bound(None) | Boxed::Running(_) => Err(claim),
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
