//! `Drop` of values: it may panic, or call cached methods.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use ring_cache::Lru;
use ring_cache::coder::{Cause, Coder, Json};
use ring_cache::storage::{CodedStorage, Storage};
use ring_cache_backends::Tiered;

use super::far::Far;
use crate::blocking::gated::PATIENCE;

type Hook = Arc<dyn Fn(u32) + Send + Sync>;

/// Runs the test's code when it is dropped, if the test made it.
struct Value {
    number: u32,
    hook: Option<Hook>,
}

impl Clone for Value {
    fn clone(&self) -> Self {
        Value {
            number: self.number,
            hook: None,
        }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        if let Some(hook) = self.hook.take() {
            hook(self.number);
        }
    }
}

struct Numbers;

impl Coder<Value> for Numbers {
    fn encode(value: &Value) -> Result<Vec<u8>, Cause> {
        <Json as Coder<u32>>::encode(&value.number)
    }

    fn decode(bytes: &[u8]) -> Result<Value, Cause> {
        let number = <Json as Coder<u32>>::decode(bytes)?;
        Ok(Value { number, hook: None })
    }
}

type Tier = Tiered<Lru<Value>, Far>;
type View<'t> = <Tier as CodedStorage<Numbers>>::View<'t>;

fn view(tier: &Tier) -> View<'_> {
    CodedStorage::<Numbers>::coded(tier)
}

fn tier(far: &Far) -> Tier {
    Tiered::new(Lru::new(100), far.clone())
}

fn hooked(number: u32, hook: impl Fn(u32) + Send + Sync + 'static) -> Value {
    Value {
        number,
        hook: Some(Arc::new(hook)),
    }
}

fn plain(number: u32) -> Value {
    Value { number, hook: None }
}

fn near(tier: &Tier, key: u32) -> Option<u32> {
    tier.near().get(&key).map(|value| value.number)
}

/// Fails instead of hanging.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, is_done) = std::sync::mpsc::channel();
    let thread = thread::spawn(move || {
        let result = work();
        let _ = done.send(());
        result
    });
    let _ = is_done.recv_timeout(PATIENCE).map_err(|error| match error {
        std::sync::mpsc::RecvTimeoutError::Timeout => panic!("it hangs"),
        std::sync::mpsc::RecvTimeoutError::Disconnected => {}
    });
    thread.join().unwrap()
}

#[test]
fn an_evicted_value_may_delete_its_own_entry() {
    in_time(|| {
        let tier = tier(&Far::new());
        let own = tier.clone();
        let forget = move |_| {
            Storage::remove(&view(&own), &1_u32, None).unwrap();
        };
        Storage::write(&view(&tier), &1_u32, hooked(1, forget), None, None).unwrap();
        Storage::write(&view(&tier), &1_u32, plain(2), None, None).unwrap();
        assert!(!tier.far().map().has(&1_u32));
        assert_eq!(near(&tier, 1), None);
    });
}

/// Two threads write near, and each old value deletes the other's entry.
#[test]
fn evicted_values_do_not_wait_for_each_other() {
    in_time(|| {
        let tier = tier(&Far::new());
        let both = Arc::new(Barrier::new(2));
        for (key, other) in [(1_u32, 2_u32), (2, 1)] {
            let (own, both) = (tier.clone(), Arc::clone(&both));
            let forget = move |_| {
                both.wait();
                Storage::remove(&view(&own), &other, None).unwrap();
            };
            Storage::write(&view(&tier), &key, hooked(0, forget), None, None).unwrap();
        }
        thread::scope(|scope| {
            for key in [1_u32, 2] {
                let tier = &tier;
                scope.spawn(move || Storage::write(&view(tier), &key, plain(10), None, None).unwrap());
            }
        });
        for key in [1_u32, 2] {
            let far = tier.far().map().get(&key);
            assert!(near(&tier, key).is_none() || far.is_some(), "{key} is near only");
        }
    });
}

/// The evicted value changes the entry, and panics: the value being stored does not stay.
#[test]
fn nothing_old_is_left_by_a_drop_that_panics() {
    let tier = tier(&Far::new());
    let own = tier.clone();
    let forget = move |_| {
        Storage::remove(&view(&own), &1_u32, None).unwrap();
        panic!("a value that does not want to go");
    };
    Storage::write(&view(&tier), &1_u32, hooked(1, forget), None, None).unwrap();
    let write = || Storage::write(&view(&tier), &1_u32, plain(2), None, None);
    catch_unwind(AssertUnwindSafe(write)).unwrap_err();
    assert!(!tier.far().map().has(&1_u32));
    assert_eq!(near(&tier, 1), None);
    // Everything continues.
    Storage::write(&view(&tier), &1_u32, plain(3), None, None).unwrap();
    assert_eq!(near(&tier, 1), Some(3));
}

/// Some panic; all are dropped.
#[test]
fn a_flush_elsewhere_drops_all_values_whatever_their_drops_do() {
    let far = Far::telling();
    let tier = tier(&far);
    assert!(!Storage::contains(&view(&tier), &0_u32, None).unwrap());
    far.observer().began();
    for key in 0..20_u32 {
        let value = hooked(key, |number| assert!(number % 3 != 0, "the third"));
        Storage::write(&view(&tier), &key, value, None, None).unwrap();
    }
    assert_eq!(tier.near().len(), 20);
    far.observer().all_changed();
    assert!(tier.near().is_empty());
    for key in 0..20_u32 {
        let value = hooked(key, |number| assert!(number % 3 != 0, "the third"));
        Storage::write(&view(&tier), &key, value, None, None).unwrap();
        far.observer().changed(ring_cache::Key::of(&key).as_str());
    }
    assert!(tier.near().is_empty());
    for key in 0..20_u32 {
        let value = hooked(key, |number| assert!(number % 3 != 0, "the third"));
        Storage::write(&view(&tier), &key, value, None, None).unwrap();
    }
    far.observer().ended();
    assert!(tier.near().is_empty() && !tier.is_watching());
}

/// On a report of a change, the near tier drops a value whose `Drop` calls a cached method.
#[test]
fn a_value_that_is_dropped_for_a_change_elsewhere_may_use_the_tiers() {
    in_time(|| {
        let far = Far::telling();
        let tier = tier(&far);
        assert!(!Storage::contains(&view(&tier), &0_u32, None).unwrap());
        far.observer().began();
        let (own, found) = (tier.clone(), Arc::new(Mutex::new(None)));
        let told = Arc::clone(&found);
        let look = move |_| {
            let read = Storage::read(&view(&own), &1_u32, None).unwrap();
            *told.lock().unwrap() = read.map(|value| value.number);
        };
        Storage::write(&view(&tier), &1_u32, hooked(1, look), None, None).unwrap();
        tier.far().map().set(&1_u32, b"2".to_vec());
        far.observer().changed("1");
        assert_eq!(*found.lock().unwrap(), Some(2));
        assert_eq!(near(&tier, 1), Some(2));
    });
}

/// A coder that panics while encoding.
#[test]
fn a_coder_that_panics_leaves_nothing_near() {
    static PANICS: AtomicBool = AtomicBool::new(false);
    struct Panics;
    impl Coder<u32> for Panics {
        fn encode(value: &u32) -> Result<Vec<u8>, Cause> {
            assert!(!PANICS.load(Ordering::SeqCst), "no words");
            <Json as Coder<u32>>::encode(value)
        }
        fn decode(bytes: &[u8]) -> Result<u32, Cause> {
            <Json as Coder<u32>>::decode(bytes)
        }
    }
    let tier = super::tier(&Far::new());
    let view = CodedStorage::<Panics>::coded(&tier);
    Storage::write(&view, &1_u32, 1, None, None).unwrap();
    PANICS.store(true, Ordering::SeqCst);
    catch_unwind(AssertUnwindSafe(|| Storage::write(&view, &1_u32, 2, None, None))).unwrap_err();
    assert_eq!(tier.near().get(&1_u32), None);
}
