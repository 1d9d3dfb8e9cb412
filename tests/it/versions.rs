//! `version = 2` and `version = shape`: old and new values coexist.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::LazyLock;

use ring_cache::{Map, RingKey, RingShape, ring, ring_impl};

static NUMBERS: LazyLock<Map<u32>> = LazyLock::new(Map::new);

#[ring(map = NUMBERS, key_prefix = "number")]
fn first(n: u32) -> u32 {
    n
}

#[ring(map = NUMBERS, key_prefix = "number", version = 2)]
fn second(n: u32) -> u32 {
    10 * n
}

#[ring(version = 12)]
fn by_full_name() -> u32 {
    1
}

#[test]
fn c3_a_version_joins_the_rings_name() {
    assert_eq!(first_ring(1).key(), "number:1");
    assert_eq!(second_ring(1).key(), "number@2:1");
    let key = by_full_name_ring().key().to_string();
    assert!(key.ends_with(".versions.by_full_name@12"), "{key}");
    assert_eq!(by_full_name_cache().name().as_str(), key);
}

#[test]
fn c3_old_and_new_values_live_side_by_side() {
    assert_eq!((first(1), second(1)), (1, 10));
    assert_eq!((first_ring(1).get(), second_ring(1).get()), (Some(1), Some(10)));
    assert_eq!(first_cache().conflict(), None);
    assert_eq!(second_cache().conflict(), None);
    second_cache().clear();
    assert_eq!((first_ring(1).get(), second_ring(1).get()), (Some(1), None));
}

#[derive(RingKey)]
struct Shop<T> {
    id: u32,
    #[ring_key(skip)]
    wares: PhantomData<T>,
}

#[ring_impl(version = 3)]
impl<T: RingKey + 'static> Shop<T> {
    #[ring(key_prefix = "shop")]
    fn of_the_block(&self) -> u32 {
        self.id
    }

    #[ring(key_prefix = "shop", version = 4)]
    async fn of_the_method(&self) -> u32 {
        self.id
    }

    #[ring(class, key_prefix = "class")]
    fn of_a_class() -> u32 {
        1
    }
}

#[tokio::test]
async fn a_block_says_it_for_its_methods() {
    let shop = Shop::<u8> {
        id: 7,
        wares: PhantomData,
    };
    assert_eq!((shop.of_the_block(), shop.of_the_method().await), (7, 7));
    let [block, method] = [shop.of_the_block_ring().key(), shop.of_the_method_ring().key()];
    assert!(
        block.as_str().ends_with("@3:7") && block.as_str().starts_with("shop"),
        "{block}"
    );
    assert!(method.as_str().ends_with("@4:7"), "{method}");
    Shop::<u8>::of_a_class();
    let class = Shop::<u8>::of_a_class_ring().key();
    assert!(class.as_str().ends_with("@3"), "{class}");
    assert_ne!(class, Shop::<u16>::of_a_class_ring().key());
}

/// A release, and the next ones.
mod releases {
    pub(super) mod one {
        #[derive(Clone, Debug, PartialEq, ring_cache::RingShape)]
        pub(crate) struct User {
            pub(crate) id: u64,
            pub(crate) address: super::super::Address<String>,
        }
    }
    /// The same.
    pub(super) mod two {
        #[derive(Clone, Debug, PartialEq, ring_cache::RingShape)]
        pub(crate) struct User {
            pub(crate) id: u64,
            pub(crate) address: super::super::Address<Box<str>>,
        }
    }
    /// A type in it has changed.
    pub(super) mod three {
        #[derive(Clone, Debug, PartialEq, ring_cache::RingShape)]
        pub(crate) struct User {
            pub(crate) id: u64,
            pub(crate) address: super::super::Address<Vec<u8>>,
        }
    }
}

#[derive(Clone, Debug, PartialEq, RingShape, serde::Serialize)]
struct Address<T> {
    #[serde(rename = "town")]
    city: T,
}

macro_rules! users {
    ($($name:ident: $release:ident, $city:expr;)*) => {$(
        #[ring(key_prefix = "user", version = shape)]
        fn $name(id: u64) -> releases::$release::User {
            releases::$release::User { id, address: Address { city: $city } }
        }
    )*};
}

users! {
    user_one: one, "Uppsala".to_owned();
    user_two: two, "Uppsala".into();
    user_three: three, vec![1];
}

#[test]
fn c3_a_shape_is_a_fingerprint_of_the_value_and_all_types_in_it() {
    let [one, two, three] = [
        user_one_ring(1).key(),
        user_two_ring(1).key(),
        user_three_ring(1).key(),
    ];
    assert_eq!(one, two);
    assert_ne!(one, three);
    let shape = one
        .as_str()
        .strip_prefix("user@")
        .and_then(|rest| rest.strip_suffix(":1"));
    assert!(shape.is_some_and(|shape| shape.len() == 16), "{one}");
    assert_eq!(user_one(1).address.city, "Uppsala");
    assert_eq!(user_one_ring(1).get(), Some(user_one(1)));
}

/// With types of other crates, attributes, and itself.
#[derive(Clone, RingShape, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
enum Tree<'a, T> {
    Leaf,
    #[serde(rename = "fork")]
    Fork(Box<Tree<'a, T>>, Vec<Tree<'a, T>>),
    Named {
        #[serde(default)]
        by_name: BTreeMap<String, Option<T>>,
        #[ring_shape(opaque)]
        from_elsewhere: std::num::Saturating<u8>,
        #[serde(skip)]
        skipped: PhantomData<&'a fn()>,
    },
}

#[ring(key_prefix = "tree", version = shape)]
fn tree(deep: bool) -> Result<Tree<'static, u8>, String> {
    let named = Tree::Named {
        by_name: BTreeMap::new(),
        from_elsewhere: std::num::Saturating(1),
        skipped: PhantomData,
    };
    Ok(if deep {
        Tree::Fork(Box::new(Tree::Leaf), vec![named])
    } else {
        Tree::Leaf
    })
}

#[ring(key_prefix = "tree", version = shape)]
fn tree_of_words() -> Tree<'static, String> {
    Tree::Leaf
}

#[ring(version = shape)]
async fn generic<T: RingKey + RingShape + Clone + Send + Sync + 'static>(of: T) -> Vec<T> {
    vec![of]
}

#[tokio::test]
async fn shapes_of_recursive_and_generic_types() {
    assert!(matches!(tree(true), Ok(Tree::Fork(..))));
    let (tree, words) = (tree_ring(true).key(), tree_of_words_ring().key());
    assert_ne!(tree.as_str().split(':').next(), words.as_str().split(':').next());
    assert_eq!(
        (generic(1_u8).await, generic(String::new()).await),
        (vec![1], vec![String::new()])
    );
    let names = [generic_ring(1_u8).key(), generic_ring(1_u16).key()];
    assert_ne!(names[0], names[1]);
}
