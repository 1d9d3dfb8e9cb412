//! The body of a cached method with its bound values.

use crate::key::KeyParts;

/// A bound call: the values that make up its key, and the user's code.
pub trait Body {
    /// The bound values, `self` first.
    type Parts: KeyParts;
    /// What the code returns.
    type Out;

    /// The bound values.
    fn parts(&self) -> &Self::Parts;
    /// Runs the code.
    fn run(self) -> Self::Out;
}

/// The [`Body`] that generated accessors make.
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

impl<P: KeyParts, O, F: FnOnce(P) -> O> Body for Bound<P, F> {
    type Parts = P;
    type Out = O;

    #[inline]
    fn parts(&self) -> &P {
        &self.parts
    }

    #[inline]
    fn run(self) -> O {
        (self.code)(self.parts)
    }
}
