use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::forms::{self, Fetch, FetchLater, FetchRing};
use super::{Page, Pages, Repo};

/// The output of a future that is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn everything_is_cached() {
    let page = Page::new("http://example.com");
    assert_eq!(page.content(), "http://example.com");
    assert_eq!(
        page.content_ring().key().to_string(),
        "renamed.domain.Page.content:page=http://example.com"
    );
    assert_eq!(page.section(1, "a").content(), "http://example.com#1");
    assert!(page.section_ring(1, "b").has());
    assert_eq!(page.title("en"), Ok(Some("http://example.com".to_owned())));
    assert_eq!(page.length(), 18 + 28);
    assert_eq!(page.in_crate(), 28);
    assert_eq!(Page::class_content(), "");

    assert_eq!(Repo::<u8>::new(1).name("a", 'b', "c"), 1);
    assert!(!Repo::<u16>::new(1).name_ring("a", 'b', "c").has());

    let pages = Pages::new("host");
    assert_eq!(pages.logged("path", |_| ()).content(), "host/path");
    assert_eq!(
        pages.page_ring("path").get().map(|page| page.length()),
        Some(9 + 28)
    );

    assert_eq!(forms::free(1), 2);
    assert_eq!(forms::generic('a'), ['a']);
    assert_eq!(Page::new("x").fetch(1), "1x");
    assert_eq!(vec![1, 2].fetch(1), 3);
    assert!(vec![1, 2].fetch_ring(1).delete());

    assert_eq!(now(forms::parsed("7")), Ok(7));
    assert_eq!(now(forms::parsed_ring("7").get()), Some(7));
    assert_eq!(now(Page::new("x").fetch_later(1)), 3);
    assert!(now(Page::new("x").fetch_later_ring(1).delete()));
}
