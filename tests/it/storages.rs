//! Places of storages: services, statics of all kinds, functions.

use std::sync::{Arc, LazyLock, OnceLock};

use ring_cache::{Call, Calls, Lru, Map, RingKey, ring, ring_impl};

#[derive(Clone, Debug, PartialEq)]
struct User {
    id: u64,
}

#[derive(RingKey)]
struct Service {
    name: &'static str,
    #[ring_key(skip)]
    users: Lru<User>,
    #[ring_key(skip)]
    arc: Arc<Lru<User>>,
    #[ring_key(skip)]
    boxed: Box<Map<User>>,
    #[ring_key(skip)]
    nested: Nested,
}

struct Nested {
    caches: [Map<User>; 2],
}

impl Nested {
    fn cache(&self) -> &Map<User> {
        &self.caches[1]
    }
}

fn service(name: &'static str) -> Service {
    Service {
        name,
        users: Lru::new(10),
        arc: Arc::new(Lru::new(10)),
        boxed: Box::new(Map::new()),
        nested: Nested {
            caches: [Map::new(), Map::new()],
        },
    }
}

#[ring_impl(lru = self.users)]
impl Service {
    #[ring]
    fn user(&self, id: u64) -> User {
        User { id }
    }
    #[ring]
    fn friend(&self, id: u64) -> User {
        User { id: id + 1 }
    }
    #[ring(lru = self.arc)]
    fn in_arc(&self, id: u64) -> User {
        User { id }
    }
    #[ring(map = self.boxed)]
    fn in_box(&self, id: u64) -> User {
        User { id }
    }
    #[ring(map = self.nested.caches[0])]
    fn in_array(&self, id: u64) -> User {
        User { id }
    }
    #[ring(map = self.nested.cache())]
    fn by_method(&self, id: u64) -> User {
        User { id }
    }
    #[ring(storage = self.users as Lru<User>, expire = "1h")]
    fn by_type(&self, id: u64) -> User {
        User { id: id + 2 }
    }
}

#[test]
fn a_service_owns_its_caches() {
    let (one, other) = (service("same"), service("same"));
    assert_eq!(one.user(1), User { id: 1 });
    assert_eq!(one.friend(1), User { id: 2 });
    assert_eq!(one.by_type(1), User { id: 3 });
    assert_eq!(one.users.len(), 3);
    assert!(other.users.is_empty());
    assert_eq!(one.user_cache().stats().stores, 1);

    for id in 0..3 {
        one.in_arc(id);
        one.in_box(id);
        one.in_array(id);
        one.by_method(id);
    }
    let lengths = [
        one.arc.len(),
        one.boxed.len(),
        one.nested.caches[0].len(),
        one.nested.caches[1].len(),
    ];
    assert_eq!(lengths, [3; 4]);
    assert!(std::ptr::eq(one.user_ring(1).storage(), &one.users));
    assert!(std::ptr::eq(one.in_arc_cache().storage(), &*one.arc));
}

#[test]
fn calls_of_two_services() {
    let (one, other) = (service("one"), service("other"));
    let calls = || [one.user_ring(1), other.user_ring(1), one.user_ring(2)];
    assert_eq!(calls().get_or_update_many(), [1, 1, 2].map(|id| User { id }));
    assert_eq!((one.users.len(), other.users.len()), (2, 1));
}

#[test]
fn clear_forgets_one_method() {
    let service = service("cleared");
    service.user(1);
    service.friend(1);
    service.user_cache().clear();
    assert!(!service.user_ring(1).has());
    assert!(service.friend_ring(1).has());
    assert!(
        service
            .user_cache()
            .name()
            .as_str()
            .ends_with("storages.Service.user")
    );
}

mod references {
    use super::*;

    #[derive(RingKey)]
    struct Borrowing<'a> {
        id: u32,
        #[ring_key(skip)]
        cache: &'a Map<User>,
    }

    #[ring_impl(map = self.cache)]
    impl Borrowing<'_> {
        #[ring]
        fn user(&self, id: u64) -> User {
            User { id }
        }
    }

    #[test]
    fn fields_that_are_references() {
        let cache = Map::new();
        let call_outlives_nothing = {
            let service = Borrowing { id: 1, cache: &cache };
            service.user(1)
        };
        assert_eq!(call_outlives_nothing, User { id: 1 });
        assert_eq!(cache.len(), 1);
    }
}

mod generic {
    use super::*;

    #[derive(RingKey)]
    struct Repo<T> {
        id: u32,
        #[ring_key(skip)]
        cache: Map<Vec<T>>,
    }

    #[ring_impl(map = self.cache)]
    impl<T: Clone + Default> Repo<T> {
        #[ring]
        fn all(&self, n: usize) -> Vec<T> {
            vec![T::default(); n]
        }
    }

    #[test]
    fn storages_of_generic_services() {
        // Neither `Send` nor `'static`: only the service uses the storage.
        let numbers = Repo::<std::rc::Rc<u32>> {
            id: 1,
            cache: Map::new(),
        };
        assert_eq!(numbers.all(2).len(), 2);
        let text = String::new();
        let texts = Repo::<&str> {
            id: 1,
            cache: Map::new(),
        };
        assert_eq!(texts.all(1), [text.as_str()]);
        assert_eq!(texts.cache.len() + numbers.cache.len(), 2);
    }
}

static LAZY: LazyLock<Lru<u32>> = LazyLock::new(|| Lru::new(10));
static ONCE: once_cell::sync::Lazy<Lru<u32>> = once_cell::sync::Lazy::new(|| Lru::new(10));
static SHARED: LazyLock<Arc<Lru<u32>>> = LazyLock::new(|| Arc::new(Lru::new(10)));
static BOXED: LazyLock<Box<Map<u32>>> = LazyLock::new(|| Box::new(Map::new()));

fn by_function() -> &'static Map<u32> {
    static MAP: OnceLock<Map<u32>> = OnceLock::new();
    MAP.get_or_init(Map::new)
}

mod app {
    use super::*;

    pub(super) static CACHE: LazyLock<Map<u32>> = LazyLock::new(Map::new);
    pub(super) struct State {
        pub(super) map: Map<u32>,
    }
    pub(super) static STATE: LazyLock<State> = LazyLock::new(|| State { map: Map::new() });
}

macro_rules! cached_in {
    ($($name:ident: $kind:ident = $place:expr;)*) => {$(
        #[ring($kind = $place)]
        fn $name(n: u32) -> u32 {
            n
        }
    )*};
}
cached_in! {
    lazy_lock: lru = LAZY;
    once_cell_lazy: lru = ONCE;
    in_arc: lru = SHARED;
    in_box: map = BOXED;
    function: map = by_function();
    path: map = app::CACHE;
    field: map = app::STATE.map;
}

#[test]
fn statics_and_functions() {
    for n in 0..3 {
        let all = [
            lazy_lock(n),
            once_cell_lazy(n),
            in_arc(n),
            in_box(n),
            function(n),
            path(n),
            field(n),
        ];
        assert_eq!(all, [n; 7]);
    }
    let lengths = [
        LAZY.len(),
        ONCE.len(),
        SHARED.len(),
        BOXED.len(),
        by_function().len(),
        app::CACHE.len(),
    ];
    assert_eq!(lengths, [3; 6]);
    assert_eq!(app::STATE.map.len(), 3);
    assert!(std::ptr::eq(in_arc_cache().storage(), &**SHARED));
}

/// A call may be returned, stored and passed on.
#[test]
fn calls_are_values() {
    fn bind(
        service: &Service,
    ) -> Call<
        impl ring_cache::Output<Value = User, Out = User>,
        &Lru<User>,
        impl ring_cache::body::Body<Out = User>,
    > {
        service.user_ring(5)
    }
    let service = service("values");
    assert_eq!(bind(&service).get(), None);
    assert_eq!(bind(&service).get_or_update(), User { id: 5 });
}
