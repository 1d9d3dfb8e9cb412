//! Names of rings: the first part of every key.
//!
//! A name is interned for ever, so that a key in memory holds a small number instead. Two rings with one `key_prefix` have
//! one name and are one ring. Of two rings with one name by chance, one is numbered, or refused if its keys may reach other
//! processes.

use std::any::TypeId;
use std::fmt;

use hashbrown::HashMap;

use super::escape::escaped_word;
use super::seed::HashSeed;
use super::typename::TypeName;
use crate::sync::lasting::{AtomicBool, Ordering, RwLock};

/// The name of a ring.
///
/// It displays as the text that its keys begin with. Names are equal when their texts are.
pub struct Name {
    id: u32,
    item: [u8; 4],
    seed: HashSeed,
    text: Box<str>,
    /// Whether it is numbered because a ring of stored keys has its text.
    taken: bool,
    /// Whether the computations of its ring have leases.
    leased: AtomicBool,
}

impl Name {
    /// The upper limit of numbers: one bit is free where keys are encoded.
    const NUMBERS: u32 = 1 << 31;

    /// A name chosen by the user: `key_prefix`. `:` separates, as in the original; everything unprintable is escaped.
    pub fn chosen(prefix: &str) -> &'static Name {
        Interner::with(|names| names.intern(chosen_text(prefix), false))
    }

    /// A name chosen by the user, followed by the type arguments of one instantiation, or the type of a class. A type
    /// without a stable name is identified by the ring's `site`, within this process.
    pub(crate) fn chosen_generic(prefix: &str, more: &TypeName, site: TypeId) -> &'static Name {
        let text = chosen_text(prefix) + more.as_str();
        Interner::with(|names| {
            if more.is_unnamed() {
                let number = Number {
                    wanted: true,
                    taken: false,
                };
                names.intern_at(text, number, site)
            } else {
                names.intern(text, false)
            }
        })
    }

    /// The full name of the ring at `site`, a type that no other ring has. `shared`: keys may reach other processes.
    ///
    /// Rings that differ only by their position in one function body have one full name: the first to be used gets it, the
    /// others get it with a number.
    ///
    /// A number is not the same in all processes, so a ring with a number does not use a storage that is `shared`.
    /// `key_prefix` gives it a name of its own.
    pub(crate) fn full(name: &TypeName, site: TypeId, shared: bool) -> &'static Name {
        Interner::with(|names| {
            let taken = names.by_text.contains_key(name.as_str());
            let number = Number {
                wanted: name.is_unnamed() || taken,
                taken: taken && shared,
            };
            names.intern_at(name.as_str().to_owned(), number, site)
        })
    }

    /// This name with a version.
    pub(crate) fn versioned(&self, version: &str) -> &'static Name {
        Interner::with(|names| names.intern(format!("{self}@{version}"), self.taken))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is numbered because another ring has its text.
    pub(crate) fn is_taken(&self) -> bool {
        self.taken
    }

    /// Whether the computations of its ring have leases.
    pub fn is_leased(&self) -> bool {
        self.leased.load(Ordering::Relaxed)
    }

    /// The computations of its ring have leases.
    pub(crate) fn set_leased(&self) {
        self.leased.store(true, Ordering::Relaxed);
    }

    /// The unique number of this name in this process.
    #[inline]
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// The first bytes of its ring's keys.
    #[inline]
    pub(crate) fn item(&self) -> [u8; 4] {
        self.item
    }

    /// The seed of its ring's hashes.
    #[inline]
    pub(crate) fn seed(&self) -> &HashSeed {
        &self.seed
    }

    /// The name with this number.
    pub(crate) fn of_id(id: u32) -> &'static Name {
        INTERNER
            .read()
            .as_ref()
            .and_then(|names| names.all.get(id as usize))
            .map_or_else(
                || unreachable!("ring number {id} was never given out"),
                |name| *name,
            )
    }
}

/// The first bytes of a ring's keys, from its number. No tag has the highest bit.
fn ring_item(number: u32) -> [u8; 4] {
    (RING | number).to_be_bytes()
}

/// The number of the ring whose keys begin with these bytes.
#[inline]
pub(crate) fn ring_number(bytes: &[u8]) -> Option<u32> {
    let item = u32::from_be_bytes(*bytes.first_chunk()?);
    (item & RING != 0).then_some(item & !RING)
}

const RING: u32 = 1 << 31;

fn chosen_text(prefix: &str) -> String {
    let segments: Vec<String> = prefix.split(':').map(printable).collect();
    segments.join(":")
}

fn printable(text: &str) -> String {
    let mut printable = String::new();
    for character in text.chars() {
        if character.is_ascii_graphic() && character != '%' {
            printable.push(character);
        } else {
            printable.push_str(&escaped_word(character.encode_utf8(&mut [0; 4])));
        }
    }
    printable
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Name").field(&self.text).finish()
    }
}

static INTERNER: RwLock<Option<Interner>> = RwLock::new(None);

/// All names of the process. Their number is bounded by the program's text: one a ring and instantiation.
#[derive(Default)]
struct Interner {
    all: Vec<&'static Name>,
    by_text: HashMap<&'static str, &'static Name>,
    by_site: HashMap<TypeId, &'static Name>,
}

impl Interner {
    fn with<T>(run: impl FnOnce(&mut Interner) -> T) -> T {
        run(INTERNER.write().get_or_insert_with(Interner::default))
    }

    /// The name of the ring at `site`. An ambiguous text is numbered: unique in this process, which suffices for a memory
    /// storage.
    fn intern_at(&mut self, mut text: String, number: Number, site: TypeId) -> &'static Name {
        if let Some(known) = self.by_site.get(&site) {
            return known;
        }
        if number.wanted {
            text = format!("{text}#{}", self.all.len());
        }
        let known = self.intern(text, number.taken);
        self.by_site.insert(site, known);
        known
    }

    fn intern(&mut self, text: String, taken: bool) -> &'static Name {
        if let Some(name) = self.by_text.get(text.as_str()) {
            return name;
        }
        let id = u32::try_from(self.all.len())
            .ok()
            .filter(|id| *id < Name::NUMBERS);
        let id = id.expect("fewer than 2^31 rings");
        let name: &'static Name = Box::leak(Box::new(Name {
            id,
            item: ring_item(id),
            seed: HashSeed::of_ring(),
            text: text.into_boxed_str(),
            taken,
            leased: AtomicBool::new(false),
        }));
        self.all.push(name);
        self.by_text.insert(name.as_str(), name);
        name
    }
}

/// Whether a name is numbered.
#[derive(Clone, Copy)]
struct Number {
    wanted: bool,
    /// Whether the text without the number is the name of a ring of stored keys.
    taken: bool,
}
