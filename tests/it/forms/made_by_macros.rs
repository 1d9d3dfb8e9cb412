//! Impl blocks and functions that macros make.

use super::*;

macro_rules! cached_type {
    ($type:ident, $method:ident($argument:ident: $argument_type:ty) -> $out:ty, $body:expr) => {
        #[derive(RingKey)]
        struct $type {
            id: u32,
        }

        #[ring_impl]
        impl $type {
            #[ring]
            fn $method(&self, $argument: $argument_type) -> $out {
                let _ = self.id;
                $body
            }
            #[ring(key = (self.id, n))]
            fn fixed(&self, n: u32) -> u32 {
                self.id + n
            }
        }
    };
    (fn $function:ident($($argument:ident: $type:ty),*) -> $out:ty $body:block) => {
        #[ring]
        fn $function($($argument: $type),*) -> $out $body
    };
    (owner $owner:ident, $cache:ident: $storage:ty) => {
        #[derive(RingKey)]
        struct $owner {
            #[ring_key(skip)]
            $cache: $storage,
        }

        #[ring_impl(lru = self.$cache)]
        impl $owner {
            #[ring]
            fn value(&self, n: u32) -> u32 {
                n
            }
        }
    };
    (impl $type:ty) => {
        #[ring_impl]
        impl $type {
            #[ring]
            fn by_type(&self) -> Result<$type, String> {
                Err("never cached".into())
            }
        }
    };
}

cached_type!(One, twice(n: u32) -> u32, n * 2);
cached_type!(Two, twice(n: u32) -> u32, n * 3);
cached_type!(
    fn free(a: u32, b: &str) -> String {
        format!("{a}{b}")
    }
);
cached_type!(owner Owner, users: ring_cache::Lru<u32>);
cached_type!(impl Shop);

#[test]
fn impl_blocks_and_functions_of_macros() {
    let (one, two) = (One { id: 1 }, Two { id: 1 });
    assert_eq!((one.twice(2), two.twice(2)), (4, 6));
    assert_eq!((one.fixed(2), two.fixed(2)), (3, 3));
    assert_eq!(free(1, "a"), "1a");
    let owner = Owner {
        users: ring_cache::Lru::new(10),
    };
    assert_eq!(owner.value(1), 1);
    assert_eq!(owner.users.len(), 1);
    assert!(SHOP.by_type().is_err());
}
