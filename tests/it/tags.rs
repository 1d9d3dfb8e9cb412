//! Groups of entries that are forgotten together, and entries that depend on others, in memory.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use ring_cache::{AsyncCalls, Calls, Lru, Map, RingKey, Tag, ring, ring_impl, tag};

/// Rising numbers.
fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, SeqCst)
}

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(future)
}

#[derive(Clone, RingKey)]
struct Team {
    tenant: String,
    id: u64,
}

mod forms {
    use super::*;

    /// The tests below forget the same tags.
    static ALONE: Mutex<()> = Mutex::new(());

    fn alone() -> MutexGuard<'static, ()> {
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    trait Titled {
        fn title(&self) -> u32;
    }

    #[ring_impl]
    impl Team {
        #[ring(tags("forms", "forms:{self.tenant}:{self.id}"))]
        fn page(&self) -> u32 {
            next()
        }

        #[ring(class, tags("forms"))]
        fn all() -> u32 {
            next()
        }

        #[ring(property, tags("forms", self))]
        fn size(&self) -> u32 {
            next()
        }

        #[ring(ignore(_trace), tags("forms", "of {who.tenant}", Tag::of(&number)))]
        async fn member(&self, who: &Team, number: i32, _trace: &str) -> u32 {
            let _ = (who, number);
            next()
        }

        #[ring(tags("forms", number))]
        fn of<T: RingKey + Clone + Send + Sync + 'static>(self: &Arc<Self>, number: T) -> u32 {
            let _ = number;
            next()
        }
    }

    #[ring_impl]
    impl Titled for Team {
        #[ring(tags("forms", "title {self.id}"))]
        fn title(&self) -> u32 {
            next()
        }
    }

    #[ring(tags("forms", "name {name}"))]
    fn free(name: &str) -> Result<u32, String> {
        if name.is_empty() {
            Err("no name".into())
        } else {
            Ok(next())
        }
    }

    #[ring(key = "{name}", tags("forms", "key {name}"))]
    fn by_template(name: String, size: usize) -> u32 {
        let _ = (name, size);
        next()
    }

    /// The indices of the values that are recomputed after `forget`.
    fn anew(forget: impl FnOnce()) -> Vec<usize> {
        let team = Team {
            tenant: "acme".into(),
            id: 7,
        };
        let shared = Arc::new(team.clone());
        let all = || {
            vec![
                team.page(),
                Team::all(),
                team.size(),
                run(team.member(&team, -3, "trace")),
                shared.of(9_u8),
                team.title(),
                free("Ada").unwrap(),
                by_template("Ada".into(), 1),
            ]
        };
        let before = all();
        assert_eq!(all(), before);
        forget();
        let after = all();
        let changed = (0..before.len()).filter(|place| before[*place] != after[*place]);
        changed.collect()
    }

    #[test]
    fn i6_a_tag_ends_the_entries_that_have_it() {
        let _alone = alone();
        assert!(anew(|| ()).is_empty());
        assert_eq!(anew(|| tag("forms").forget()), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(anew(|| tag("forms:acme:7").forget()), [0]);
        assert!(anew(|| tag("forms:acme:8").forget()).is_empty());
        let team = Team {
            tenant: "acme".into(),
            id: 7,
        };
        assert_eq!(anew(|| tag(&team).forget()), [2]);
        assert_eq!(anew(|| tag(format!("of {}", team.tenant)).forget()), [3]);
        assert_eq!(anew(|| tag(-3).forget()), [3]);
        assert_eq!(anew(|| tag(9_u64).forget()), [4]);
        assert_eq!(anew(|| tag("title 7").forget()), [5]);
        assert_eq!(anew(|| tag("name Ada").forget()), [6]);
        assert_eq!(anew(|| tag("key Ada").forget()), [7]);
    }

    #[test]
    fn an_entry_is_named_with_its_tags() {
        let _alone = alone();
        let team = Team {
            tenant: "entries".into(),
            id: 1,
        };
        let before = run(team.member(&team, 1, "a"));
        assert_eq!(run(team.member_entry(&team, 1).get()), Some(before));
        tag("of entries").forget();
        assert_eq!(run(team.member_entry(&team, 1).get()), None);
        assert!(!run(team.member_entry(&team, 1).has()));
        run(team.member_entry(&team, 1).set(5));
        assert_eq!(run(team.member(&team, 1, "b")), 5);
    }
}

struct Shelf {
    lru: Lru<u32>,
    map: Map<u32>,
}

#[ring_impl(ignore(self))]
impl Shelf {
    #[ring(lru = self.lru, tags("shelf", "shelf {id}"))]
    fn kept(&self, id: u32) -> u32 {
        let _ = id;
        next()
    }

    #[ring(map = self.map, tags("shelf", "shelf {id}"))]
    fn mapped(&self, id: u32) -> u32 {
        let _ = id;
        next()
    }

    #[ring(lru = self.lru, tags("shelf", "shelf {id}"))]
    async fn awaited(&self, id: u32) -> u32 {
        let _ = id;
        next()
    }
}

fn shelf() -> Shelf {
    Shelf {
        lru: Lru::new(1_000),
        map: Map::new(),
    }
}

#[test]
fn verbs_of_many_calls_know_the_tags_of_each() {
    let shelf = shelf();
    let kept = || (1..=3).map(|id| shelf.kept_ring(id));
    let before = kept().get_or_update_many();
    assert_eq!(kept().get_or_update_many(), before);
    tag("shelf 2").forget();
    let is_there: Vec<_> = kept().get_many().iter().map(Option::is_some).collect();
    assert_eq!(is_there, [true, false, true]);
    assert_eq!(
        (kept().has_many(), kept().touch_many()),
        (is_there.clone(), is_there)
    );
    let after = kept().get_or_update_many();
    assert!(after[0] == before[0] && after[1] != before[1] && after[2] == before[2]);
    kept().set_many([7, 8, 9]).unwrap();
    tag("shelf 1").forget();
    assert_eq!(kept().get_many(), [None, Some(8), Some(9)]);
    let updated = kept().update_many();
    assert_eq!(
        kept().get_many(),
        updated.into_iter().map(Some).collect::<Vec<_>>()
    );
    let awaited = || (1..=3).map(|id| shelf.awaited_ring(id));
    let before = run(awaited().get_or_update_many());
    tag("shelf 3").forget();
    let after = run(awaited().get_or_update_many());
    assert!(after[..2] == before[..2] && after[2] != before[2]);
    assert_eq!(run(awaited().delete_many()), [true; 3]);
}

#[test]
fn forgotten_tags_leave_no_state() {
    let shelf = shelf();
    for _ in 0..1_000 {
        shelf.kept(100);
        shelf.mapped(100);
        tag("shelf 100").forget();
    }
    assert_eq!((shelf.lru.len(), shelf.map.len()), (1, 1));
    shelf.lru.validate();
}

/// The storage's own verbs do not know tags: their entries are not entries of a ring with tags.
#[test]
fn what_is_stored_without_tags_is_not_taken_for_an_entry_with_tags() {
    let shelf = shelf();
    let call = shelf.kept_ring(200);
    shelf.lru.set(&call.key(), 7);
    assert_eq!(call.get(), None);
    assert_eq!(shelf.lru.get(&call.key()), Some(7));
    call.set(8);
    assert_eq!((call.get(), shelf.lru.get(&call.key())), (Some(8), Some(8)));
}

#[test]
fn a_tag_may_be_forgotten_in_a_storage_in_memory() {
    let shelf = shelf();
    let before = (shelf.kept(5), shelf.mapped(5));
    tag("shelf 5").forget_in(&shelf.lru);
    let kept = shelf.kept(5);
    assert_ne!(kept, before.0);
    run(tag("shelf 5").forget_in_awaited(&shelf.map));
    assert_ne!(shelf.mapped(5), before.1);
}

mod overtaken {
    use super::*;

    struct Slow {
        lru: Lru<u32>,
        map: Map<u32>,
        gate: Option<Arc<Barrier>>,
    }

    #[ring_impl(ignore(self))]
    impl Slow {
        #[ring(lru = self.lru, tags("slow {id}"))]
        fn kept(&self, id: u32) -> u32 {
            self.compute(id)
        }

        #[ring(map = self.map, tags("slow {id}"))]
        fn mapped(&self, id: u32) -> u32 {
            self.compute(id)
        }
    }

    impl Slow {
        fn compute(&self, _: u32) -> u32 {
            let answer = next();
            if let Some(gate) = &self.gate {
                gate.wait();
                gate.wait();
            }
            answer
        }

        fn check(compute: impl Fn(&Slow) -> u32 + Sync, id: u32) {
            let gate = Arc::new(Barrier::new(2));
            let (lru, map) = (Lru::new(100), Map::new());
            let fast = Slow {
                lru: lru.clone(),
                map: map.clone(),
                gate: None,
            };
            let slow = Slow {
                lru,
                map,
                gate: Some(Arc::clone(&gate)),
            };
            thread::scope(|scope| {
                let older = scope.spawn(|| compute(&slow));
                gate.wait();
                tag(format!("slow {id}")).forget();
                // It began after the forget, so it does not join the older flight.
                let newer = compute(&fast);
                gate.wait();
                assert!(older.join().unwrap() < newer);
                assert_eq!(compute(&fast), newer);
            });
        }
    }

    /// `forget` applies to computations in flight: they are returned, and not used.
    #[test]
    fn i6_a_computation_that_began_before_is_not_used_after() {
        Slow::check(|slow| slow.kept(1), 1);
        Slow::check(|slow| slow.mapped(2), 2);
    }
}

mod dependents {
    use super::*;

    static NAMES: AtomicU32 = AtomicU32::new(0);

    #[derive(Clone, RingKey)]
    struct Users;

    #[ring_impl]
    impl Users {
        #[ring(depends(Self::user(&Users, id)))]
        fn before_it_is_declared(&self, id: u64) -> u32 {
            let _ = id;
            next()
        }

        #[ring]
        fn user(&self, id: u64) -> u32 {
            let _ = id;
            NAMES.load(SeqCst)
        }

        #[ring(class, accessor = the_setting)]
        fn setting(name: &str) -> u32 {
            let _ = name;
            next()
        }

        #[ring(depends(self.user(id), Self::setting("color")))]
        fn card(&self, id: u64) -> u32 {
            let _ = (self.user(id), Self::setting("color"));
            next()
        }

        #[ring(invalidates(self.user(id)))]
        fn rename(&self, id: u64) {
            let _ = id;
            NAMES.fetch_add(1, SeqCst);
        }
    }

    #[derive(Clone, RingKey)]
    struct Pages;

    #[ring_impl]
    impl Pages {
        #[ring]
        fn page(&self, id: u64) -> u32 {
            let _ = id;
            next()
        }

        #[ring(depends(self.page(..)))]
        async fn all(&self) -> u32 {
            next()
        }
    }

    #[ring(depends(Users.user(id)))]
    fn greeting(id: u64) -> u32 {
        let _ = id;
        next()
    }

    fn changes<T: PartialEq>(of: impl Fn() -> T, change: impl FnOnce()) -> bool {
        let before = of();
        assert!(of() == before, "it is cached");
        change();
        of() != before
    }

    #[test]
    fn i7_a_change_of_a_call_ends_what_depends_on_it() {
        let users = Users;
        let of = |id| [users.before_it_is_declared(id), users.card(id), greeting(id)];
        let all = |id| {
            let users = users.clone();
            move |change: &dyn Fn()| {
                let before = of(id);
                assert_eq!(of(id), before);
                change();
                let after = of(id);
                let anew: Vec<_> = (0..3).map(|place| before[place] != after[place]).collect();
                let _ = &users;
                anew
            }
        };
        let check = all(1);
        assert_eq!(check(&|| ()), [false; 3]);
        assert_eq!(check(&|| _ = users.user_ring(1).delete()), [true; 3]);
        assert_eq!(check(&|| _ = users.user_ring(2).delete()), [false; 3]);
        assert_eq!(check(&|| users.user_ring(1).set(7)), [true; 3]);
        assert_eq!(check(&|| _ = users.user_ring(1).update()), [true; 3]);
        assert_eq!(check(&|| _ = users.user_ring(1).expire()), [true; 3]);
        assert_eq!(check(&|| _ = users.user_ring(1).get_or_update()), [false; 3]);
        assert_eq!(
            check(&|| _ = users.user_entry(1).forgetting().delete()),
            [true; 3]
        );
        assert_eq!(check(&|| _ = [users.user_ring(1)].delete_many()), [true; 3]);
        assert_eq!(check(&|| [users.user_ring(1)].set_many([5]).unwrap()), [true; 3]);
        assert_eq!(check(&|| _ = [users.user_ring(1)].update_many()), [true; 3]);
        assert_eq!(check(&|| users.rename(1)), [true; 3]);
        assert_eq!(check(&|| users.rename(3)), [false; 3]);
        assert_eq!(check(&|| Users::user_cache().clear()), [true; 3]);
        assert_eq!(
            check(&|| _ = Users::the_setting("color").delete()),
            [false, true, false]
        );
        assert_eq!(check(&|| _ = Users::the_setting("size").delete()), [false; 3]);
    }

    #[test]
    fn what_depends_on_a_whole_method_ends_with_each_of_its_calls() {
        let all = || run(Pages.all());
        assert!(changes(all, || _ = Pages.page_ring(7).delete()));
        assert!(changes(all, || _ = Pages.page_ring(8).update()));
        assert!(changes(all, || Pages::page_cache().clear()));
        assert!(!changes(all, || _ = Pages.page(9)));
    }
}

/// A forgotten entry is not kept as a stale one.
#[cfg(feature = "testing")]
#[test]
fn what_is_forgotten_is_not_served_stale() {
    #[ring(expire = "1s", stale = "1h", refresh = caller, tags("stale {id}"))]
    fn page(id: u32) -> Result<u32, String> {
        if id == 0 { Err("down".into()) } else { Ok(next()) }
    }

    page_ring(0).set(5);
    assert!(page_ring(0).expire());
    assert_eq!(page(0), Ok(5));
    tag("stale 0").forget();
    assert_eq!(page(0), Err("down".into()));
    assert_eq!(page_ring(0).lookup(), ring_cache::Lookup::Absent);
}

/// The body runs on in the background, with the version read before.
#[test]
fn a_body_with_a_time_limit_has_tags_as_well() {
    #[derive(Debug, PartialEq)]
    struct Late;
    impl From<ring_cache::TimedOut> for Late {
        fn from(_: ring_cache::TimedOut) -> Self {
            Late
        }
    }

    #[ring(timeout = "60s", tags("limited {id}"))]
    fn page(id: u32) -> Result<u32, Late> {
        let _ = id;
        Ok(next())
    }

    let first = page(1);
    assert_eq!(page(1), first);
    tag("limited 1").forget();
    assert_ne!(page(1), first);
    assert!(page_ring(1).has());
}

/// Threads read while others forget: a call that begins after a `forget` sees nothing from before it.
#[test]
fn i6_no_call_returns_a_value_from_before_a_forget_that_it_followed() {
    static TRUTH: AtomicU32 = AtomicU32::new(0);

    #[ring(capacity = 64, tags("truth", "truth {id}"))]
    fn truth(id: u32) -> u32 {
        let _ = id;
        let read = TRUTH.load(SeqCst);
        thread::yield_now();
        read
    }

    thread::scope(|scope| {
        for name in ["truth", "truth 1"] {
            scope.spawn(move || {
                for _ in 0..2_000 {
                    let new = TRUTH.fetch_add(1, SeqCst) + 1;
                    tag(name).forget();
                    assert!(truth(1) >= new);
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while TRUTH.load(SeqCst) < 4_000 {
                    let read = truth(1);
                    assert!(read + 2 >= last, "{read} after {last}");
                    last = last.max(read);
                    thread::sleep(Duration::from_micros(10));
                }
            });
        }
    });
}
