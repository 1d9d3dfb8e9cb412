//! `Arc` by loom's atomics. loom's own lacks `into_inner`.

use std::ops::Deref;

use super::{AtomicUsize, Ordering};

/// loom counts the references, and the real one frees the memory. `None` after its end.
pub(crate) struct Arc<T>(Option<std::sync::Arc<Counted<T>>>);

struct Counted<T> {
    references: AtomicUsize,
    value: T,
}

impl<T> Arc<T> {
    pub(crate) fn new(value: T) -> Self {
        Arc(Some(std::sync::Arc::new(Counted {
            references: AtomicUsize::new(1),
            value,
        })))
    }

    pub(crate) fn ptr_eq(one: &Self, other: &Self) -> bool {
        std::ptr::eq(one.counted(), other.counted())
    }

    /// The value, if this is the last reference: of all that end like this, one gets it.
    pub(crate) fn into_inner(mut this: Self) -> Option<T> {
        let counted = this.0.take()?;
        let is_last = counted.references.fetch_sub(1, Ordering::AcqRel) == 1;
        is_last.then(|| {
            let counted = std::sync::Arc::into_inner(counted).expect("all others are gone");
            counted.value
        })
    }

    fn counted(&self) -> &Counted<T> {
        self.0.as_ref().expect("it is taken at the end")
    }
}

impl<T> Clone for Arc<T> {
    fn clone(&self) -> Self {
        self.counted().references.fetch_add(1, Ordering::Relaxed);
        Arc(self.0.clone())
    }
}

impl<T> Deref for Arc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.counted().value
    }
}

impl<T> Drop for Arc<T> {
    fn drop(&mut self) {
        if let Some(counted) = self.0.take() {
            counted.references.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
