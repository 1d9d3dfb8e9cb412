//! Steps by calls of cached methods.

use std::rc::Rc;

use ring_cache_core::body::Body;
use ring_cache_core::{Call, Calls, Lru, Plain, Ring};

use super::{Beside, Cache, ring_of, same};
use crate::step::{Expiry, Step, Verb};
use crate::value::Value;

/// `fn method(id: u32) -> Value`, cached; it computes the value of this number.
pub(super) fn bind<'s>(
    ring: &'static Ring,
    lru: &'s Lru<Value>,
    id: u32,
    number: u64,
) -> Call<Plain<Value>, &'s Lru<Value>, impl Body<Out = Value>> {
    Cache::new(ring, lru).bind((id,), move |_| Value::new(number))
}

macro_rules! with_expiry {
    ($call:expr, $expiry:expr) => {
        match $expiry.duration() {
            Some(duration) => $call.expire_in(duration),
            None => $call,
        }
    };
}

impl Beside<'_> {
    pub(super) fn call(&mut self, step: Step) {
        // The next key of a ring, if this one belongs to none.
        let key = step.key + u32::from(ring_of(step.key).is_none());
        let step = Step {
            key,
            expiry: step.expiry.lasting(),
            ..step
        };
        let ring = ring_of(key).unwrap_or_default();
        match step.verb {
            Verb::GetOrUpdate | Verb::GetOrUpdateUnless | Verb::Update | Verb::UpdateUnless => {
                self.compute(step, ring);
            }
            Verb::CallGet | Verb::CallSet | Verb::CallDelete | Verb::CallHas | Verb::CallTouch => {
                self.control(step, ring);
            }
            Verb::UpdateDeleted => self.compute_in_vain(step, ring),
            Verb::GetOrUpdateMany | Verb::UpdateMany => self.compute_many(step, ring),
            _ => self.control_many(step, ring),
        }
    }

    fn compute(&mut self, step: Step, ring: usize) {
        let lru = Rc::clone(&self.lru);
        let number = self.number(step.key);
        let call = bind(self.world.rings[ring], &lru, step.key, number);
        let mut call = with_expiry!(call, step.expiry);
        let mut refused = false;
        if let Verb::GetOrUpdateUnless | Verb::UpdateUnless = step.verb {
            refused = is_refused(number);
            call = call.unless(Value::is_refused);
        }
        let updates = matches!(step.verb, Verb::Update | Verb::UpdateUnless);
        let value = if updates {
            call.update()
        } else {
            call.get_or_update()
        }
        .number();
        let found = if updates {
            None
        } else {
            self.model_look_up(step.key, ring)
        };
        same("computed or found", value, found.unwrap_or(number));
        if found.is_none() && !refused {
            self.model_store(step.key, number, step.expiry, ring);
        } else if updates {
            self.model.remove(step.key);
        }
    }

    /// A delete comes during the computation: the value is returned and not stored.
    fn compute_in_vain(&mut self, step: Step, ring: usize) {
        let (lru, number) = (Rc::clone(&self.lru), self.number(step.key));
        let key = &self.world.keys[step.key as usize];
        let deletes = |_| {
            lru.delete(key);
            Value::new(number)
        };
        let call: Call<Plain<Value>, _, _> =
            Cache::new(self.world.rings[ring], &*lru).bind((step.key,), deletes);
        same("computed in vain", call.update().number(), number);
        self.model.remove(step.key);
        // The clone for the storage.
        self.model.gone.push(number);
    }

    /// The result of a counted look-up.
    fn model_look_up(&mut self, key: u32, ring: usize) -> Option<u64> {
        let found = self.model.get(key).map(|(number, _)| number);
        self.stats[ring].hits += u64::from(found.is_some());
        self.stats[ring].misses += u64::from(found.is_none());
        found
    }

    fn model_store(&mut self, key: u32, number: u64, expiry: Expiry, ring: usize) {
        self.stats[ring].stores += 1;
        self.model.write(key, number, expiry);
    }

    fn control(&mut self, step: Step, ring: usize) {
        let lru = Rc::clone(&self.lru);
        let number = self.number(step.key);
        let call = bind(self.world.rings[ring], &lru, step.key, number);
        let call = with_expiry!(call, step.expiry);
        match step.verb {
            Verb::CallGet => {
                let found = call.get().map(Value::number);
                same("call.get", found, self.model_look_up(step.key, ring));
            }
            Verb::CallSet => {
                call.set(Value::new(number));
                self.model_store(step.key, number, step.expiry, ring);
            }
            Verb::CallDelete => same("call.delete", call.delete(), self.model.remove(step.key)),
            Verb::CallHas => same("call.has", call.has(), self.model.has(step.key)),
            _ => same(
                "call.touch",
                call.touch(),
                self.model.touch(step.key, step.expiry),
            ),
        }
    }

    /// Some keys of one ring with the numbers of new values; two of the keys may be equal.
    fn ring_group(&mut self, step: Step) -> [(u32, u64); 3] {
        let keys = self.model.keys();
        let other = (step.key + 3 * u32::from(step.shape % 8)) % keys;
        let third = [step.key, (other + 6) % keys][usize::from(step.shape > 99)];
        [step.key, other, third].map(|key| (key, self.number(key)))
    }

    fn compute_many(&mut self, step: Step, ring: usize) {
        let (group, lru, bound) = (
            self.ring_group(step),
            Rc::clone(&self.lru),
            self.world.rings[ring],
        );
        let call = |(key, number)| bind(bound, &lru, key, number);
        let calls = group.map(|one| with_expiry!(call(one), step.expiry));
        let updates = step.verb == Verb::UpdateMany;
        let values = if updates {
            calls.update_many()
        } else {
            calls.get_or_update_many()
        };
        let values: Vec<_> = values.into_iter().map(Value::number).collect();
        let mut model = [None; 3];
        if !updates {
            model = group.map(|(key, _)| self.model_look_up(key, ring));
        }
        let mut computed: Vec<(u32, u64)> = Vec::new();
        for (place, (key, number)) in group.into_iter().enumerate() {
            if model[place].is_some() {
                continue;
            }
            // Equal calls take the value of the first.
            let first = computed.iter().find(|(other, _)| *other == key).copied();
            model[place] = Some(first.map_or(number, |(_, number)| number));
            match first {
                Some(_) => self.stats[ring].coalesced += 1,
                None => computed.push((key, number)),
            }
        }
        for (key, number) in computed {
            // The clone offered to others until the value is stored.
            self.model.gone.extend((!updates).then_some(number));
            self.model_store(key, number, step.expiry, ring);
        }
        self.model.was_bulk();
        same(
            "computed or found together",
            &values[..],
            &model.map(Option::unwrap_or_default),
        );
    }

    fn control_many(&mut self, step: Step, ring: usize) {
        let (group, lru, bound) = (
            self.ring_group(step),
            Rc::clone(&self.lru),
            self.world.rings[ring],
        );
        let call = |(key, number)| bind(bound, &lru, key, number);
        let calls = group.map(|one| with_expiry!(call(one), step.expiry));
        let there = match step.verb {
            Verb::GetMany => {
                let found: Vec<_> = calls.get_many();
                let found = found.into_iter().map(|found| found.map(Value::number));
                let found: Vec<_> = found.collect();
                let model = group.map(|(key, _)| self.model_look_up(key, ring));
                return same("get_many", &found[..], &model);
            }
            Verb::SetMany => {
                let set = calls.set_many(group.map(|(_, number)| Value::new(number)));
                assert!(set.is_ok(), "{set:?}");
                for (key, number) in group {
                    self.model_store(key, number, step.expiry, ring);
                }
                return self.model.was_bulk();
            }
            Verb::DeleteMany => calls.delete_many(),
            Verb::HasMany => calls.has_many(),
            _ => calls.touch_many(),
        };
        let model = group.map(|(key, _)| match step.verb {
            Verb::DeleteMany => self.model.remove(key),
            Verb::HasMany => self.model.has(key),
            _ => self.model.touch(key, step.expiry),
        });
        same("done together", &there[..], &model);
    }
}

fn is_refused(number: u64) -> bool {
    let value = Value::new(number);
    let refused = value.is_refused();
    value.number();
    refused
}
