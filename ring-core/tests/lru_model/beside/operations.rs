//! Steps by operations of the storage itself.

use std::time::Duration;

use ring_cache_core::storage::{Clear, Expiring, Storage};

use super::{AnyKey, Beside, Cache, ring_of, same};
use crate::step::{Setup, Step, Verb};
use crate::value::Value;

/// The numbers of values that were found.
fn number(found: Option<Value>) -> Option<u64> {
    found.map(Value::number)
}

/// The same with their remaining lives.
fn expiring(found: Option<Expiring<Value>>) -> Option<(u64, Option<u64>)> {
    let nanos = |time: Duration| time.as_nanos() as u64;
    found.map(|found| (found.value.number(), found.remaining.map(nanos)))
}

impl<'w> Beside<'w> {
    pub(super) fn act(&mut self, step: Step, setup: &Setup) {
        match step.verb {
            Verb::Get | Verb::Read | Verb::StorageGet | Verb::ReadExpiring => self.look_up(step),
            Verb::Has | Verb::Contains => self.look(step),
            Verb::Set | Verb::SetFor | Verb::Write | Verb::StorageSet => self.put(step),
            Verb::Delete | Verb::Remove | Verb::StorageDelete => self.take(step),
            Verb::Renew | Verb::Touch => self.renew(step),
            Verb::ReadMany | Verb::ReadManyExpiring | Verb::ContainsMany => self.look_up_many(step),
            Verb::RenewMany | Verb::WriteMany | Verb::RemoveMany => self.change_many(step),
            Verb::Clear | Verb::ClearRing | Verb::HandleClear => self.clear(step),
            Verb::Advance => {
                let time = step.time(setup);
                self.clock.advance(Duration::from_nanos(time));
                self.model.advance(time);
            }
            verb if verb.is_stale() => self.stale_call(step),
            _ => self.call(step),
        }
    }

    fn look_up(&mut self, step: Step) {
        let (key, model) = (self.key(step.key, step.shape), self.model.get(step.key));
        let Ok(found) = match step.verb {
            Verb::ReadExpiring => {
                let Ok(found) = self.lru.read_expiring(&key, None);
                return same("read_expiring", expiring(found), model);
            }
            Verb::Get => Ok(self.lru.get(&key)),
            Verb::Read => self.lru.read(&key, None),
            _ => Storage::get(&*self.lru, &key),
        };
        same("look-up", number(found), model.map(|(number, _)| number));
    }

    fn look(&mut self, step: Step) {
        let key = self.key(step.key, step.shape);
        let there = match step.verb {
            Verb::Has => self.lru.has(&key),
            _ => self.lru.contains(&key, None) == Ok(true),
        };
        same("has", there, self.model.has(step.key));
    }

    fn put(&mut self, step: Step) {
        let (key, number) = (self.key(step.key, step.shape), self.number(step.key));
        let (value, mut expiry) = (Value::new(number), step.expiry);
        match step.verb {
            Verb::Set => {
                expiry = crate::step::Expiry::Never;
                self.lru.set(&key, value);
            }
            Verb::SetFor => {
                expiry = expiry.set();
                self.lru
                    .set_with_expiry(&key, value, expiry.duration().unwrap_or_default());
            }
            Verb::Write => drop(self.lru.write(&key, value, expiry.duration(), None)),
            _ => drop(Storage::set(&*self.lru, &key, value, expiry.duration())),
        }
        self.model.write(step.key, number, expiry);
    }

    fn take(&mut self, step: Step) {
        let key = self.key(step.key, step.shape);
        let Ok(there) = match step.verb {
            Verb::Delete => Ok(self.lru.delete(&key)),
            Verb::Remove => self.lru.remove(&key, None),
            _ => Storage::delete(&*self.lru, &key),
        };
        same("delete", there, self.model.remove(step.key));
    }

    fn renew(&mut self, step: Step) {
        let key = self.key(step.key, step.shape);
        let (Ok(there), model) = match step.verb {
            Verb::Renew => {
                let expiry = step.expiry.set();
                let there = self.lru.renew(&key, expiry.duration().unwrap_or_default(), None);
                (there, self.model.renew(step.key, expiry))
            }
            _ => {
                let there = self.lru.touch(&key, step.expiry.duration());
                (there, self.model.touch(step.key, step.expiry))
            }
        };
        same("renew", there, model);
    }

    /// Some keys, two of which may be equal.
    fn group(&self, step: Step) -> ([u32; 3], Vec<AnyKey<'w>>) {
        let keys = self.model.keys();
        let other = (step.key + u32::from(step.shape % 8)) % keys;
        let third = [step.key, (other + 5) % keys][usize::from(step.shape > 99)];
        let group = [step.key, other, third];
        (group, group.map(|key| self.key(key, step.shape)).into())
    }

    fn look_up_many(&mut self, step: Step) {
        let (ids, keys) = self.group(step);
        match step.verb {
            Verb::ReadMany => {
                let Ok(found) = self.lru.read_many(&keys, None);
                let found: Vec<_> = found.into_iter().map(number).collect();
                let model = ids.map(|id| self.model.get(id).map(|(number, _)| number));
                same("read_many", &found[..], &model);
            }
            Verb::ReadManyExpiring => {
                let Ok(found) = self.lru.read_many_expiring(&keys, None);
                let found: Vec<_> = found.into_iter().map(expiring).collect();
                let model = ids.map(|id| self.model.get(id));
                same("read_many_expiring", &found[..], &model);
            }
            _ => {
                let Ok(found) = self.lru.contains_many(&keys, None);
                same("contains_many", &found[..], &ids.map(|id| self.model.has(id)));
            }
        }
    }

    fn change_many(&mut self, step: Step) {
        let (ids, keys) = self.group(step);
        let numbers = ids.map(|id| self.number(id));
        match step.verb {
            Verb::RenewMany => {
                let expiry = step.expiry.set();
                let time = expiry.duration().unwrap_or_default();
                let entries: Vec<_> = keys.into_iter().map(|key| (key, time)).collect();
                let Ok(there) = self.lru.renew_many(&entries, None);
                drop(entries);
                let model = ids.map(|id| self.model.renew(id, expiry));
                same("renew_many", &there[..], &model);
            }
            Verb::WriteMany => {
                let entries = keys.into_iter().zip(numbers);
                let entries = entries.map(|(key, number)| (key, Value::new(number), step.expiry.duration()));
                let Ok(()) = self.lru.write_many(entries.collect(), None);
                for (id, number) in ids.into_iter().zip(numbers) {
                    self.model.write(id, number, step.expiry);
                }
                self.model.was_bulk();
            }
            _ => {
                let Ok(there) = self.lru.remove_many(&keys, None);
                drop(keys);
                let model = ids.map(|id| self.model.remove(id));
                same("remove_many", &there[..], &model);
            }
        }
    }

    fn clear(&mut self, step: Step) {
        let ring = usize::from(step.shape % 2);
        match step.verb {
            Verb::Clear => {
                self.lru.clear();
                return self.model.clear(|_| true);
            }
            Verb::ClearRing => drop(self.lru.clear_ring(self.world.rings[ring].name())),
            _ => Cache::new(self.world.rings[ring], &*self.lru).clear::<Value>(),
        }
        self.model.clear(|key| ring_of(key) == Some(ring));
    }
}
