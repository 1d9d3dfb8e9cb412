//! Tags in a storage of bytes: a second entry beside each, and one for each tag.
//!
//! The entry of a tag holds its version, bytes that are made once. Forgetting the tag removes that entry; a call that
//! finds none makes a new version, and calls that find none at the same time agree on one. The second entry beside a value
//! holds a digest of the versions that the value's tags had before it was computed, and a digest of the value. The two
//! entries are written one after the other, perhaps by different computations; they belong together only if the digests
//! match. The value itself stays as the coder made it. All are read in one round trip.
//!
//! Versions in place of a list of a tag's entries are an idea of [memcached's
//! namespaces](https://github.com/memcached/memcached/wiki/ProgrammingTricks#namespacing).
//!
//! Under a lease the value is written first, if the lease is still there, then the entry beside it, and then the lease ends: a
//! computation that was overtaken changes neither, and others wait until both are there.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::mem;
use std::time::{Duration, Instant, SystemTime};

use super::awaited::AsyncStorage;
use super::base::{Expiring, StorageBase};
use super::blocking::Storage;
use super::lease::{AfterWrite, Entry, LeasedEntry, without_tokens};
use super::tagged::{Asked, AsyncTags, Seen, Tags};
use super::view::HoldsBytes;
use crate::flights::LeaseToken;
use crate::key::{EncodedKey, KeyWriter, Name, RingKey, key_text};
use crate::sync::lasting::{AtomicU64, OnceLock, Ordering};
use crate::tag::{AsyncForgetsTags, ForgetsTags, Tag, digest};

/// A key of an operation on tagged entries.
enum Part<'k, K: ?Sized> {
    Value(&'k K),
    /// The entry beside a value.
    Beside(&'k K),
    Tag(Tag),
}

impl<K: ?Sized> Clone for Part<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: ?Sized> Copy for Part<'_, K> {}

impl<K: RingKey + ?Sized> RingKey for Part<'_, K> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        match self {
            Part::Value(value) => value.ring_key(key),
            Part::Beside(value) => {
                key.ring(ring_of_versions());
                key.begin_segment();
                key.text(&key_text(*value));
                key.end_segment();
            }
            Part::Tag(tag) => tag.ring_key(key),
        }
    }

    fn as_recorded(&self) -> Option<&EncodedKey> {
        match self {
            Part::Value(value) => value.as_recorded(),
            Part::Beside(_) | Part::Tag(_) => None,
        }
    }

    fn known_hash(&self) -> Option<u64> {
        match self {
            Part::Value(value) => value.known_hash(),
            Part::Beside(_) | Part::Tag(_) => None,
        }
    }
}

/// The ring name in the keys of the entries beside values.
fn ring_of_versions() -> &'static Name {
    static NAME: OnceLock<&'static Name> = OnceLock::new();
    NAME.get_or_init(|| Name::chosen("ring-tags"))
}

type Found = Option<Expiring<Vec<u8>>>;

/// A look-up of tagged entries.
struct Inquiry<'q, 'k, K: ?Sized> {
    keys: &'q [(&'k K, Asked<'q>)],
    /// The tags of all keys, each once.
    tags: Vec<Tag>,
}

impl<'q, 'k, K: RingKey + ?Sized> Inquiry<'q, 'k, K> {
    fn new(keys: &'q [(&'k K, Asked<'q>)]) -> Self {
        Inquiry {
            keys,
            tags: distinct(keys.iter().flat_map(|(_, asked)| asked.tags)),
        }
    }

    /// The keys to read.
    fn parts(&self) -> Vec<Part<'k, K>> {
        let entries = self.keys.iter();
        let entries = entries.flat_map(|(key, _)| [Part::Value(*key), Part::Beside(*key)]);
        entries
            .chain(self.tags.iter().map(|tag| Part::Tag(*tag)))
            .collect()
    }

    /// Splits the answer of this storage: the entries, and the versions of the tags.
    fn split<S>(&self, storage: &S, mut found: Vec<Found>) -> (Vec<Found>, Vec<Version>)
    where
        S: StorageBase<Vec<u8>>,
    {
        let of_tags = found.split_off(found.len().min(2 * self.keys.len()));
        (found, Version::all(storage, &self.tags, of_tags))
    }

    /// The entries whose versions are those of their tags.
    fn judge(&self, entries: Vec<Found>, versions: &[Version]) -> Vec<Found> {
        let mut entries = entries.into_iter();
        let keys = self.keys.iter();
        keys.map(|(_, asked)| {
            let (value, beside) = (entries.next().flatten(), entries.next().flatten());
            let version = together(asked.tags, versions);
            asked.see(version);
            value.filter(|value| {
                let expected = version.map(|version| beside_of(version, &value.value));
                expected.is_some_and(|expected| beside.is_some_and(|beside| beside.value == expected))
            })
        })
        .collect()
    }
}

/// The version of tags together; `None` if one of them has none.
fn together(tags: &[Tag], versions: &[Version]) -> Option<u64> {
    let of = |tag: &Tag| {
        let version = versions.iter().find(|version| version.tag == *tag)?;
        version.bytes.as_deref()
    };
    let versions: Vec<&[u8]> = tags.iter().map(of).collect::<Option<_>>()?;
    Some(digest(versions).max(1))
}

/// Keeps the versions that were read.
fn see_all(asked: &[Asked<'_>], versions: &[Version]) {
    asked
        .iter()
        .for_each(|asked| asked.see(together(asked.tags, versions)));
}

/// The version of a tag, as it lies in the storage.
struct Version {
    tag: Tag,
    /// `None` if there is none, or if it may still be replaced by an older one.
    bytes: Option<Vec<u8>>,
    /// Whether it may end before an entry that was stored with it.
    ends_early: bool,
}

impl Version {
    /// The versions of these tags among the entries found in this storage. A version that may still be replaced by an
    /// older one counts as missing.
    fn all<S: StorageBase<Vec<u8>>>(storage: &S, tags: &[Tag], found: Vec<Found>) -> Vec<Self> {
        let found = found.into_iter().chain(std::iter::repeat_with(|| None));
        let versions = tags.iter().zip(found);
        versions
            .map(|(tag, found)| Version::of(*tag, found.filter(|_| !storage.flights().is_in_doubt(tag))))
            .collect()
    }

    fn of(tag: Tag, found: Found) -> Self {
        let remaining = found.as_ref().and_then(|found| found.remaining);
        Version {
            tag,
            bytes: found.map(|found| found.value),
            ends_early: remaining.is_some_and(|remaining| remaining < longest()),
        }
    }
}

fn distinct<'t>(tags: impl IntoIterator<Item = &'t Tag>) -> Vec<Tag> {
    let mut distinct = Vec::new();
    for tag in tags {
        if !distinct.contains(tag) {
            distinct.push(*tag);
        }
    }
    distinct
}

/// The content of the entry beside a value.
fn beside_of(version: u64, value: &[u8]) -> Vec<u8> {
    let digest = digest([value]);
    [version.to_le_bytes(), digest.to_le_bytes()].concat()
}

/// A version that differs from all others. It does not use the generator of random numbers: tests seed it, and a forked
/// process has its parent's.
fn new_version() -> Vec<u8> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = since.unwrap_or_default().as_nanos() as u64;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let random = RandomState::new().hash_one((std::process::id(), number));
    [nanos.to_le_bytes(), random.to_le_bytes()].concat()
}

/// The shortest life of a version: that of one that no entry has yet.
const UNUSED: Duration = Duration::from_secs(60 * 60);

/// The longest life of a version: that of one whose entries do not expire.
const LONG: Duration = Duration::from_secs(5 * 365 * 24 * 60 * 60);

/// The longest life of an entry with tags that was stored by this process, in milliseconds.
static LONGEST: AtomicU64 = AtomicU64::new(0);

fn longest() -> Duration {
    Duration::from_millis(LONGEST.load(Ordering::Relaxed))
}

/// The life that versions get: twice that of the longest-lived entry, so that it is seldom extended. Each extension
/// sends a message to the listeners of the storage.
fn life_of_versions() -> Duration {
    longest().saturating_mul(2).clamp(UNUSED, LONG)
}

/// The life of a new version in this storage.
fn life_of_new<S: HoldsBytes>() -> Option<Duration> {
    S::EXPIRES.then(life_of_versions)
}

/// Notes the lives of stored entries. Returns whether some live longer than any before.
fn lengthens(lives: impl Iterator<Item = Option<Duration>>) -> bool {
    let longest = lives.map(|life| life.unwrap_or(LONG)).max().unwrap_or_default();
    let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
    LONGEST.fetch_max(millis, Ordering::Relaxed) < millis
}

/// A write of tagged entries.
struct Writes<'w, K> {
    values: Vec<Entry<Part<'w, K>>>,
    /// The entry beside each value.
    besides: Vec<Entry<Part<'w, K>>>,
    /// The places of the values among all entries.
    places: Vec<usize>,
    /// The keys of values whose versions are not known.
    unknown: Vec<&'w K>,
    /// The versions that have to live longer than before.
    versions: Vec<(Part<'w, K>, Duration)>,
}

impl<'w, K: RingKey> Writes<'w, K> {
    fn new(written: &'w [Entry<K>], asked: &[Asked<'_>]) -> Self {
        let mut writes = Writes {
            values: Vec::new(),
            besides: Vec::new(),
            places: Vec::new(),
            unknown: Vec::new(),
            versions: Vec::new(),
        };
        if lengthens(written.iter().map(|(.., expiry)| *expiry)) {
            writes.versions = versions(asked);
        }
        for (place, ((key, value, expiry), asked)) in written.iter().zip(asked).enumerate() {
            let Some(version) = asked.seen() else {
                writes.unknown.push(key);
                continue;
            };
            let beside = beside_of(version, value);
            writes.values.push((Part::Value(key), value.clone(), *expiry));
            writes.besides.push((Part::Beside(key), beside, *expiry));
            writes.places.push(place);
        }
        writes
    }

    /// The entries to write: values, and the entries beside them. And the keys to remove: those of values whose
    /// versions are not known, and of the entries beside them.
    fn into_plain(self) -> (Vec<Entry<Part<'w, K>>>, Vec<Part<'w, K>>) {
        let entries = self.values.into_iter().chain(self.besides).collect();
        (entries, values_and_besides(&self.unknown))
    }

    /// The values, each with its token among those of all entries.
    fn take_leased(&mut self, tokens: &[LeaseToken]) -> Vec<LeasedEntry<Part<'w, K>>> {
        let values = mem::take(&mut self.values).into_iter().zip(&self.places);
        values
            .map(|((key, value, expiry), place)| (key, value, expiry, tokens[*place]))
            .collect()
    }

    /// The entries beside the values that were written, and for each of all entries whether it was.
    fn written(&mut self, written: &[bool]) -> (Vec<Entry<Part<'w, K>>>, Vec<bool>) {
        let mut all = vec![false; self.places.len() + self.unknown.len()];
        let mut besides = Vec::new();
        let values = mem::take(&mut self.besides).into_iter().zip(&self.places);
        for ((beside, place), _) in values.zip(written).filter(|(_, was_written)| **was_written) {
            all[*place] = true;
            besides.push(beside);
        }
        (besides, all)
    }
}

/// Gives the leases of entries back.
fn release<S, K>(storage: &S, entries: &[Entry<K>], tokens: &[LeaseToken])
where
    S: StorageBase<Vec<u8>>,
    K: RingKey,
{
    let Some(leases) = storage.leases() else { return };
    for ((key, ..), token) in entries.iter().zip(tokens) {
        leases.release(&EncodedKey::of(key), *token);
    }
}

/// The versions of tags, and the life that they get.
fn versions<'k, K: ?Sized>(asked: &[Asked<'_>]) -> Vec<(Part<'k, K>, Duration)> {
    let tags = distinct(asked.iter().flat_map(|asked| asked.tags));
    tags.into_iter()
        .map(|tag| (Part::Tag(tag), life_of_versions()))
        .collect()
}

fn values_and_besides<'k, K: ?Sized>(keys: &[&'k K]) -> Vec<Part<'k, K>> {
    let values = keys.iter().map(|key| Part::Value(*key));
    values.chain(keys.iter().map(|key| Part::Beside(*key))).collect()
}

/// The renewals of entries that are there, of the entries beside them, and of the versions of their tags.
fn renewals<'k, K: ?Sized>(
    entries: &[(&'k K, Duration)],
    there: &[Found],
    asked: &[Asked<'_>],
) -> Vec<(Part<'k, K>, Duration)> {
    let there = entries.iter().zip(there).filter(|(_, found)| found.is_some());
    let mut renewals: Vec<_> = there
        .flat_map(|((key, expiry), _)| [(Part::Value(*key), *expiry), (Part::Beside(*key), *expiry)])
        .collect();
    if lengthens(entries.iter().map(|(_, expiry)| Some(*expiry))) {
        renewals.extend(versions(asked));
    }
    renewals
}

/// For each entry whether it was there and was renewed.
fn renewed(there: &[Found], renewed: Vec<bool>) -> Vec<bool> {
    let mut renewed = renewed.into_iter();
    let there = there.iter();
    there
        .map(|found| {
            found.is_some() && {
                let value = renewed.next().unwrap_or(false);
                renewed.next().unwrap_or(false) && value
            }
        })
        .collect()
}

/// The same tags, with other places for their versions: a renewal reads the versions to check an entry, and must not
/// replace the version that a call's value is made with.
fn beside<'a>(asked: &'a [Asked<'_>], seen: &'a [Seen]) -> impl Iterator<Item = Asked<'a>> {
    asked
        .iter()
        .zip(seen)
        .map(|(asked, seen)| Asked::new(asked.tags, seen))
}

fn unseen(count: usize) -> Vec<Seen> {
    (0..count).map(|_| Seen::default()).collect()
}

/// Makes the version of a tag that has none, and returns it. If another call has made one since, that one counts: otherwise
/// the values of calls at the same time would have different versions, and all but one would be absent.
fn make<S>(storage: &S, tag: &Tag, until: Option<Instant>) -> Result<Option<Vec<u8>>, S::Error>
where
    S: HoldsBytes + Storage<Vec<u8>>,
{
    let (new, life) = (new_version(), life_of_new::<S>());
    if storage.flights().is_in_doubt(tag) {
        storage.set(tag, new.clone(), life)?;
    } else if !storage.write_if_absent(tag, new.clone(), life, until)? {
        let found = storage.read(tag, until)?;
        return Ok(found.filter(|_| !storage.flights().is_in_doubt(tag)));
    }
    Ok(Some(new))
}

/// [`make`], awaited.
async fn make_awaited<S>(storage: &S, tag: &Tag, until: Option<Instant>) -> Result<Option<Vec<u8>>, S::Error>
where
    S: HoldsBytes + AsyncStorage<Vec<u8>>,
{
    let (new, life) = (new_version(), life_of_new::<S>());
    if storage.flights().is_in_doubt(tag) {
        storage.set(tag, new.clone(), life).await?;
    } else if !storage.write_if_absent(tag, new.clone(), life, until).await? {
        let found = storage.read(tag, until).await?;
        return Ok(found.filter(|_| !storage.flights().is_in_doubt(tag)));
    }
    Ok(Some(new))
}

/// Makes missing versions, and extends the lives of those that end early.
fn complete<S>(storage: &S, versions: &mut [Version], until: Option<Instant>) -> Result<(), S::Error>
where
    S: HoldsBytes + Storage<Vec<u8>>,
{
    for version in versions {
        if version.bytes.is_none() {
            version.bytes = make(storage, &version.tag, until)?;
        } else if version.ends_early {
            storage.renew(&version.tag, life_of_versions(), until)?;
        }
    }
    Ok(())
}

/// [`complete`], awaited.
async fn complete_awaited<S>(
    storage: &S,
    versions: &mut [Version],
    until: Option<Instant>,
) -> Result<(), S::Error>
where
    S: HoldsBytes + AsyncStorage<Vec<u8>>,
{
    for version in versions {
        if version.bytes.is_none() {
            // Boxed, as it is rare and deep: the compiler limits how deep futures are nested.
            version.bytes = Box::pin(make_awaited(storage, &version.tag, until)).await?;
        } else if version.ends_early {
            storage.renew(&version.tag, life_of_versions(), until).await?;
        }
    }
    Ok(())
}

impl<S: HoldsBytes + Storage<Vec<u8>>> Tags<Vec<u8>> for S {
    fn read_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[(&K, Asked<'_>)],
        until: Option<Instant>,
    ) -> Result<Vec<Found>, Self::Error> {
        let inquiry = Inquiry::new(keys);
        let found = self.read_many_expiring(&inquiry.parts(), until)?;
        let (entries, mut versions) = inquiry.split(self, found);
        complete(self, &mut versions, until)?;
        Ok(inquiry.judge(entries, &versions))
    }

    fn see_tagged(&self, asked: &[Asked<'_>], until: Option<Instant>) -> Result<(), Self::Error> {
        let tags = distinct(asked.iter().flat_map(|asked| asked.tags));
        let found = self.read_many_expiring(&tags, until)?;
        let mut versions = Version::all(self, &tags, found);
        complete(self, &mut versions, until)?;
        see_all(asked, &versions);
        Ok(())
    }

    fn write_tagged<K: RingKey>(
        &self,
        entries: Vec<Entry<K>>,
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<(), Self::Error> {
        let mut writes = Writes::new(&entries, asked);
        let versions = mem::take(&mut writes.versions);
        let (entries, removed) = writes.into_plain();
        if !removed.is_empty() {
            self.remove_many(&removed, until)?;
        }
        if !entries.is_empty() {
            self.write_many(entries, until)?;
        }
        if S::EXPIRES && !versions.is_empty() {
            // If this fails, the entries are absent sooner.
            let _ = self.renew_many(&versions, until);
        }
        Ok(())
    }

    fn write_leased_tagged<K: RingKey>(
        &self,
        entries: Vec<LeasedEntry<K>>,
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let (entries, tokens) = without_tokens(entries);
        let mut writes = Writes::new(&entries, asked);
        // The lease is kept until both are there: until then others can neither read the new entry nor get the lease.
        let written = self.write_leased(writes.take_leased(&tokens), AfterWrite::KeepLease, until)?;
        let (besides, written) = writes.written(&written);
        if !besides.is_empty() {
            self.write_many(besides, until)?;
        }
        release(self, &entries, &tokens);
        if S::EXPIRES && !writes.versions.is_empty() {
            // If this fails, the entries are absent sooner.
            let _ = self.renew_many(&writes.versions, until);
        }
        Ok(written)
    }

    fn remove_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[&K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let mut removed = self.remove_many(&values_and_besides(keys), until)?;
        removed.truncate(keys.len());
        Ok(removed)
    }

    fn renew_tagged<K: RingKey + ?Sized>(
        &self,
        entries: &[(&K, Duration)],
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let seen = unseen(entries.len());
        let questions = entries.iter().map(|(key, _)| *key).zip(beside(asked, &seen));
        let there = self.read_tagged(&questions.collect::<Vec<_>>(), until)?;
        if there.iter().all(Option::is_none) {
            return Ok(vec![false; there.len()]);
        }
        let answers = self.renew_many(&renewals(entries, &there, asked), until)?;
        Ok(renewed(&there, answers))
    }
}

impl<S: HoldsBytes + AsyncStorage<Vec<u8>>> AsyncTags<Vec<u8>> for S {
    async fn read_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[(&K, Asked<'_>)],
        until: Option<Instant>,
    ) -> Result<Vec<Found>, Self::Error> {
        let inquiry = Inquiry::new(keys);
        let found = self.read_many_expiring(&inquiry.parts(), until).await?;
        let (entries, mut versions) = inquiry.split(self, found);
        complete_awaited(self, &mut versions, until).await?;
        Ok(inquiry.judge(entries, &versions))
    }

    async fn see_tagged(&self, asked: &[Asked<'_>], until: Option<Instant>) -> Result<(), Self::Error> {
        let tags = distinct(asked.iter().flat_map(|asked| asked.tags));
        let found = self.read_many_expiring(&tags, until).await?;
        let mut versions = Version::all(self, &tags, found);
        complete_awaited(self, &mut versions, until).await?;
        see_all(asked, &versions);
        Ok(())
    }

    async fn write_tagged<K: RingKey>(
        &self,
        entries: Vec<Entry<K>>,
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<(), Self::Error> {
        let mut writes = Writes::new(&entries, asked);
        let versions = mem::take(&mut writes.versions);
        let (entries, removed) = writes.into_plain();
        if !removed.is_empty() {
            self.remove_many(&removed, until).await?;
        }
        if !entries.is_empty() {
            self.write_many(entries, until).await?;
        }
        if S::EXPIRES && !versions.is_empty() {
            // If this fails, the entries are absent sooner.
            let _ = self.renew_many(&versions, until).await;
        }
        Ok(())
    }

    async fn write_leased_tagged<K: RingKey>(
        &self,
        entries: Vec<LeasedEntry<K>>,
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let (entries, tokens) = without_tokens(entries);
        let mut writes = Writes::new(&entries, asked);
        // The lease is kept until both are there: until then others can neither read the new entry nor get the lease.
        let written = self
            .write_leased(writes.take_leased(&tokens), AfterWrite::KeepLease, until)
            .await?;
        let (besides, written) = writes.written(&written);
        if !besides.is_empty() {
            self.write_many(besides, until).await?;
        }
        release(self, &entries, &tokens);
        if S::EXPIRES && !writes.versions.is_empty() {
            // If this fails, the entries are absent sooner.
            let _ = self.renew_many(&writes.versions, until).await;
        }
        Ok(written)
    }

    async fn remove_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[&K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let mut removed = self.remove_many(&values_and_besides(keys), until).await?;
        removed.truncate(keys.len());
        Ok(removed)
    }

    async fn renew_tagged<K: RingKey + ?Sized>(
        &self,
        entries: &[(&K, Duration)],
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let seen = unseen(entries.len());
        let questions = entries.iter().map(|(key, _)| *key).zip(beside(asked, &seen));
        let there = self.read_tagged(&questions.collect::<Vec<_>>(), until).await?;
        if there.iter().all(Option::is_none) {
            return Ok(vec![false; there.len()]);
        }
        let answers = self.renew_many(&renewals(entries, &there, asked), until).await?;
        Ok(renewed(&there, answers))
    }
}

impl<S: HoldsBytes + Storage<Vec<u8>>> ForgetsTags for S {
    type Failure = S::Error;

    fn forget_tag(&self, tag: Tag) -> Result<(), S::Error> {
        self.delete(&tag).map(drop)
    }
}

impl<S: HoldsBytes + AsyncStorage<Vec<u8>>> AsyncForgetsTags for S {
    type Failure = S::Error;

    async fn forget_tag(&self, tag: Tag) -> Result<(), S::Error> {
        AsyncStorage::delete(self, &tag).await.map(drop)
    }
}
