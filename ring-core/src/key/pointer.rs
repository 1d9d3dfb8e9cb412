//! Keys of pointers: their targets.

use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use super::{EncodedKey, KeyWriter, Reading, RingKey, TypeName};

macro_rules! pointer {
    ($($type:ty, $name:literal;)*) => {$(
        impl<T: RingKey + ?Sized> RingKey for $type {
            #[inline]
            fn ring_key<W: KeyWriter>(&self, key: &mut W) {
                T::ring_key(self, key);
            }

            fn ring_name(name: &mut TypeName) {
                name.generic($name, |name| T::ring_name(name));
            }

            fn may_read(reading: Reading<'_>) -> bool {
                T::may_read(reading)
            }

            #[inline]
            fn as_recorded(&self) -> Option<&EncodedKey> {
                T::as_recorded(self)
            }

            #[inline]
            fn known_hash(&self) -> Option<u64> {
                T::known_hash(self)
            }
        }
    )*};
}

pointer! {
    Box<T>, "Box";
    Rc<T>, "Rc";
    Arc<T>, "Arc";
}

impl<T: RingKey + ?Sized> RingKey for &T {
    #[inline]
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        T::ring_key(self, key);
    }

    fn ring_name(name: &mut TypeName) {
        name.text("&");
        T::ring_name(name);
    }

    fn may_read(reading: Reading<'_>) -> bool {
        T::may_read(reading)
    }

    #[inline]
    fn as_recorded(&self) -> Option<&EncodedKey> {
        T::as_recorded(self)
    }

    #[inline]
    fn known_hash(&self) -> Option<u64> {
        T::known_hash(self)
    }
}

/// A phantom has one value, so it feeds nothing.
impl<T: ?Sized> RingKey for PhantomData<T> {
    #[inline]
    fn ring_key<W: KeyWriter>(&self, _: &mut W) {}
}
