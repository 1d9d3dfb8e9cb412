//! Keys of strings, paths, booleans, characters, options and results.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{Bracket, KeyWriter, Reading, RingKey, TypeName};

macro_rules! string {
    ($($type:ty, $name:literal, $self:ident => $method:ident($value:expr);)*) => {$(
        impl RingKey for $type {
            #[inline]
            fn ring_key<W: KeyWriter>(&$self, key: &mut W) {
                key.$method($value);
            }

            fn ring_name(name: &mut TypeName) {
                name.text($name);
            }
        }
    )*};
}

string! {
    str, "str", self => text(self);
    String, "String", self => text(self);
    char, "char", self => text(self.encode_utf8(&mut [0; 4]));
    OsStr, "OsStr", self => bytes(self.as_encoded_bytes());
    OsString, "OsString", self => bytes(self.as_encoded_bytes());
    Path, "Path", self => bytes(self.as_os_str().as_encoded_bytes());
    PathBuf, "PathBuf", self => bytes(self.as_os_str().as_encoded_bytes());
}

impl RingKey for bool {
    #[inline]
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.word(if *self { "true" } else { "false" });
    }

    fn ring_name(name: &mut TypeName) {
        name.text("bool");
    }

    fn may_read(reading: Reading<'_>) -> bool {
        reading.of_words(&["true", "false"])
    }
}

impl<T: RingKey + ToOwned + ?Sized> RingKey for Cow<'_, T> {
    #[inline]
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        T::ring_key(self, key);
    }

    fn ring_name(name: &mut TypeName) {
        name.generic("Cow", |name| T::ring_name(name));
    }

    fn may_read(reading: Reading<'_>) -> bool {
        T::may_read(reading)
    }
}

impl<T: RingKey> RingKey for Option<T> {
    #[inline]
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        match self {
            Some(value) => wrapped(key, "Some", value),
            None => key.word("None"),
        }
    }

    fn ring_name(name: &mut TypeName) {
        name.generic("Option", |name| T::ring_name(name));
    }

    fn may_read(reading: Reading<'_>) -> bool {
        reading.of_words(&["None"]) || reading.of_group("Some(")
    }
}

impl<T: RingKey, E: RingKey> RingKey for Result<T, E> {
    #[inline]
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        match self {
            Ok(value) => wrapped(key, "Ok", value),
            Err(error) => wrapped(key, "Err", error),
        }
    }

    fn ring_name(name: &mut TypeName) {
        name.generic("Result", |name| {
            T::ring_name(name);
            name.text(",");
            E::ring_name(name);
        });
    }

    fn may_read(reading: Reading<'_>) -> bool {
        reading.of_group("Ok(") || reading.of_group("Err(")
    }
}

#[inline]
fn wrapped<W: KeyWriter, T: RingKey>(key: &mut W, variant: &str, value: &T) {
    key.open(variant, Bracket::Round);
    key.element(value);
    key.close(Bracket::Round);
}
