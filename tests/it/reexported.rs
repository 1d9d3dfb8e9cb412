//! The macros, reached through another crate.

mod framework {
    pub(super) mod caching {
        pub(in super::super) use ring_cache::*;
    }
}

use framework::caching::{RingKey, ring, ring_impl};

#[derive(RingKey)]
#[ring_key(crate = crate::reexported::framework::caching)]
struct Page {
    id: u32,
}

#[ring_impl(crate = crate::reexported::framework::caching, expire = "1m")]
impl Page {
    #[ring]
    fn content(&self) -> Result<String, std::num::ParseIntError> {
        Ok(self.id.to_string())
    }

    #[ring(crate = framework::caching, key = "page:{self.id}")]
    async fn awaited(&self) -> u32 {
        self.id
    }
}

trait Length {
    type Number;
    fn length(&self) -> Self::Number;
}

#[ring_impl(crate = crate::reexported::framework::caching)]
impl Length for Page {
    type Number = usize;

    #[ring]
    fn length(&self) -> Self::Number {
        3
    }
}

#[ring(crate = framework::caching)]
fn double<T: RingKey + Into<u64>>(n: T) -> u64 {
    2 * n.into()
}

macro_rules! cached_by {
    ($library:path, $name:ident) => {
        #[ring(crate = $library)]
        fn $name(n: u32) -> u32 {
            n
        }
    };
}

cached_by!(framework::caching, made);

#[test]
fn macros_say_where_it_is() {
    assert_eq!(made(1), 1);
    assert!(made_entry(1).has());
}

#[test]
fn say_where_it_is() {
    let page = Page { id: 7 };
    assert_eq!(
        (page.content().as_deref(), page.length(), double(4_u8)),
        (Ok("7"), 3, 8)
    );
    assert!(page.content_entry().has() && page.length_ring().has() && double_ring(4_u8).has());
    assert!(
        page.awaited_entry()
            .key()
            .as_str()
            .ends_with(".Page.awaited:page:7")
    );
}
