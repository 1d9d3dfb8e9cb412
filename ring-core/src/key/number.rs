//! Keys of numbers.

use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8, NonZeroU16,
    NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize, Wrapping,
};

use super::{KeyWriter, Reading, RingKey, TypeName};

/// The bits that decide the equality of floats: one NaN, two zeros.
#[inline]
pub(super) fn float_bits(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        value.to_bits()
    }
}

/// [`float_bits`] for 32 bits.
#[inline]
pub(super) fn float_narrow_bits(value: f32) -> u32 {
    if value.is_nan() {
        f32::NAN.to_bits()
    } else {
        value.to_bits()
    }
}

/// Texts of floats have many forms.
macro_rules! reading_of {
    (float, $reading:ident) => {
        !matches!($reading, Reading::Colon)
    };
    (float_narrow, $reading:ident) => {
        !matches!($reading, Reading::Colon)
    };
    ($method:ident, $reading:ident) => {
        $reading.of_integer()
    };
}

macro_rules! number {
    ($($type:ty, $name:literal, $method:ident as $wide:ty;)*) => {$(
        impl RingKey for $type {
            #[inline]
            fn ring_key<W: KeyWriter>(&self, key: &mut W) {
                key.$method(*self as $wide);
            }

            fn ring_name(name: &mut TypeName) {
                name.text($name);
            }

            fn may_read(reading: Reading<'_>) -> bool {
                reading_of!($method, reading)
            }
        }
    )*};
}

number! {
    u16, "u16", unsigned as u64;
    u32, "u32", unsigned as u64;
    u64, "u64", unsigned as u64;
    usize, "usize", unsigned as u64;
    i8, "i8", signed as i64;
    i16, "i16", signed as i64;
    i32, "i32", signed as i64;
    i64, "i64", signed as i64;
    isize, "isize", signed as i64;
    u128, "u128", unsigned_wide as u128;
    i128, "i128", signed_wide as i128;
    f64, "f64", float as f64;
    f32, "f32", float_narrow as f32;
}

impl RingKey for u8 {
    #[inline]
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.unsigned(u64::from(*self));
    }

    fn ring_name(name: &mut TypeName) {
        name.text("u8");
    }

    fn may_read(reading: Reading<'_>) -> bool {
        reading.of_integer()
    }

    #[inline]
    fn ring_key_slice<W: KeyWriter>(slice: &[Self], key: &mut W) {
        key.bytes(slice);
    }

    fn slice_may_read(_: Reading<'_>) -> bool {
        true
    }
}

macro_rules! non_zero {
    ($($type:ident)*) => {$(
        impl RingKey for $type {
            #[inline]
            fn ring_key<W: KeyWriter>(&self, key: &mut W) {
                self.get().ring_key(key);
            }

            fn ring_name(name: &mut TypeName) {
                name.text(stringify!($type));
            }

            fn may_read(reading: Reading<'_>) -> bool {
                reading.of_integer()
            }
        }
    )*};
}

non_zero! {
    NonZeroU8 NonZeroU16 NonZeroU32 NonZeroU64 NonZeroU128 NonZeroUsize
    NonZeroI8 NonZeroI16 NonZeroI32 NonZeroI64 NonZeroI128 NonZeroIsize
}

impl<T: RingKey> RingKey for Wrapping<T> {
    #[inline]
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        self.0.ring_key(key);
    }

    fn ring_name(name: &mut TypeName) {
        name.generic("Wrapping", |name| T::ring_name(name));
    }

    fn may_read(reading: Reading<'_>) -> bool {
        T::may_read(reading)
    }
}
