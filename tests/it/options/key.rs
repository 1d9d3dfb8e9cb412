//! `key_prefix`, `key` and `ignore`.

use super::*;

const PREFIX: &str = "constant";

#[ring_impl]
impl Service {
    const PREFIX: &str = "associated";

    #[ring(key_prefix = "literal")]
    fn literal(&self, n: u32) -> u32 {
        n
    }
    #[ring(key_prefix = PREFIX)]
    fn constant(&self, n: u32) -> u32 {
        n
    }
    #[ring(key_prefix = Self::PREFIX)]
    fn associated(&self, n: u32) -> u32 {
        n
    }
    #[ring(key_prefix = &format!("{}-{}", Self::PREFIX, 1))]
    fn built(&self, n: u32) -> u32 {
        n
    }
    #[ring(key = (self.id, url.len()))]
    fn own(&self, url: &str, _unused: &Instant) -> u32 {
        url.len() as u32
    }
    #[ring(key = _id.to_string(), key_prefix = "both")]
    fn prefix_and_key(_id: u32) -> u32 {
        1
    }
    #[ring(ignore(a, c))]
    fn some(&self, a: u32, b: u32, c: Instant) -> u32 {
        let _ = c;
        a + b
    }
    #[ring(ignore(self))]
    fn without_self(&self, n: u32) -> u32 {
        self.id * n
    }
}

#[test]
fn keys_are_what_was_said() {
    let (service, now) = (service(), Instant::now());
    let text = |key: ring_cache::Key| key.to_string();
    assert_eq!(text(service.literal_ring(2).key()), "literal:1:2");
    assert_eq!(text(service.constant_ring(2).key()), "constant:1:2");
    assert_eq!(text(service.associated_ring(2).key()), "associated:1:2");
    assert_eq!(text(service.built_ring(2).key()), "associated-1:1:2");
    assert!(text(service.own_ring("abc", &now).key()).ends_with("Service.own:(1,3)"));
    assert_eq!(text(Service::prefix_and_key_ring(7).key()), "both:7");
    assert!(text(service.some_ring(1, 2, now).key()).ends_with("Service.some:1:2"));
    assert!(text(service.without_self_ring(2).key()).ends_with("Service.without_self:2"));

    assert_eq!(service.own("abc", &now) + service.own("xyz", &now), 6);
    assert_eq!(Service::own_cache().stats().hits, 1);
    assert_eq!(service.some(1, 2, now), 3);
    assert_eq!(service.some(9, 2, now), 3);
    let other = Service { id: 2, ..service };
    assert_eq!((service.without_self(3), other.without_self(3)), (3, 3));
    let all = [
        service.literal(1),
        service.constant(1),
        service.associated(1),
        service.built(1),
    ];
    assert_eq!(all, [1; 4]);
    assert_eq!(Service::prefix_and_key(1), 1);
}
