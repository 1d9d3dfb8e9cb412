//! I1: each form of a writer, and each way to name entries.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock, Mutex};

use ring_cache::{Calls, Lru, Map, RingKey, ring, ring_impl};

use super::run;

/// Rows of a database.
#[derive(Default)]
struct Rows(Mutex<HashMap<u64, String>>);

impl Rows {
    fn read(&self, id: u64) -> String {
        self.0.lock().unwrap().get(&id).cloned().unwrap_or_default()
    }

    fn write(&self, id: u64, name: &str) {
        self.0.lock().unwrap().insert(id, name.to_owned());
    }
}

/// A service that owns its storages.
#[derive(RingKey)]
struct Users {
    tenant: u32,
    #[ring_key(skip)]
    rows: Rows,
    #[ring_key(skip)]
    cache: Lru<String>,
    #[ring_key(skip)]
    map: Map<usize>,
}

fn users() -> Users {
    Users {
        tenant: 1,
        rows: Rows::default(),
        cache: Lru::new(100),
        map: Map::new(),
    }
}

#[derive(Debug, PartialEq)]
struct Row {
    id: u64,
    friend: u64,
}

#[ring_impl(lru = self.cache)]
impl Users {
    #[ring]
    fn name(&self, id: u64) -> String {
        self.rows.read(id)
    }

    #[ring(map = self.map, ignore(self, _log))]
    fn length(&self, id: u64, _log: &str) -> usize {
        self.rows.read(id).len()
    }

    #[ring]
    async fn name_awaited(&self, id: u64) -> String {
        self.rows.read(id)
    }

    #[ring(accessor = greeting_call)]
    fn greeting(&self, id: u64) -> String {
        format!("Hello {}", self.rows.read(id))
    }

    /// A writer has no storage of the block.
    #[ring(invalidates(self.name(id), self.length(id), self.greeting(id)))]
    fn rename(&self, id: u64, name: &str) {
        self.rows.write(id, name);
    }

    #[ring(invalidates(self.name(id)))]
    fn rename_mut(&mut self, id: u64, name: &str) -> &mut Rows {
        self.tenant += 1;
        self.rows.write(id, name);
        &mut self.rows
    }

    #[ring(invalidates(self.name(..), Self::length(..)))]
    fn rename_all(&mut self, names: &[(u64, &str)]) -> usize {
        for (id, name) in names {
            self.rows.write(*id, name);
        }
        names.len()
    }

    #[ring(invalidates(|new| self.name(new.id), |Row { friend, .. }: &Row| self.name(*friend)))]
    fn insert(&mut self, name: &str, friend: u64) -> Row {
        self.rows.write(7, name);
        self.rows.write(friend, name);
        Row { id: 7, friend }
    }

    #[ring(invalidates(self.name(id), self.name_awaited(id), |new| self.name_awaited(new.id)))]
    async fn rename_awaited(&self, id: u64, name: &str) -> Row {
        tokio::task::yield_now().await;
        self.rows.write(id, name);
        self.rows.write(id + 1, name);
        Row {
            id: id + 1,
            friend: id,
        }
    }

    #[ring(invalidates(self.name_awaited(id), self.name(..)))]
    async fn rename_awaited_mut(&mut self, id: u64, name: String) -> &str {
        tokio::task::yield_now().await;
        self.rows.write(id, &name);
        self.tenant += 1;
        "done"
    }
}

#[test]
fn i1_what_a_writer_names_is_deleted_after_it_ran() {
    let users = users();
    let all = |users: &Users| (users.name(1), users.length(1, "a"), users.greeting(1));
    assert_eq!(all(&users), (String::new(), 0, "Hello ".into()));
    assert_eq!(users.name(2), "");
    users.rename(1, "Ada");
    users.rows.write(2, "Grace");
    assert_eq!(all(&users), ("Ada".into(), 3, "Hello Ada".into()));
    assert_eq!(users.name(2), "", "nothing named it");
}

#[test]
fn i1_keys_are_bound_before_the_body() {
    let mut users = users();
    users.name(1);
    let rows = users.rename_mut(1, "Ada");
    rows.write(1, "Grace");
    assert_eq!(users.tenant, 2);
    users.tenant = 1;
    assert_eq!(users.name(1), "Grace", "the call of tenant 1 was named");
}

#[test]
fn i1_two_dots_clear_a_ring() {
    let mut users = users();
    (1..=3).for_each(|id| _ = (users.name(id), users.length(id, "a"), users.greeting(id)));
    assert_eq!(users.rename_all(&[(1, "Ada"), (2, "Grace")]), 2);
    assert_eq!(
        (1..=3).map(|id| users.name_entry(id)).has_many(),
        [false, false, false]
    );
    assert_eq!(users.length_entry(1).get(), None);
    assert_eq!(users.greeting(1), "Hello ", "another ring of the same storage");
}

#[test]
fn i1_the_returned_value_names_calls() {
    let mut users = users();
    assert_eq!([7, 8, 9].map(|id| users.name(id)), ["", "", ""]);
    assert_eq!(users.insert("Ada", 8), Row { id: 7, friend: 8 });
    assert_eq!([7, 8].map(|id| users.name(id)), ["Ada", "Ada"]);
    assert!(users.name_entry(9).has());
}

#[test]
fn i1_async_writers_forget_awaited_and_memory_rings() {
    run(async {
        let mut users = users();
        users.name(1);
        users.name_awaited(1).await;
        users.name_awaited(2).await;
        let renamed = sent(users.rename_awaited(1, "Ada")).await;
        assert_eq!(renamed.id, 2);
        assert_eq!(users.name(1), "Ada");
        assert_eq!(users.name_awaited(1).await, "Ada");
        assert_eq!(users.name_awaited(2).await, "Ada");
        assert_eq!(sent(users.rename_awaited_mut(1, "Grace".into())).await, "done");
        users.tenant -= 1;
        assert_eq!(users.name(1), "Grace");
        assert_eq!(users.name_awaited(1).await, "Grace");
    });
}

/// A future that may move to another thread.
fn sent<F: Future + Send>(future: F) -> F {
    future
}

static ROWS: LazyLock<Rows> = LazyLock::new(Rows::default);

#[ring]
fn title(id: u64) -> String {
    ROWS.read(id)
}

#[ring]
async fn title_awaited(id: u64) -> String {
    ROWS.read(id)
}

mod deeper {
    use super::{ROWS, ring};

    #[ring]
    pub(super) fn size(id: u64) -> usize {
        ROWS.read(id).len()
    }
}

/// A free function, with a body that returns early.
#[ring(invalidates(title(id), deeper::size(id), Titles::first(..), |new| title(*new)))]
fn retitle(id: u64, name: &str, stop: bool) -> Result<u64, std::num::ParseIntError> {
    ROWS.write(id, name);
    if stop {
        return Ok(id);
    }
    let other = name.parse()?;
    ROWS.write(other, name);
    Ok(other)
}

#[ring(invalidates(title_awaited(id), title(id)))]
async fn retitle_awaited(id: u64, name: impl AsRef<str>) -> Result<(), std::num::ParseIntError> {
    ROWS.write(id, name.as_ref());
    let _: u64 = name.as_ref().parse()?;
    Ok(())
}

#[derive(RingKey)]
struct Titles;

#[ring_impl]
impl Titles {
    #[ring(class)]
    fn first() -> String {
        ROWS.read(1)
    }

    /// An associated function.
    #[ring(invalidates(Self::first(), title(1), deeper::size(..)))]
    fn put(name: String) -> impl Fn() -> String {
        ROWS.write(1, &name);
        move || name.clone()
    }
}

/// In sequence: the rows are shared.
#[test]
fn i1_free_functions_and_associated_ones() {
    title(1);
    title(2);
    deeper::size(1);
    Titles::first();
    assert_eq!(retitle(1, "2", false), Ok(2));
    assert_eq!((title(1), title(2)), ("2".into(), "2".into()));
    assert_eq!((deeper::size(1), Titles::first()), (1, "2".into()));
    assert!(retitle(1, "many", true).is_ok());
    assert_eq!(
        (title(1), deeper::size(1), Titles::first()),
        ("many".into(), 4, "many".into())
    );
    assert_eq!(Titles::put("x".into())(), "x");
    assert_eq!(
        (title(1), deeper::size(1), Titles::first()),
        ("x".into(), 1, "x".into())
    );
    run(async {
        title_awaited(1).await;
        assert!(sent(retitle_awaited(1, "y")).await.is_err());
        assert_eq!((title(1), title_awaited(1).await), ("y".into(), "y".into()));
    });
}

/// Rings of another type, on objects and on the type.
#[derive(Clone)]
struct Admin {
    users: Arc<Users>,
}

#[ring_impl]
impl Admin {
    #[ring(invalidates(self.users.name(id), Titles::first(), Admin::count(..)))]
    fn rename(self: &Arc<Self>, id: u64, name: &str) {
        self.users.rows.write(id, name);
        // A row that no other test reads.
        ROWS.write(9, name);
    }

    #[ring(invalidates(self.users.name(id)))]
    fn consume(self, id: u64, name: String) -> Arc<Users> {
        self.users.rows.write(id, &name);
        self.users
    }

    #[ring(invalidates(users.name(id)))]
    fn of_argument(users: &Users, id: u64, (first, mut second): (&str, String)) -> usize {
        second.insert_str(0, first);
        users.rows.write(id, &second);
        second.len()
    }
}

#[ring_impl(ignore(self))]
impl Admin {
    #[ring]
    fn count() -> usize {
        ROWS.0.lock().unwrap().len()
    }
}

#[test]
fn i1_rings_of_other_types() {
    let admin = Arc::new(Admin {
        users: Arc::new(users()),
    });
    let users = &admin.users;
    assert_eq!(users.name(1), "");
    Admin::count();
    admin.rename(1, "Ada");
    assert_eq!(users.name(1), "Ada");
    assert!(!Admin::count_entry().has());
    assert_eq!(Admin::of_argument(users, 1, ("x", "y".into())), 2);
    assert_eq!(users.name(1), "xy");
    let users = Admin::clone(&admin).consume(1, "Grace".into());
    assert_eq!(users.name(1), "Grace");
}

/// A generic type with a generic writer.
struct Repository<T> {
    rows: Mutex<Vec<T>>,
}

#[ring_impl(ignore(self))]
impl<T: Clone + RingKey + Send + Sync + 'static> Repository<T> {
    #[ring]
    fn find(&self, place: usize) -> Option<T> {
        self.rows.lock().unwrap().get(place).cloned()
    }

    #[ring(ignore(_ignored))]
    fn find_as<K: RingKey>(&self, kind: K, place: usize, _ignored: PhantomData<K>) -> Option<T> {
        let _ = kind;
        self.rows.lock().unwrap().get(place).cloned()
    }

    #[ring(invalidates(self.find(place), self.find_as(kind, place), |old| self.find(old.len())))]
    fn replace<K: RingKey + Copy>(&self, kind: K, place: usize, row: T) -> Vec<T>
    where
        T: PartialEq,
    {
        std::mem::replace(&mut *self.rows.lock().unwrap(), {
            let mut rows = self.rows_before();
            rows.truncate(place);
            rows.push(row);
            rows
        })
    }

    fn rows_before(&self) -> Vec<T> {
        Vec::new()
    }
}

#[test]
fn i1_generic_blocks_and_methods() {
    let texts = Repository {
        rows: Mutex::new(vec!["a"]),
    };
    let numbers = Repository {
        rows: Mutex::new(vec![1_u8]),
    };
    assert_eq!((texts.find(0), numbers.find(0)), (Some("a"), Some(1)));
    assert_eq!(texts.find_as("kind", 0, PhantomData), Some("a"));
    assert_eq!(texts.replace("kind", 0, "b"), ["a"]);
    assert_eq!(texts.find(0), Some("b"));
    assert_eq!(texts.find_as("kind", 0, PhantomData), Some("b"));
    assert!(Repository::<u8>::find_entry(0).has(), "another instantiation");
}

trait Store {
    fn load(&self, id: u64) -> String;
    fn save(&mut self, id: u64, name: &str) -> Result<(), String>;
    fn count(&self) -> usize;
}

#[ring_impl]
impl Store for Users {
    #[ring]
    fn load(&self, id: u64) -> String {
        self.rows.read(id)
    }

    #[ring(invalidates(self.load(id), self.name(id), Self::count(..)))]
    fn save(&mut self, id: u64, name: &str) -> Result<(), String> {
        self.rows.write(id, name);
        if name.is_empty() {
            Err("no name".to_owned())?
        }
        Ok(())
    }

    #[ring]
    fn count(&self) -> usize {
        self.rows.0.lock().unwrap().len()
    }
}

/// An impl without cached methods.
#[ring_impl]
impl Extend<(u64, String)> for Users {
    #[ring(invalidates(self.name(..), self.load(1)))]
    fn extend<I: IntoIterator<Item = (u64, String)>>(&mut self, rows: I) {
        rows.into_iter().for_each(|(id, name)| self.rows.write(id, &name));
    }
}

#[test]
fn i1_methods_of_traits() {
    let mut users = users();
    assert_eq!(
        (users.load(1), users.name(1), users.count()),
        ("".into(), "".into(), 0)
    );
    assert_eq!(users.save(1, "Ada"), Ok(()));
    assert_eq!(
        (users.load(1), users.name(1), users.count()),
        ("Ada".into(), "Ada".into(), 1)
    );
    assert_eq!(users.save(1, ""), Err("no name".into()));
    assert_eq!(users.load(1), "");
    users.extend([(1, "Grace".to_owned())]);
    assert_eq!((users.load(1), users.name(1)), ("Grace".into(), "Grace".into()));
}

/// I3: entries that a transaction changes are named at the change, and forgotten after the transaction.
#[test]
fn i3_keys_are_kept_until_the_commit() {
    struct Transaction<'u> {
        users: &'u Users,
        changes: Vec<(u64, String)>,
    }
    let users = users();
    users.name(1);
    let mut forgotten = Vec::new();
    let mut transaction = Transaction {
        users: &users,
        changes: Vec::new(),
    };
    for id in [1, 2] {
        forgotten.push(transaction.users.name_entry(id).forgetting());
        transaction.changes.push((id, "Ada".into()));
    }
    let cleared = users.greeting_call_cache().clearing();
    users.greeting(1);
    assert!(users.name_entry(1).has());
    let Transaction { users, changes } = transaction;
    changes.iter().for_each(|(id, name)| users.rows.write(*id, name));
    // A key is independent of its origin, and may move to another thread.
    let deleted = std::thread::spawn(move || forgotten.iter().map(|key| key.delete()).collect::<Vec<_>>());
    assert_eq!(deleted.join().unwrap(), [true, false]);
    cleared.clear();
    assert_eq!(
        (users.name(1), users.greeting(1)),
        ("Ada".into(), "Hello Ada".into())
    );
    run(async {
        users.name_awaited(1).await;
        let forgetting = users.name_awaited_entry(1).forgetting();
        let deleted = tokio::spawn(async move { forgetting.delete().await });
        assert!(deleted.await.unwrap());
        users.name_awaited(1).await;
        users.name_awaited_cache().clearing().clear().await;
        assert!(!users.name_awaited_entry(1).has().await);
    });
}
