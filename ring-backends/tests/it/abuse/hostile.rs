//! Keys that are hard to distinguish, or that look like commands, in all lengths around limits.

use std::collections::BTreeSet;
use std::path::PathBuf;

use ring_cache_core::Key;

use crate::random::Random;

/// Texts with a meaning in a server, a file, a key's text or a parser.
const ATOMS: [&str; 48] = [
    "k",
    ":",
    "%",
    "\r\n",
    "\0",
    " ",
    "\"",
    "'",
    "{",
    "}",
    "{}",
    "🔑",
    "\\",
    "%3A",
    "%25",
    "%",
    "é",
    "e\u{301}",
    "Å",
    "\u{212b}",
    "A\u{30a}",
    "a",
    "A",
    "\u{feff}",
    "\u{7f}",
    "\u{80}",
    "\u{202e}",
    "*",
    "?",
    "[",
    "]",
    "(",
    ")",
    ",",
    "=",
    "+",
    "/",
    "//",
    "/./",
    "../",
    "%~",
    "None",
    "\r\nflush_all\r\n",
    "*1\r\n$8\r\nFLUSHALL\r\n",
    "';DROP TABLE entries;--",
    "\n",
    "\t",
    "{same}",
];

/// Zero, the bounds of keys in memory (16 and 22 bytes), in memcached (250), in keys' lengths (255), of pages and 16 bits.
const LENGTHS: [usize; 17] = [
    1, 15, 16, 17, 22, 23, 24, 199, 249, 250, 251, 254, 255, 256, 512, 4096, 4097,
];
const LONG: [usize; 4] = [65_535, 65_536, 65_537, 1 << 20];

/// Keys in every run.
const FIXED: [&str; 36] = [
    "", " ", "  ", "\n", "\r", "\r\n", "\0", "\0\0", "%", "%25", "%2525", ":", "%3A", "%3a", "%253A", "::",
    "a:b", "a%3Ab", "a%3A%62", "a", "A", "a ", " a", "a\n", "a\0", "'a'", "\"a\"", "{a}", "{}{a}", "{}a",
    "{a}b", "é", "e\u{301}", "[1]", "()", "..",
];

/// The number of keys of each kind, and the seed.
pub(super) struct Extent {
    pub(super) count: usize,
    pub(super) seed: u64,
}

impl Extent {
    /// By `RING_CACHE_KEYS` and `RING_CACHE_SEED`.
    pub(super) fn asked_for() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse().ok());
        Extent {
            count: number("RING_CACHE_KEYS").unwrap_or(150) as usize,
            seed: number("RING_CACHE_SEED").unwrap_or(7),
        }
    }

    /// Whether all kinds of keys reach their full length.
    fn is_large(&self) -> bool {
        self.count >= 1000
    }
}

pub(super) struct Hostile {
    pub(super) texts: Vec<String>,
    pub(super) pairs: Vec<(String, String)>,
    pub(super) bytes: Vec<Vec<u8>>,
    pub(super) paths: Vec<PathBuf>,
}

impl Hostile {
    /// `imitations` look like stored keys.
    pub(super) fn new(extent: &Extent, imitations: impl IntoIterator<Item = String>) -> Self {
        let mut random = Random::seeded(extent.seed);
        let mut texts: BTreeSet<String> = FIXED.map(str::to_owned).into();
        texts.extend(imitations);
        texts.extend(sized(extent));
        let mut known: Vec<String> = texts.iter().cloned().collect();
        while texts.len() < extent.count {
            let text = near(&known, &mut random);
            if texts.insert(text.clone()) {
                known.push(text);
            }
        }
        let bytes = bytes(&texts, extent);
        Hostile {
            pairs: pairs(&texts, extent, &mut random).into_iter().collect(),
            paths: bytes.iter().filter_map(|bytes| path(bytes)).collect(),
            bytes: bytes.into_iter().collect(),
            texts: texts.into_iter().collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len() + self.pairs.len() + self.bytes.len() + self.paths.len()
    }
}

/// Texts of exactly these lengths, and for each another one that differs in the last byte.
fn sized(extent: &Extent) -> Vec<String> {
    let of = |atom: &str, length: usize| {
        let mut text = atom.repeat(length / atom.len());
        text.push_str(&"x".repeat(length - text.len()));
        text
    };
    let mut all = Vec::new();
    let atoms = if extent.is_large() { ATOMS.len() } else { 2 };
    for (turn, length) in LENGTHS.into_iter().enumerate() {
        for atom in 0..atoms {
            let text = of(ATOMS[(turn * 7 + atom) % ATOMS.len()], length);
            let mut other = text.clone();
            other.pop();
            other.push('\u{1}');
            all.extend([text, other]);
        }
    }
    for length in LONG {
        let atoms = if extent.is_large() {
            &["k", ":", "\r\n", "\0"][..]
        } else {
            &["k"]
        };
        all.extend(atoms.iter().map(|atom| of(atom, length)));
    }
    all
}

/// A text similar to one of these, or made of atoms.
fn near(known: &[String], random: &mut Random) -> String {
    let mut choose = |all: &[&str]| all[random.below(all.len() as u64) as usize].to_owned();
    let atoms = [choose(&ATOMS), choose(&ATOMS), choose(&ATOMS)].concat();
    let text = &known[random.below(known.len() as u64) as usize];
    if text.len() > 1000 {
        return atoms;
    }
    match random.below(10) {
        0 => format!("{text} "),
        1 => format!("{text}{atoms}"),
        2 => format!("{atoms}{text}"),
        3 => text.to_uppercase(),
        4 => Key::of(&text).to_string(),
        5 => Key::of(&[text]).to_string(),
        6 => text.chars().skip(1).collect(),
        7 => text.chars().rev().collect(),
        8 => format!("{text}\0"),
        _ => atoms,
    }
}

/// Pairs of texts: one text, split at several places.
fn pairs(texts: &BTreeSet<String>, extent: &Extent, random: &mut Random) -> BTreeSet<(String, String)> {
    let short = |text: &&String| extent.is_large() || text.len() <= 512;
    let mut pairs = BTreeSet::new();
    for text in texts.iter().filter(short) {
        let mut places = vec![0, text.len(), random.below(text.len() as u64 + 1) as usize];
        places.extend(text.find(':').into_iter().flat_map(|colon| [colon, colon + 1]));
        for place in places.into_iter().filter(|place| text.is_char_boundary(*place)) {
            pairs.insert((text[..place].to_owned(), text[place..].to_owned()));
            // The separator of parts, inside one part.
            pairs.insert((text[..place].to_owned(), format!(":{}", &text[place..])));
        }
        if pairs.len() >= extent.count {
            break;
        }
    }
    pairs
}

/// The texts as bytes, and bytes that are not text.
fn bytes(texts: &BTreeSet<String>, extent: &Extent) -> BTreeSet<Vec<u8>> {
    let short = |text: &&String| extent.is_large() || text.len() <= 512;
    let mut all = BTreeSet::new();
    for text in texts.iter().filter(short) {
        let text = text.as_bytes();
        all.insert(text.to_vec());
        all.insert([text, b"\xff"].concat());
        all.insert([b"\xc3", text].concat());
        all.insert(text[..text.len() / 2].to_vec());
        if all.len() >= extent.count {
            break;
        }
    }
    all
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}
