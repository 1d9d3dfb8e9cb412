//! Half-written code, and uses of all accessors. `missing_ring` alone is unknown.

use ring_cache::{RingKey, ring, ring_impl};

#[derive(RingKey)]
pub struct Page(pub u32);

#[ring_impl]
impl Page {
    #[ring]
    pub fn whole(&self) -> u32 {
        2
    }

    #[ring]
    pub fn dot(&self) -> u32 {
        self.
    }

    #[ring]
    pub fn half_let(&self, n: u32) -> u32 {
        let x =
    }

    #[ring]
    pub async fn later(&self, n: u32) -> u32 {
        foo(n, 
    }
}

trait Size {
    fn size(&self) -> u32;
    fn other(&self) -> u32;
}

#[ring_impl]
impl Size for Page {
    #[ring]
    fn size(&self) -> u32 {
        match self.0 { 1 => }
    }

    #[ring]
    fn other(&self) -> u32 {
        3
    }
}

#[ring]
pub fn free(n: u32) -> u32 {
    if n {
        n.
    } else
}

pub fn uses() {
    let page = Page(1);
    page.whole_ring().has();
    page.whole_entry().delete();
    Page::whole_cache().clear();
    page.dot_ring().get();
    page.half_let_ring(1).get();
    page.half_let_entry(1).get();
    let _ = page.later_ring(1);
    page.size_ring().has();
    page.other_ring().get();
    free_ring(1).has();
    free_entry(1).delete();
    free_cache().clear();
    page.missing_ring().get();
}
