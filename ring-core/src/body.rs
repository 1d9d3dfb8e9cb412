//! The body of a cached method with its bound values.

use std::future::{Ready, ready};

use crate::key::KeyParts;

/// A bound call: the values that make up its key.
pub trait Bind {
    /// The bound values, `self` first.
    type Parts: KeyParts;

    /// The bound values.
    fn parts(&self) -> &Self::Parts;
}

/// A bound call and the user's code.
pub trait Body: Bind {
    /// What the code returns.
    type Out;

    /// Runs the code.
    fn run(self) -> Self::Out;
}

/// A bound call and the user's code, which is async.
pub trait AsyncBody: Bind {
    /// What the code returns in the end.
    type Out;
    /// What it returns at once.
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

/// A blocking body, as the code sees it that blocking and async calls share.
pub(crate) struct Immediate<B>(pub(crate) B);

impl<B: Bind> Bind for Immediate<B> {
    type Parts = B::Parts;

    fn parts(&self) -> &B::Parts {
        self.0.parts()
    }
}

impl<B: Body> AsyncBody for Immediate<B> {
    type Out = B::Out;
    type Fut = Ready<B::Out>;

    #[inline]
    fn run(self) -> Ready<B::Out> {
        ready(self.0.run())
    }
}
