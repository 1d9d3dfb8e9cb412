//! A storage by the text of keys, with one flaw at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ring_cache_core::clock::{Clock, ManualClock};
use ring_cache_core::flights::Flights;
use ring_cache_core::storage::{Clear, Expires, Expiring, Storage, StorageBase};
use ring_cache_core::{Error, Key, Name, RingKey};

use super::flaw::Flaw;
use crate::support::{leak, simple_base};

type Entries = HashMap<String, Entry>;

#[derive(Clone)]
struct Entry {
    value: Vec<u8>,
    deadline: Option<Duration>,
}

pub(super) struct Flawed<const TEXT_KEYS: bool> {
    flaw: Flaw,
    clock: ManualClock,
    entries: Arc<Mutex<Entries>>,
    flights: Arc<Flights<Vec<u8>>>,
}

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl<const TEXT_KEYS: bool> Flawed<TEXT_KEYS> {
    pub(super) fn new(flaw: Flaw, clock: ManualClock) -> Self {
        Flawed {
            flaw,
            clock,
            entries: Arc::default(),
            flights: Arc::default(),
        }
    }

    /// Another storage of the same entries.
    pub(super) fn another(&self) -> Self {
        let apart = self.has(Flaw::StoragesStoreApart);
        Flawed {
            entries: if apart {
                Arc::default()
            } else {
                Arc::clone(&self.entries)
            },
            ..Self::new(self.flaw, self.clock.clone())
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn text<K: RingKey + ?Sized>(&self, key: &K) -> String {
        let text = Key::of(key).to_string();
        match self.flaw {
            Flaw::IgnoresCase => text.to_lowercase(),
            Flaw::CutsKeys => text.chars().take(250).collect(),
            Flaw::DecodesKeys => text.replace("%20", " ").replace('"', "'"),
            Flaw::TakesLastSegments => text.rsplit(':').next().unwrap_or_default().to_owned(),
            Flaw::NamesTypesOfKeys => std::any::type_name::<K>().to_owned() + &text,
            _ => text,
        }
    }

    fn changed(&self, mut value: Vec<u8>) -> Vec<u8> {
        match self.flaw {
            Flaw::KeepsAscii => value.retain(u8::is_ascii),
            Flaw::CutsValuesAtNul => {
                value.truncate(value.iter().position(|byte| *byte == 0).unwrap_or(value.len()))
            }
            Flaw::TrimsValues => value = value.trim_ascii().to_vec(),
            Flaw::CountsLengthsInTwoBytes => value.truncate(value.len() % (1 << 16)),
            _ => (),
        }
        value
    }

    fn deadline(&self, expiry: Option<Duration>) -> Option<Duration> {
        let expiry = expiry?;
        match self.flaw {
            Flaw::IgnoresExpiry => return None,
            Flaw::RoundsDown if expiry.as_secs() == 0 => return None,
            Flaw::TakesMonthsForDates if expiry > MONTH => return Some(Duration::ZERO),
            _ => (),
        }
        Some(self.clock.now().saturating_add(expiry))
    }

    fn is_live(&self, entry: &Entry) -> bool {
        entry.deadline.is_none_or(|deadline| self.clock.now() < deadline)
    }

    fn find(&self, text: &str) -> Option<Entry> {
        let mut entries = self.entries.lock().unwrap();
        let entry = entries.get_mut(text).filter(|entry| self.is_live(entry))?;
        if self.has(Flaw::LooksRenew) && entry.deadline.is_some() {
            entry.deadline = Some(self.clock.now() + MONTH);
        }
        Some(entry.clone())
    }

    fn insert(&self, text: String, value: Vec<u8>, expiry: Option<Duration>) {
        let mut entries = self.entries.lock().unwrap();
        if expiry == Some(Duration::ZERO) && !self.has(Flaw::StoresForZero) {
            if !self.has(Flaw::IgnoresZero) {
                entries.remove(&text);
            }
            return;
        }
        let mut entry = Entry {
            value: self.changed(value),
            deadline: self.deadline(expiry.filter(|expiry| !expiry.is_zero())),
        };
        let before = entries.get(&text).filter(|entry| self.is_live(entry)).cloned();
        match (self.flaw, before) {
            (Flaw::FirstWriteStays, Some(before)) => entry = before,
            (Flaw::KeepsFirstExpiry, Some(before)) => entry.deadline = before.deadline,
            (Flaw::KeepsOneEntry, None) => entries.clear(),
            (Flaw::KeepsFewEntries, None) if entries.len() >= 100 => entries.clear(),
            (Flaw::LosesEmptyValues, _) if entry.value.is_empty() => return,
            _ => (),
        }
        entries.insert(text, entry);
    }
}

impl<const TEXT_KEYS: bool> Clone for Flawed<TEXT_KEYS> {
    fn clone(&self) -> Self {
        let [entries, flights] =
            [Flaw::ClonesStoreApart, Flaw::ClonesComputeApart].map(|flaw| self.has(flaw));
        Flawed {
            flaw: self.flaw,
            clock: self.clock.clone(),
            entries: if entries {
                Arc::default()
            } else {
                Arc::clone(&self.entries)
            },
            flights: if flights {
                Arc::default()
            } else {
                Arc::clone(&self.flights)
            },
        }
    }
}

impl<const TEXT_KEYS: bool> StorageBase<Vec<u8>> for Flawed<TEXT_KEYS> {
    type Error = Error;

    const TEXT_KEYS: bool = TEXT_KEYS;

    simple_base!(namespace deadline eviction_counts watch mark_suspect);

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        let mut text = self.text(key);
        if self.has(Flaw::TellsCutKeys) {
            text = text.chars().take(250).collect();
        }
        text
    }

    fn flights(&self) -> &Flights<Vec<u8>> {
        if self.has(Flaw::ForgetsFlights) {
            return leak(Flights::default());
        }
        &self.flights
    }
}

impl<const TEXT_KEYS: bool> Storage<Vec<u8>> for Flawed<TEXT_KEYS> {
    fn read<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.find(&self.text(key)).map(|entry| entry.value))
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: Vec<u8>,
        expiry: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Error> {
        self.insert(self.text(key), value, expiry);
        Ok(())
    }

    fn write_if_absent<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: Vec<u8>,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        let found = self.find(&self.text(key));
        let is_absent = found.is_none();
        match (found, self.flaw) {
            (None, _) | (_, Flaw::WriteIfAbsentReplaces) => self.write(key, value, expiry, until)?,
            (Some(found), Flaw::WriteIfAbsentTouches) => self.write(key, found.value, expiry, until)?,
            (Some(_), _) => {}
        }
        Ok(is_absent)
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
        let mut entries = self.entries.lock().unwrap();
        let text = self.text(key);
        let removed = match self.flaw {
            Flaw::RemoveLeaves => entries.get(&text).cloned(),
            _ => entries.remove(&text),
        };
        let there = removed.is_some_and(|entry| self.has(Flaw::RemovesExpired) || self.is_live(&entry));
        Ok(match self.flaw {
            Flaw::RemoveSaysTrue => true,
            Flaw::RemoveSaysFalse => false,
            _ => there,
        })
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
        let text = self.text(key);
        Ok(match self.flaw {
            Flaw::ContainsSaysTrue => true,
            Flaw::ContainsExpired => self.entries.lock().unwrap().contains_key(&text),
            _ => self.find(&text).is_some(),
        })
    }

    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        _: Option<Instant>,
    ) -> Result<bool, Error> {
        let (text, deadline) = (self.text(key), self.deadline(Some(expiry)));
        let mut entries = self.entries.lock().unwrap();
        let Some(entry) = entries.get_mut(&text).filter(|entry| self.is_live(entry)) else {
            return Ok(self.has(Flaw::TouchSaysTrue));
        };
        match self.flaw {
            Flaw::TouchOnlyLooks => (),
            Flaw::TouchNeverShortens => entry.deadline = deadline.max(entry.deadline),
            _ => entry.deadline = deadline,
        }
        Ok(true)
    }

    fn read_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        if keys.is_empty() && self.has(Flaw::FailsForNoKeys) {
            return Err(Error::storage("flawed", "get", "wrong number of arguments"));
        }
        let read: Result<Vec<_>, _> = keys.iter().map(|key| self.read(key, until)).collect();
        let mut read = read?;
        match self.flaw {
            Flaw::ReadsManyBackwards => read.reverse(),
            Flaw::ReadsManyWithoutGaps => read.retain(Option::is_some),
            _ => (),
        }
        Ok(read)
    }

    fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, Vec<u8>, Option<Duration>)>,
        _: Option<Instant>,
    ) -> Result<(), Error> {
        let entries = entries.into_iter();
        let entries = entries.map(|(key, value, expiry)| (self.text(&key), value, expiry));
        let mut entries: Vec<_> = entries.collect();
        match self.flaw {
            Flaw::FirstDuplicateStays => entries.reverse(),
            Flaw::WritesFewOfMany => entries.truncate(500),
            Flaw::WritesManyWithoutExpiry => entries.iter_mut().for_each(|(.., expiry)| *expiry = None),
            _ => (),
        }
        if self.has(Flaw::RemovesLastOfMany) {
            // As if removals were sent after all writes.
            entries.sort_by_key(|(.., expiry)| *expiry == Some(Duration::ZERO));
        }
        for (text, value, expiry) in entries {
            self.insert(text, value, expiry);
        }
        Ok(())
    }

    fn remove_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>, Error> {
        let removed: Result<Vec<_>, _> = keys.iter().map(|key| self.remove(key, until)).collect();
        let mut removed = removed?;
        if self.has(Flaw::RemovesManyBackwards) {
            removed.reverse();
        }
        Ok(removed)
    }

    fn contains_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>, Error> {
        let contained: Result<Vec<_>, _> = keys.iter().map(|key| self.contains(key, until)).collect();
        let mut contained = contained?;
        if self.has(Flaw::ContainsManyBackwards) {
            contained.reverse();
        }
        Ok(contained)
    }

    fn renew_many<K: RingKey>(
        &self,
        entries: &[(K, Duration)],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Error> {
        let expiry = |own| match self.flaw {
            Flaw::RenewsManyForFirst => entries[0].1,
            _ => own,
        };
        let renewed = entries
            .iter()
            .map(|(key, own)| self.renew(key, expiry(*own), until));
        let renewed: Result<Vec<_>, _> = renewed.collect();
        let mut renewed = renewed?;
        if self.has(Flaw::RenewsManyOutOfOrder) && !entries.is_empty() {
            // The test's answers are equal in reverse, so the first one is moved.
            let first = renewed.drain(..1).next();
            renewed.extend(first);
        }
        Ok(renewed)
    }

    fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Option<Instant>,
    ) -> Result<Option<Expiring<Vec<u8>>>, Error> {
        let found = match self.flaw {
            Flaw::ReadsExpiringForEver => self.entries.lock().unwrap().get(&self.text(key)).cloned(),
            _ => self.find(&self.text(key)),
        };
        let now = match self.flaw {
            // Relative to the epoch, not to now.
            Flaw::TellsWholeExpiries => Duration::ZERO,
            _ => self.clock.now(),
        };
        Ok(found.map(|entry| {
            let remaining = entry.deadline.map(|deadline| deadline.saturating_sub(now));
            Expiring {
                value: entry.value,
                remaining,
            }
        }))
    }
}

impl<const TEXT_KEYS: bool> Expires for Flawed<TEXT_KEYS> {}

impl<const TEXT_KEYS: bool> Clear<Vec<u8>> for Flawed<TEXT_KEYS> {
    fn clear_ring(&self, name: &Name) -> Result<(), Error> {
        let (flaw, name) = (self.flaw, name.as_str());
        let with_colon = format!("{name}:");
        let concerns = |text: &str| match flaw {
            Flaw::ClearsNothing => false,
            Flaw::ClearsAll => true,
            Flaw::ClearsByPrefix => text.starts_with(name),
            Flaw::ClearsByPattern => text == name || matches(&format!("{with_colon}*"), text),
            Flaw::ClearsWithColon => text.starts_with(&with_colon),
            _ => text == name || text.starts_with(&with_colon),
        };
        self.entries.lock().unwrap().retain(|text, _| !concerns(text));
        Ok(())
    }
}

/// Whether a pattern of `*` and `?` matches, as servers do it.
fn matches(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else {
        return text.is_empty();
    };
    let (rest, mut left) = (&pattern[first.len_utf8()..], text.chars());
    match first {
        '*' => (0..=text.len()).any(|end| text.is_char_boundary(end) && matches(rest, &text[end..])),
        '?' => left.next().is_some() && matches(rest, left.as_str()),
        _ => left.next() == Some(first) && matches(rest, left.as_str()),
    }
}
