//! The body of a cached method with its bound values.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::key::KeyParts;

/// A bound call: the values that make up its key. The trait and its subtraits are sealed.
pub trait Bind: sealed::Sealed {
    /// The bound values, `self` first.
    type Parts: KeyParts;

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

/// The key of a call, without its body: what `{method}_entry(..)` binds.
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
}

impl<B: AsyncBody, T: ?Sized> AsyncBody for Borne<B, T> {
    type Out = B::Out;
    type Fut = B::Fut;

    #[inline]
    fn run(self) -> B::Fut {
        self.call.run()
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
        (self.code)(self.parts)
    }
}

impl<P: KeyParts, O: Future, F: FnOnce(P) -> O> AsyncBody for Bound<P, F> {
    type Out = O::Output;
    type Fut = O;

    #[inline]
    fn run(self) -> O {
        (self.code)(self.parts)
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
