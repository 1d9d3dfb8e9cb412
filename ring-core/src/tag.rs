//! Tags: names of groups of entries, which are forgotten together.
//!
//! A tag has a version, a number that changes when the tag is forgotten. An entry of a ring with `tags` is stored with
//! the versions that its tags had before its value was computed, and counts as absent once one of them has changed. So
//! nothing is listed or searched, and a computation that began before is outdated as well.
//!
//! The versions for storages in memory lie here, for all of the process. A storage that is shared keeps those of its
//! own entries: see [`tagged`](crate::storage).

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::error::Failure;
use crate::key::{KeyPart, KeyWriter, Name, RingKey, key_text};
use crate::sync::lasting::{AtomicU64, OnceLock, Ordering};

/// The name of a group of entries: see [`tag`].
///
/// Two tags are equal if their names have one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(u128);

/// The tag of this name: the entries of all calls for which `#[ring(tags(..))]` names it.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// let id = 7;
/// assert_eq!(ring_cache::tag("team:7"), ring_cache::tag(format!("team:{id}")));
/// ring_cache::tag("team:7").forget();
/// ```
pub fn tag<K: RingKey>(name: K) -> Tag {
    Tag::of(&name)
}

impl Tag {
    /// [`tag`], by reference. A tag names itself.
    pub fn of<K: RingKey + ?Sized>(name: &K) -> Tag {
        Tag::of_text(&key_text(name))
    }

    fn of_text(text: &str) -> Tag {
        if let Some(tag) = tag_of_stored_key(text) {
            return tag;
        }
        let mut hasher = SipHasher13::new();
        hasher.write(text.as_bytes());
        Tag(hasher.finish128().as_u128())
    }

    /// The tag of a ring, of which each change of an entry is a change.
    pub(crate) fn of_any(ring: &Name) -> Tag {
        Tag::of_text(&format!("{ring}:?"))
    }

    /// The tag of a ring, which changes when the whole ring is cleared.
    pub(crate) fn of_all(ring: &Name) -> Tag {
        Tag::of_text(&format!("{ring}:*"))
    }

    /// Forgets the entries with this tag in the memory of this process: in each [`Lru`](crate::Lru), each
    /// [`Map`](crate::Map) and the near tiers. Calls that begin later recompute.
    ///
    /// All tags share 65,536 counters: an entry of another tag may be forgotten as well.
    ///
    /// ```
    /// # use ring_cache_core as ring_cache;
    /// ring_cache::tag("team").forget();
    /// ```
    pub fn forget(self) {
        let table = table();
        let number = FORGETS.fetch_add(1, Ordering::SeqCst) + 1;
        self.place(table).fetch_max(number, Ordering::SeqCst);
    }

    /// Forgets the entries with this tag in a shared storage, for all processes. In memory it equals
    /// [`forget`](Self::forget).
    ///
    /// # Errors
    ///
    /// If the storage fails, for storages that can.
    ///
    /// ```
    /// # use ring_cache_core as ring_cache;
    /// let storage = ring_cache::Lru::<u32>::new(100);
    /// ring_cache::tag("team").forget_in(&storage);
    /// ```
    pub fn forget_in<S: ForgetsTags>(self, storage: &S) -> <S::Failure as Failure>::Outcome<()> {
        Failure::outcome(storage.forget_tag(self), "")
    }

    /// [`forget_in`](Self::forget_in), awaited.
    ///
    /// # Errors
    ///
    /// If the storage fails, for storages that can.
    pub async fn forget_in_awaited<S>(self, storage: &S) -> <S::Failure as Failure>::Outcome<()>
    where
        S: AsyncForgetsTags,
    {
        Failure::outcome(storage.forget_tag(self).await, "")
    }

    /// The bytes that stand for this tag in what is stored.
    #[doc(hidden)]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// The tag of these [bytes](Self::to_bytes).
    #[doc(hidden)]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Tag(u128::from_le_bytes(bytes))
    }

    fn place(self, table: &[AtomicU64]) -> &AtomicU64 {
        &table[self.0 as usize % table.len()]
    }
}

/// A storage in which a tag can be forgotten: see [`Tag::forget_in`].
#[diagnostic::on_unimplemented(
    message = "tags cannot be forgotten in `{Self}` by a call that blocks",
    note = "a storage that is awaited: `tag.forget_in_awaited(&storage).await`"
)]
pub trait ForgetsTags {
    /// The error of the storage.
    type Failure: Failure;

    /// Forgets the entries with this tag.
    ///
    /// # Errors
    ///
    /// If the storage fails.
    fn forget_tag(&self, tag: Tag) -> Result<(), Self::Failure>;
}

/// [`ForgetsTags`], awaited.
#[diagnostic::on_unimplemented(message = "tags cannot be forgotten in `{Self}` by a call that is awaited")]
#[allow(async_fn_in_trait)]
pub trait AsyncForgetsTags {
    /// The error of the storage.
    type Failure: Failure;

    /// Forgets the entries with this tag.
    ///
    /// # Errors
    ///
    /// If the storage fails.
    async fn forget_tag(&self, tag: Tag) -> Result<(), Self::Failure>;
}

/// The name of a tag, made of texts and values.
#[derive(Debug, Default)]
pub struct TagText(String);

impl TagText {
    /// A text.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.0.push_str(&key_text(text));
        self
    }

    /// A value.
    #[must_use]
    pub fn value<P: KeyPart>(mut self, value: P) -> Self {
        let text = key_text(&Segment(value));
        self.0.push_str(text.strip_prefix(':').unwrap_or(&text));
        self
    }

    /// The tag of this name.
    pub fn tag(self) -> Tag {
        Tag::of_text(&self.0)
    }
}

/// A single value.
struct Segment<P>(P);

impl<P: KeyPart> RingKey for Segment<P> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        self.0.segment(key);
    }
}

/// Its entry in a shared storage, which contains its version.
impl RingKey for Tag {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.ring(ring_of_tags());
        key.begin_segment();
        key.word(&format!("{:032x}", self.0));
        key.end_segment();
    }
}

/// The prefix of tags' keys.
const PREFIX: &str = "ring-tag";

fn ring_of_tags() -> &'static Name {
    static NAME: OnceLock<&'static Name> = OnceLock::new();
    NAME.get_or_init(|| Name::chosen(PREFIX))
}

/// The tag whose version has this text as its key in a shared storage.
#[doc(hidden)]
pub fn tag_of_stored_key(text: &str) -> Option<Tag> {
    let digest = text.strip_prefix(PREFIX)?.strip_prefix(':')?;
    u128::from_str_radix(digest, 16).ok().map(Tag)
}

/// The number of counters. Tags share them, so the table needs no bound on the number of tags.
const COUNTERS: usize = 1 << 16;

/// How often any tag was forgotten.
static FORGETS: AtomicU64 = AtomicU64::new(0);

/// The number of the last `forget` of each counter's tags, among [all](FORGETS). Allocated by the first one.
static FORGOTTEN: OnceLock<Box<[AtomicU64]>> = OnceLock::new();

fn table() -> &'static [AtomicU64] {
    FORGOTTEN.get_or_init(|| (0..COUNTERS).map(|_| AtomicU64::new(0)).collect())
}

/// The version of these tags in memory: never zero. It changes when one of them is forgotten: counters never decrease, so
/// their sum is unchanged only if each of them is.
#[inline]
pub(crate) fn version_in_memory(tags: &[Tag]) -> u64 {
    let Some(table) = FORGOTTEN.get() else {
        return 1;
    };
    let forgotten = tags.iter().map(|tag| tag.place(table).load(Ordering::SeqCst));
    1 + forgotten.sum::<u64>()
}

/// A moment in this process. Later it tells whether a tag has been forgotten since: for computations whose tags are known
/// only with their result.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Moment(u64);

impl Moment {
    /// Now.
    pub fn now() -> Self {
        Moment(FORGETS.load(Ordering::SeqCst))
    }

    /// The version in memory that these tags had at this moment and still have; `None` if one was forgotten since.
    pub fn version_of(self, tags: &[Tag]) -> Option<u64> {
        let Some(table) = FORGOTTEN.get() else {
            return Some(1);
        };
        tags.iter().try_fold(1, |version, tag| {
            let last = tag.place(table).load(Ordering::SeqCst);
            (last <= self.0).then_some(version + last)
        })
    }
}

/// A digest that is equal in all processes. It prevents accidental collisions, not malicious ones.
pub(crate) fn digest<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> u64 {
    let mut hasher = siphasher::sip::SipHasher13::new();
    for part in parts {
        hasher.write(&(part.len() as u64).to_le_bytes());
        hasher.write(part);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::EncodedKey;

    #[test]
    fn a_tag_is_its_text() {
        assert_eq!(tag("team"), tag(String::from("team")));
        assert_eq!(tag(7_u32), tag("7"));
        assert_ne!(tag("team"), tag("teams"));
        assert_eq!(tag(tag("team")), tag("team"));
    }

    #[test]
    fn the_version_of_tags_changes_with_each_of_them() {
        let tags = [tag("version 1"), tag("version 2")];
        let mut versions = vec![version_in_memory(&tags)];
        for forgotten in [0, 0, 1, 0, 1, 1] {
            tags[forgotten].forget();
            versions.push(version_in_memory(&tags));
        }
        let mut distinct = versions.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct, versions, "each is higher than the one before");
        assert!(!versions.contains(&0));
    }

    #[test]
    fn a_moment_tells_whether_a_tag_was_forgotten_since() {
        let tags = [tag("moment 1"), tag("moment 2")];
        let begin = Moment::now();
        assert_eq!(begin.version_of(&tags), Some(version_in_memory(&tags)));
        assert!(begin.version_of(&[]).is_some());
        tags[1].forget();
        assert_eq!(begin.version_of(&tags), None);
        assert!(begin.version_of(&tags[..1]).is_some(), "another one");
        let later = Moment::now();
        assert_eq!(later.version_of(&tags), Some(version_in_memory(&tags)));
    }

    #[test]
    fn a_tag_comes_back_from_its_bytes() {
        assert_eq!(Tag::from_bytes(tag("team").to_bytes()), tag("team"));
    }

    #[test]
    fn the_key_of_a_version_says_the_tag() {
        let team = tag("team");
        assert_eq!(tag_of_stored_key(&key_text(&team)), Some(team));
        assert_eq!(tag_of_stored_key(&key_text(&EncodedKey::of(&team))), Some(team));
        assert_eq!(tag_of_stored_key("ring-tag:team"), None);
        assert_eq!(tag_of_stored_key("users:7"), None);
    }

    /// Processes of different builds share storages.
    #[test]
    fn the_digest_of_a_name_is_the_same_for_ever() {
        assert_eq!(
            key_text(&tag("team")),
            "ring-tag:032d4732e286f407d0fc654c1c951099"
        );
        assert_eq!(digest([&b"team"[..], b"7"]), 15_482_589_436_478_005_235);
    }
}
