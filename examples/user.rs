//! The original's user example: one entry for each id, for all instances: `cargo run --example user`.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use ring_cache::{Calls, RingKey, ring_impl};

/// A user, identified by the id, like `def __ring_key__(self): return self['id']`.
#[derive(RingKey)]
struct User {
    id: u64,
}

#[ring_impl]
impl User {
    /// The user's name in the database.
    #[ring]
    fn name(&self) -> String {
        query(self.id)
    }

    /// A method with an argument.
    #[ring]
    fn greeting(&self, greeting: &str) -> String {
        format!("{greeting}, {}!", query(self.id))
    }
}

fn main() {
    save(42, "Ring");

    println!("The first call asks the database, the second does not.");
    let user = User { id: 42 };
    assert_eq!(user.name(), "Ring");
    assert_eq!(user.name(), "Ring");
    expect_queries(1);

    println!("The same id is the same entry, whichever instance asks.");
    let same = User { id: 42 };
    assert_eq!(same.name(), "Ring");
    assert_eq!(same.name_ring().key(), user.name_ring().key());
    println!("    {}", user.name_ring().key());
    expect_queries(1);

    println!("The name changes in the database: still cached, until `update`.");
    save(42, "Ding");
    assert_eq!(user.name(), "Ring");
    assert_eq!(user.name_ring().update(), "Ding");
    assert_eq!(same.name(), "Ding");
    expect_queries(2);

    println!("Each argument has its own entry, and none of the name's.");
    assert_eq!(user.greeting("Hello"), "Hello, Ding!");
    assert_eq!(user.greeting("Hi"), "Hi, Ding!");
    assert_eq!(user.greeting("Hello"), "Hello, Ding!");
    expect_queries(4);

    println!("`delete` forgets, and says whether there was something.");
    assert!(user.name_ring().delete());
    assert!(!user.name_ring().delete());
    assert_eq!(user.name_ring().get(), None);
    assert_eq!(user.greeting("Hello"), "Hello, Ding!");
    expect_queries(4);

    println!("Many at once: only what is missing is computed, and equal calls once.");
    save(7, "Ada");
    user.name();
    let users = [42, 7, 1, 7].map(|id| User { id });
    let names = users.iter().map(User::name_ring).get_or_update_many();
    println!("    {names:?}");
    assert_eq!(names, ["Ding", "Ada", "nobody", "Ada"]);
    expect_queries(7);
}

/// Replaces a database that counts its queries.
static NAMES: Mutex<BTreeMap<u64, &str>> = Mutex::new(BTreeMap::new());
static QUERIES: AtomicU32 = AtomicU32::new(0);

fn save(id: u64, name: &'static str) {
    NAMES.lock().unwrap().insert(id, name);
}

fn query(id: u64) -> String {
    QUERIES.fetch_add(1, Ordering::Relaxed);
    NAMES.lock().unwrap().get(&id).unwrap_or(&"nobody").to_string()
}

fn expect_queries(expected: u32) {
    assert_eq!(QUERIES.load(Ordering::Relaxed), expected);
    println!("    queries so far: {expected}");
}
