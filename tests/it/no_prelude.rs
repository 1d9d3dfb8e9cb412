//! Generated code names everything by its full path.

#[allow(clippy::module_inception)]
mod no_prelude {
    #![no_implicit_prelude]

    use ::ring_cache::{RingKey, ring, ring_impl};
    use ::std::string::String;

    /// Hide the names of the prelude and of the library.
    #[allow(dead_code)]
    enum Option {}
    #[allow(dead_code)]
    enum Result {}
    #[allow(dead_code)]
    trait Clone {}

    #[derive(RingKey)]
    pub(super) struct Page {
        pub(super) id: u32,
    }

    #[ring_impl]
    impl Page {
        #[ring(expire = "60s", capacity = 3)]
        pub(super) fn content(&self, number: u32) -> u32 {
            self.id + number
        }
        #[ring]
        pub(super) fn text() -> String {
            String::new()
        }
        #[ring]
        pub(super) fn tried(&self) -> ::std::result::Result<u32, String> {
            ::std::result::Result::Ok(self.id)
        }
        #[ring(invalidates(self.content(number), Self::text(..), |_| self.tried()), on = ok)]
        pub(super) fn write(&mut self, number: u32) -> ::std::result::Result<u32, String> {
            self.id += number;
            ::std::result::Result::Ok(self.id)
        }
        #[ring(invalidates(self.content(number)))]
        pub(super) async fn write_awaited(&mut self, number: u32) {
            self.id += number;
        }
    }

    #[ring]
    pub(super) fn generic<T>(value: T) -> (u32, T)
    where
        T: RingKey + ::std::clone::Clone + ::std::marker::Send + ::std::marker::Sync + 'static,
    {
        (1, value)
    }

    #[ring_impl]
    impl ::std::default::Default for Page {
        #[ring(coder = OfPage)]
        fn default() -> Page {
            Page { id: 1 }
        }
    }

    pub(super) struct OfPage;

    impl ::ring_cache::coder::Coder<Page> for OfPage {
        fn encode(page: &Page) -> ::std::result::Result<::std::vec::Vec<u8>, ::ring_cache::coder::Cause> {
            ::std::result::Result::Ok(page.id.to_le_bytes().to_vec())
        }
        fn decode(bytes: &[u8]) -> ::std::result::Result<Page, ::ring_cache::coder::Cause> {
            let bytes = <[u8; 4] as ::std::convert::TryFrom<&[u8]>>::try_from(bytes)?;
            ::std::result::Result::Ok(Page {
                id: u32::from_le_bytes(bytes),
            })
        }
    }
}

#[test]
fn without_a_prelude() {
    use no_prelude::{Page, generic};
    assert_eq!(Page { id: 1 }.content(2), 3);
    assert_eq!(Page::text(), "");
    assert_eq!(Page { id: 4 }.tried(), Ok(4));
    assert_eq!(generic('a'), (1, 'a'));
    let mut page = Page { id: 1 };
    assert_eq!(page.write(2), Ok(3));
    drop(page.write_awaited(2));
    assert!(!Page { id: 1 }.content_entry(2).has());
    assert_eq!(Page::default().id, 1);
    assert!(Page::default_ring().has());
}
