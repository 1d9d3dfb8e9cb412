//! `Self::Item` and `Self::SIZE` in the `impl` of a trait keep their meaning.

use ring_cache::{RingKey, ring_impl};

#[derive(RingKey)]
struct Maker;

#[derive(Clone, Debug, PartialEq, RingKey)]
struct Thing {
    n: u32,
}

trait Entity {
    type Model;
    type Id;
}

trait Find: Entity {
    fn find(&self, id: Self::Id) -> Option<Self::Model>;
    fn all(&self) -> Vec<(Self::Id, Self::Model)>;
}

impl Entity for Maker {
    type Model = Thing;
    type Id = u32;
}

#[ring_impl]
impl Find for Maker {
    #[ring]
    fn find(&self, id: Self::Id) -> Option<Self::Model> {
        let found: Self::Model = Self::Model { n: id };
        Some(found)
    }

    #[ring]
    fn all(&self) -> Vec<(Self::Id, Self::Model)> {
        vec![(1, Self::Model { n: 1 })]
    }
}

#[test]
fn types_of_supertraits() {
    assert_eq!(Maker.find(1), Some(Thing { n: 1 }));
    assert_eq!(Maker.find_ring(1).get(), Some(Some(Thing { n: 1 })));
    assert_eq!(Maker.all(), [(1, Thing { n: 1 })]);
    assert!(Maker.find_entry(1).delete());
}

trait Make<T> {
    type Out;
    type Pair<U>;
    fn make(&self, with: T) -> Self::Out;
    fn take(&self, thing: Self::Out) -> u32;
    fn size(&self) -> usize;
    fn pair(&self) -> Self::Pair<u8>;
}

#[ring_impl]
impl Make<u32> for Maker {
    type Out = Thing;
    type Pair<U> = (Self::Out, Option<U>);

    #[ring]
    fn make(&self, with: u32) -> Self::Out {
        Self::Out { n: with }
    }
    #[ring]
    fn take(&self, thing: Self::Out) -> u32 {
        let Self::Out { n } = thing;
        n
    }
    #[ring]
    fn size(&self) -> usize {
        size_of::<<Self>::Out>() + vec![Self::Out { n: 1 }].len()
    }
    #[ring]
    fn pair(&self) -> Self::Pair<u8> {
        (Self::Out { n: 2 }, None)
    }
}

#[test]
fn paths_in_bodies_and_types_with_arguments() {
    assert_eq!(Maker.take(Maker.make(3)), 3);
    assert_eq!((Maker.size(), Maker.pair()), (5, (Thing { n: 2 }, None)));
    assert!(Maker.pair_entry().has());
}

mod elsewhere {
    pub(super) trait Digest {
        const N: usize;
        const DOUBLE: usize = Self::N * 2;
        fn digest(&self) -> [u8; 3];
        fn nested(&self) -> Option<Vec<[u8; 3]>>;
        fn length(&self) -> usize;
    }
}

#[derive(RingKey)]
struct File(u8);

#[ring_impl]
impl elsewhere::Digest for File {
    const N: usize = 3;

    #[ring]
    fn digest(&self) -> [u8; Self::N] {
        [self.0; Self::N]
    }
    #[ring]
    fn nested(&self) -> Option<Vec<[u8; Self::N]>> {
        Some(vec![[self.0; 3]])
    }
    #[ring]
    fn length(&self) -> usize {
        Self::N + Self::DOUBLE
    }
}

/// The trait is not imported here.
#[test]
fn constants_in_types() {
    assert_eq!(elsewhere::Digest::digest(&File(1)), [1; 3]);
    assert_eq!(elsewhere::Digest::nested(&File(1)), Some(vec![[1; 3]]));
    assert_eq!(elsewhere::Digest::length(&File(1)), 9);
    assert_eq!(File(1).digest_ring().get(), Some([1; 3]));
}

#[derive(RingKey)]
struct Store<T>(T);

trait Load<K> {
    type Row;
    fn load(&self, key: K) -> Result<Self::Row, String>;
}

#[ring_impl]
impl<T: RingKey + Clone + Send + Sync + 'static, K: RingKey> Load<K> for Store<T> {
    type Row = (T, usize);

    #[ring]
    fn load(&self, key: K) -> Result<Self::Row, String> {
        let row: Self::Row = (self.0.clone(), size_of_val(&key));
        Ok(row)
    }
}

#[test]
fn generic_traits_and_types() {
    assert_eq!(Store("a").load(1_u16), Ok(("a", 2)));
    assert_eq!(Store(7_u8).load(1_u32), Ok((7, 4)));
    assert_eq!(Store("a").load_ring(1_u16).get(), Some(("a", 2)));
}

/// The type of the block borrows, its declared types do not.
mod of_types_that_borrow {
    use super::*;

    #[derive(RingKey)]
    struct Text<'a>(&'a str);

    trait Parse {
        type Out;
        type Problem;
        fn parse(&self) -> Result<Self::Out, Self::Problem>;
        fn all(&self) -> Vec<Self::Out>;
        fn none() -> Option<Self::Out>;
    }

    #[ring_impl]
    impl Parse for Text<'_> {
        type Out = u32;
        type Problem = std::num::ParseIntError;

        #[ring]
        fn parse(&self) -> Result<Self::Out, Self::Problem> {
            self.0.parse()
        }

        #[ring]
        fn all(&self) -> Vec<<Self as Parse>::Out> {
            self.0
                .chars()
                .filter_map(|character| character.to_digit(10))
                .collect()
        }

        #[ring]
        fn none() -> Option<Self::Out> {
            None
        }
    }

    #[test]
    fn values_are_owned() {
        let text = String::from("12");
        let text = Text(&text);
        assert_eq!(
            (text.parse(), text.all(), Text::none()),
            (Ok(12), vec![1, 2], None)
        );
        assert!(text.parse_ring().has() && text.all_entry().has());
    }
}
