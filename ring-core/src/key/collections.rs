//! Keys of tuples, lists, maps and sets. Those without an order of their own are sorted by their encoding.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};

use super::encode::element_bytes;
use super::replay::Replay;
use super::{Bracket, KeyWriter, Reading, RingKey, TypeName};

impl<T: RingKey> RingKey for [T] {
    #[inline]
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        T::ring_key_slice(self, key);
    }

    fn may_read(reading: Reading<'_>) -> bool {
        T::slice_may_read(reading)
    }

    fn ring_name(name: &mut TypeName) {
        name.text("[");
        T::ring_name(name);
        name.text("]");
    }
}

impl<T: RingKey, const N: usize> RingKey for [T; N] {
    #[inline]
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        T::ring_key_slice(self, key);
    }

    fn may_read(reading: Reading<'_>) -> bool {
        T::slice_may_read(reading)
    }

    fn ring_name(name: &mut TypeName) {
        name.text("[");
        T::ring_name(name);
        name.text(";");
        name.value(&N);
        name.text("]");
    }
}

impl<T: RingKey> RingKey for Vec<T> {
    #[inline]
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        T::ring_key_slice(self, key);
    }

    fn may_read(reading: Reading<'_>) -> bool {
        T::slice_may_read(reading)
    }

    fn ring_name(name: &mut TypeName) {
        name.generic("Vec", |name| T::ring_name(name));
    }
}

macro_rules! ordered {
    ($($type:ident)*) => {$(
        impl<T: RingKey> RingKey for $type<T> {
            fn ring_key<W: KeyWriter>(&self, key: &mut W) {
                key.list(self);
            }

            fn ring_name(name: &mut TypeName) {
                name.generic(stringify!($type), |name| T::ring_name(name));
            }

            fn may_read(reading: Reading<'_>) -> bool {
                reading.of_group("[")
            }
        }
    )*};
}

ordered!(VecDeque LinkedList BTreeSet);

impl<K: RingKey, V: RingKey> RingKey for BTreeMap<K, V> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.open("", Bracket::Square);
        for pair in self {
            key.element(&pair);
        }
        key.close(Bracket::Square);
    }

    fn ring_name(name: &mut TypeName) {
        pair_name::<K, V>("BTreeMap", name);
    }

    fn may_read(reading: Reading<'_>) -> bool {
        reading.of_group("[")
    }
}

impl<T: RingKey, S> RingKey for HashSet<T, S> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        sorted(key, self.iter());
    }

    fn ring_name(name: &mut TypeName) {
        name.generic("HashSet", |name| T::ring_name(name));
    }

    fn may_read(reading: Reading<'_>) -> bool {
        reading.of_group("[")
    }
}

impl<K: RingKey, V: RingKey, S> RingKey for HashMap<K, V, S> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        sorted(key, self.iter());
    }

    fn ring_name(name: &mut TypeName) {
        pair_name::<K, V>("HashMap", name);
    }

    fn may_read(reading: Reading<'_>) -> bool {
        reading.of_group("[")
    }
}

fn pair_name<K: RingKey, V: RingKey>(collection: &str, name: &mut TypeName) {
    name.generic(collection, |name| {
        K::ring_name(name);
        name.text(",");
        V::ring_name(name);
    });
}

fn sorted<W: KeyWriter, T: RingKey>(key: &mut W, elements: impl Iterator<Item = T>) {
    let mut encoded: Vec<Vec<u8>> = elements.map(|element| element_bytes(&element)).collect();
    encoded.sort_unstable();
    key.open("", Bracket::Square);
    for element in &encoded {
        key.element(&Replay::of_bytes(element));
    }
    key.close(Bracket::Square);
}

impl RingKey for () {
    #[inline]
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.open("", Bracket::Round);
        key.close(Bracket::Round);
    }

    fn ring_name(name: &mut TypeName) {
        name.text("()");
    }

    fn may_read(reading: Reading<'_>) -> bool {
        reading.of_words(&["()"])
    }
}

macro_rules! tuple {
    ($first:ident $index:tt $($rest:ident $number:tt)*) => {
        impl<$first: RingKey, $($rest: RingKey),*> RingKey for ($first, $($rest,)*) {
            #[inline]
            fn ring_key<W: KeyWriter>(&self, key: &mut W) {
                key.open("", Bracket::Round);
                key.element(&self.$index);
                $(key.element(&self.$number);)*
                key.close(Bracket::Round);
            }

            fn ring_name(name: &mut TypeName) {
                name.text("(");
                $first::ring_name(name);
                $(
                    name.text(",");
                    $rest::ring_name(name);
                )*
                name.text(")");
            }

            fn may_read(reading: Reading<'_>) -> bool {
                reading.of_group("(")
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0 B 1);
tuple!(A 0 B 1 C 2);
tuple!(A 0 B 1 C 2 D 3);
tuple!(A 0 B 1 C 2 D 3 E 4);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11);
