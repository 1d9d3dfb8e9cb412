//! Steps by calls of rings that keep stale entries. They share entries with the second ring, which does not: an entry
//! written without knowledge of stale entries is stale for the last part of its life.

use std::rc::Rc;

use ring_cache_core::body::Body;
use ring_cache_core::{Call, Calls, Lookup, Lru, Plain, Ring};

use super::{Beside, Cache, same};
use crate::step::{Expiry, Step, Verb};
use crate::value::Value;

/// The ring whose entries these are.
const RING: usize = 1;

/// The times, in nanoseconds, for which the rings keep stale entries.
pub(super) const STALE: [u64; 3] = [1, 90, 3_000];

fn bind<'s>(
    ring: &'static Ring,
    lru: &'s Lru<Value>,
    id: u32,
    number: u64,
) -> Call<Plain<Value>, &'s Lru<Value>, impl Body<Out = Value>> {
    let call = Cache::new(ring, lru).bind((id,), move |_| Value::new(number));
    call.keeping_stale()
}

macro_rules! with_expiry {
    ($call:expr, $expiry:expr) => {
        match $expiry.duration() {
            Some(duration) => $call.expire_in(duration),
            None => $call,
        }
    };
}

/// The result of a look-up in the model.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Found {
    Fresh(u64),
    Stale(u64),
    Absent,
}

fn numbered(found: Lookup<Value>) -> Found {
    match found {
        Lookup::Fresh(value) => Found::Fresh(value.number()),
        Lookup::Stale(value) => Found::Stale(value.number()),
        Lookup::Absent => Found::Absent,
    }
}

impl Expiry {
    /// The life of an entry with this expiry.
    fn and(self, stale: u64) -> Self {
        match self {
            Expiry::Nanos(nanos) => Expiry::Nanos(nanos.saturating_add(stale)),
            other => other,
        }
    }
}

impl Beside<'_> {
    pub(super) fn stale_call(&mut self, step: Step) {
        // A key of the second ring.
        let key = (step.key / 3 * 3 + 2) % self.model.keys();
        let which = usize::from(step.shape % 3);
        let step = Step {
            key,
            expiry: step.expiry.lasting(),
            ..step
        };
        match step.verb {
            Verb::StaleGetOrUpdate => self.get_or_refresh(step, which),
            Verb::StaleUpdate | Verb::StaleSet => self.replace(step, which),
            Verb::StaleGetMany | Verb::StaleLookupMany => self.look_up_stale(step, which),
            Verb::StaleHasMany | Verb::StaleTouchMany | Verb::StaleExpireMany | Verb::StaleDeleteMany => {
                self.control_stale_many(step, which);
            }
            _ => self.control_stale(step, which),
        }
    }

    /// A look-up that counts as a use.
    fn find_stale(&mut self, key: u32, stale: u64) -> Found {
        match self.model.get(key) {
            None => Found::Absent,
            Some((number, Some(left))) if left <= stale => Found::Stale(number),
            Some((number, _)) => Found::Fresh(number),
        }
    }

    /// Whether there is a fresh entry. No use.
    fn is_fresh(&self, key: u32, stale: u64) -> bool {
        let left = self.model.left(key);
        left.is_some_and(|left| left.is_none_or(|left| left > stale))
    }

    /// The look-up of a verb that returns fresh values alone: a stale one is dropped.
    fn find_fresh(&mut self, key: u32, stale: u64) -> Option<u64> {
        let found = self.find_stale(key, stale);
        if let Found::Stale(number) = found {
            self.model.gone.push(number);
        }
        let Found::Fresh(number) = found else {
            self.stats[RING].misses += 1;
            return None;
        };
        self.stats[RING].hits += 1;
        Some(number)
    }

    fn get_or_refresh(&mut self, step: Step, which: usize) {
        let (lru, number) = (Rc::clone(&self.lru), self.number(step.key));
        let call = with_expiry!(bind(self.world.stale[which], &lru, step.key, number), step.expiry);
        let value = call.get_or_update().number();
        match self.find_stale(step.key, STALE[which]) {
            Found::Fresh(found) => {
                self.stats[RING].hits += 1;
                return same("a fresh value", value, found);
            }
            // The look-ups of the call and of its refresh.
            Found::Stale(old) => self.model.gone.extend([old, old]),
            Found::Absent => {}
        }
        same("a value that is computed anew", value, number);
        (self.stats[RING].misses, self.stats[RING].stores) =
            (self.stats[RING].misses + 1, self.stats[RING].stores + 1);
        self.model.write(step.key, number, step.expiry.and(STALE[which]));
    }

    fn replace(&mut self, step: Step, which: usize) {
        let (lru, number) = (Rc::clone(&self.lru), self.number(step.key));
        let call = with_expiry!(bind(self.world.stale[which], &lru, step.key, number), step.expiry);
        match step.verb {
            Verb::StaleSet => call.set(Value::new(number)),
            _ => same("updated", call.update().number(), number),
        }
        self.stats[RING].stores += 1;
        self.model.write(step.key, number, step.expiry.and(STALE[which]));
    }

    fn control_stale(&mut self, step: Step, which: usize) {
        let (lru, stale) = (Rc::clone(&self.lru), STALE[which]);
        let number = self.number(step.key);
        let call = with_expiry!(bind(self.world.stale[which], &lru, step.key, number), step.expiry);
        let is_fresh = self.is_fresh(step.key, stale);
        match step.verb {
            Verb::StaleGet => {
                let found = call.get().map(Value::number);
                same("get of fresh values", found, self.find_fresh(step.key, stale));
            }
            Verb::StaleLookup => {
                let found = self.find_stale(step.key, stale);
                same("lookup", numbered(call.lookup()), found);
                self.count_lookup(found);
            }
            Verb::StaleHas => same("has a fresh one", call.has(), is_fresh),
            Verb::StaleTouch => {
                same("touch of a fresh one", call.touch(), is_fresh);
                self.touch_fresh(step.key, is_fresh, step.expiry, stale);
            }
            Verb::StaleExpire => {
                same("expire of a fresh one", call.expire(), is_fresh);
                self.expire_fresh(step.key, is_fresh, stale);
            }
            _ => {
                same("delete of a fresh one", call.delete(), is_fresh);
                self.model.remove(step.key);
            }
        }
    }

    fn count_lookup(&mut self, found: Found) {
        let stats = &mut self.stats[RING];
        match found {
            Found::Fresh(_) => stats.hits += 1,
            Found::Stale(_) => stats.stale_hits += 1,
            Found::Absent => stats.misses += 1,
        }
    }

    /// It does not revive a stale entry.
    fn touch_fresh(&mut self, key: u32, is_fresh: bool, expiry: Expiry, stale: u64) {
        if is_fresh && expiry != Expiry::Never {
            self.model.renew(key, expiry.and(stale));
        }
    }

    fn expire_fresh(&mut self, key: u32, is_fresh: bool, stale: u64) {
        if is_fresh {
            self.model.renew(key, Expiry::Nanos(stale));
        }
    }

    /// Some keys of the ring with the numbers of new values; two of the keys may be equal.
    fn stale_group(&mut self, step: Step) -> [(u32, u64); 3] {
        let keys = self.model.keys();
        let other = (step.key + 3 * u32::from(step.shape % 8)) % keys;
        let third = [step.key, (other + 6) % keys][usize::from(step.shape > 99)];
        [step.key, other, third].map(|key| (key, self.number(key)))
    }

    fn look_up_stale(&mut self, step: Step, which: usize) {
        let (group, lru) = (self.stale_group(step), Rc::clone(&self.lru));
        let (ring, stale) = (self.world.stale[which], STALE[which]);
        let calls = group.map(|(key, number)| bind(ring, &lru, key, number));
        if step.verb == Verb::StaleGetMany {
            let found: Vec<_> = calls.get_many();
            let found: Vec<_> = found.into_iter().map(|found| found.map(Value::number)).collect();
            let model = group.map(|(key, _)| self.find_fresh(key, stale));
            return same("get_many of fresh values", &found[..], &model);
        }
        let found: Vec<_> = calls.lookup_many();
        let found: Vec<_> = found.into_iter().map(numbered).collect();
        let model = group.map(|(key, _)| self.find_stale(key, stale));
        model.into_iter().for_each(|found| self.count_lookup(found));
        same("lookup_many", &found[..], &model);
    }

    fn control_stale_many(&mut self, step: Step, which: usize) {
        let (group, lru) = (self.stale_group(step), Rc::clone(&self.lru));
        let (ring, stale) = (self.world.stale[which], STALE[which]);
        let calls = group.map(|(key, number)| with_expiry!(bind(ring, &lru, key, number), step.expiry));
        let mut fresh = group.map(|(key, _)| self.is_fresh(key, stale));
        let there = match step.verb {
            Verb::StaleHasMany => calls.has_many(),
            Verb::StaleTouchMany => calls.touch_many(),
            Verb::StaleExpireMany => calls.expire_many(),
            _ => calls.delete_many(),
        };
        for ((key, _), fresh) in group.into_iter().zip(&mut fresh) {
            match step.verb {
                Verb::StaleHasMany => {}
                Verb::StaleTouchMany => self.touch_fresh(key, *fresh, step.expiry, stale),
                Verb::StaleExpireMany => self.expire_fresh(key, *fresh, stale),
                // Of two equal keys, the first is deleted.
                _ => *fresh = self.model.remove(key) && *fresh,
            }
        }
        same("done together with fresh ones", &there[..], &fresh);
    }
}
