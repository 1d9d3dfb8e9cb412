//! Accessors are as visible as the method.

pub(crate) mod inner {
    use ring_cache::{RingKey, ring, ring_impl};

    #[derive(RingKey)]
    pub(in crate::forms) struct Inner;

    struct Hidden;

    #[ring_impl]
    impl Inner {
        #[ring]
        pub(in crate::forms) fn path(&self) -> u32 {
            self.private() + Self::secret(&Hidden)
        }
        #[ring]
        fn private(&self) -> u32 {
            1
        }
        #[ring(ignore(_hidden))]
        fn secret(_hidden: &Hidden) -> u32 {
            1
        }
    }

    #[ring]
    pub(super) fn function() -> u32 {
        2
    }
}

#[test]
fn accessors_are_seen_where_the_method_is() {
    use ring_cache::Call;
    assert_eq!(inner::Inner.path(), 2);
    assert_eq!(Call::get(&inner::Inner.path_ring()), Some(2));
    assert_eq!(inner::function_ring().update(), 2);
    assert_eq!(inner::function_cache().stats().stores, 1);
    assert_eq!(inner::function(), 2);
}
