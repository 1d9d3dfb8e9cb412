//! Methods whose `self` is shared.

use std::rc::Rc;
use std::sync::Arc;

use ring_cache::{Lru, RingKey, ring_impl};

#[derive(RingKey)]
struct Node {
    id: u32,
    #[ring_key(skip)]
    cache: Lru<u32>,
}

fn node(id: u32) -> Node {
    Node {
        id,
        cache: Lru::new(9),
    }
}

trait Weigh {
    fn weigh(self: Arc<Self>, factor: u32) -> u32;
}

#[ring_impl]
impl Weigh for Node {
    #[ring]
    fn weigh(self: Arc<Self>, factor: u32) -> u32 {
        self.id * factor
    }
}

#[ring_impl]
impl Node {
    #[ring]
    fn by_reference(self: &Arc<Self>, n: u32) -> u32 {
        self.id + n + Arc::strong_count(self) as u32
    }

    #[ring(lru = self.cache)]
    fn in_a_field(self: &Arc<Self>, n: u32) -> u32 {
        self.id + n
    }

    #[ring]
    fn by_value(self: Arc<Self>, n: u32) -> u32 {
        let moved = self;
        moved.id + n
    }

    #[ring(key = "{self.id}:{n}")]
    fn by_template(self: Arc<Self>, n: u32) -> u32 {
        self.id * n
    }

    #[ring(key = self.id)]
    fn by_expression(self: Arc<Self>, n: u32) -> u32 {
        self.id + n
    }

    #[ring(ignore(self))]
    async fn awaited(self: Arc<Self>, n: u32) -> u32 {
        self.id + n
    }

    #[ring]
    fn of_one_thread(self: &Rc<Self>, n: u32) -> u32 {
        self.id + n
    }

    #[ring]
    fn owned_of_one_thread(self: Rc<Self>) -> u32 {
        self.id
    }

    #[allow(clippy::redundant_allocation, reason = "users write it")]
    #[ring]
    fn by_reference_to_a_reference(self: &&Self) -> u32 {
        self.id
    }

    #[allow(clippy::borrowed_box)]
    #[ring]
    #[allow(clippy::borrowed_box, reason = "users write it")]
    fn boxed(self: &Box<Self>) -> u32 {
        self.id
    }
}

#[test]
fn shared_receivers() {
    let one = Arc::new(node(1));
    assert_eq!(one.by_reference(2), 4);
    assert_eq!(one.by_reference_ring(2).get(), Some(4));
    let borrowed: &Node = &one;
    assert_eq!(borrowed.by_reference_to_a_reference(), 1);
    assert_eq!(one.in_a_field(2), 3);
    assert_eq!(one.cache.len(), 1);
    assert_eq!(one.clone().by_value(2), 3);
    assert!(one.clone().by_value_ring(2).has());
    assert!(one.clone().by_value_entry(2).delete());
    assert_eq!(one.clone().by_template(5), 5);
    assert!(one.clone().by_template_ring(5).key().as_str().ends_with(":1:5"));
    assert_eq!(one.clone().by_expression(2), 3);
    assert_eq!(one.clone().by_expression(9), 3, "the key is `self.id` alone");
    assert_eq!(one.clone().weigh(7), 7);
    assert_eq!(one.clone().weigh_entry(7).get(), Some(7));
    assert_eq!(block_on(one.clone().awaited(4)), 5);
    assert_eq!(block_on(Arc::new(node(3)).awaited(4)), 5);
    let local = Rc::new(node(8));
    assert_eq!(
        (local.of_one_thread(1), local.of_one_thread_ring(1).has()),
        (9, true)
    );
    assert_eq!(local.owned_of_one_thread(), 8);
    assert_eq!(Box::new(node(6)).boxed(), 6);
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}
