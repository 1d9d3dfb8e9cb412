//! Golden keys: a new release finds the entries of older ones in remote storages.
//!
//! `tests/golden/keys.txt` has one line per key: a description, a tab, and the text. Changing a line is a breaking change:
//! every user starts with a cold cache, and programs in other languages find nothing. To change or add lines on purpose, run
//!
//! ```text
//! BLESS=1 cargo test --test it key_golden
//! ```
//!
//! and mention it in the changelog.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::path::Path;
use std::time::{Duration, SystemTime};

use ring_cache::key::{CallKey, Ignored, KeyParts};
use ring_cache::{Key, KeyWriter, Name, RingKey, TypeName};

#[derive(RingKey)]
#[ring_key(prefix = "page")]
struct Page {
    url: &'static str,
    #[ring_key(skip)]
    _visits: u64,
}

#[derive(RingKey)]
struct Id<T>(T);

#[derive(RingKey)]
struct User<'a, const N: usize> {
    id: Id<u64>,
    r#type: Option<&'a str>,
    #[ring_key(rename = "tags")]
    labels: [&'a str; N],
}

#[derive(RingKey)]
#[ring_key(prefix = "pt", name = "geometry.Point")]
struct Point(f64, f64);

#[derive(RingKey)]
struct Everything;

#[derive(RingKey)]
#[ring_key(prefix = "sort")]
enum Sort {
    Default,
    #[ring_key(rename = "by")]
    Field(&'static str),
    Range {
        from: i64,
        to: i64,
    },
}

#[derive(RingKey)]
#[ring_key(format = "{tenant}/{number}.pdf")]
struct Invoice {
    tenant: &'static str,
    number: u64,
}

/// An impl by hand.
struct Joined(u32, &'static str);

impl RingKey for Joined {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.word("joined");
        self.0.ring_key(key);
        key.label("text");
        self.1.ring_key(key);
    }
}

#[derive(Default)]
struct Golden(String);

impl Golden {
    fn line(&mut self, what: &str, text: &str) {
        writeln!(self.0, "{what}\t{text}").expect("a String takes everything");
    }

    fn value<K: RingKey + ?Sized>(&mut self, what: &str, key: &K) {
        self.line(what, Key::of(key).as_str());
    }

    fn call<P: KeyParts>(&mut self, what: &str, parts: &P) {
        self.value(what, &CallKey::new(Name::chosen("p"), parts));
    }

    fn type_name<K: RingKey + ?Sized>(&mut self, what: &str) {
        let mut name = TypeName::default();
        K::ring_name(&mut name);
        // The test binary does not matter.
        let here = module_path!().replace("::", ".");
        self.line(what, &name.to_string().replace(&here, "it.key_golden"));
    }
}

fn calls(golden: &mut Golden) {
    let page = || Page {
        url: "http://example.com",
        _visits: 3,
    };
    golden.call("call without arguments", &());
    golden.call("call with numbers", &(1, 2));
    golden.call("call with a list", &(&[1, 2, 3],));
    golden.call("call with strings", &("a:b", "c:d"));
    golden.call("call with self", &(page(),));
    golden.call("call with self and an argument", &(page(), 3));
    golden.call("call with an ignored argument", &(1, Ignored("trace")));
    golden.call(
        "call with a list of strings",
        &(vec!["it's", "a:b", "%", "ö"], true),
    );
}

fn values(golden: &mut Golden) {
    golden.value("string", "a b:'%'/ö\n");
    golden.value(
        "strings",
        &["a", "it's", "say \"hi\"", "both ' and \"", "back\\slash", "%:ö"],
    );
    golden.value("whole numbers", &(0, -1, u64::MAX, u128::MAX, i128::MIN));
    golden.value(
        "floats",
        &[
            0.0,
            -0.0,
            0.1,
            1.0,
            1e21,
            1e-7,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ],
    );
    golden.value("narrow floats", &[0.1_f32, 16_777_216.0]);
    golden.value("booleans and characters", &(true, false, 'a', 'ö'));
    golden.value("bytes", b"a\x00\xff".as_slice());
    golden.value("nested bytes", &(b"a'\x00\xff",));
    golden.value("options", &[None, Some(Some(1)), Some(None)]);
    golden.value("results", &[Ok("a"), Err(1)]);
    golden.value("tuples", &((), (1,), (1, "a", (2, 3))));
    golden.value("set", &HashSet::from([3, 1, 2, 300, -1]));
    golden.value("set of strings", &HashSet::from(["b", "aa", "a"]));
    golden.value("map", &HashMap::from([("b", 1), ("a", 2)]));
    golden.value("ordered map", &BTreeMap::from([(2, "b"), (1, "a")]));
    golden.value(
        "durations",
        &[
            Duration::ZERO,
            Duration::from_millis(1_050),
            Duration::from_secs(60),
        ],
    );
    golden.value("points in time", &SystemTime::UNIX_EPOCH);
    golden.value("address", &SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 1, 2));
    golden.value("path", Path::new("/srv/a b"));
}

fn types(golden: &mut Golden) {
    let user = User {
        id: Id(7),
        r#type: Some("admin"),
        labels: ["a", "b"],
    };
    golden.value("derived struct", &user);
    golden.value("derived tuple", &Point(1.0, -0.5));
    golden.value("derived unit", &Everything);
    golden.value("derived enum, unit", &Sort::Default);
    golden.value("derived enum, tuple", &Sort::Field("name"));
    golden.value("derived enum, named", &Sort::Range { from: -1, to: 1 });
    let invoice = |tenant| Invoice { tenant, number: 7 };
    golden.value("derived format", &invoice("acme"));
    golden.value("derived format, in a list", &[invoice("a'c"), invoice("a/%2F:ö")]);
    golden.call("call with a derived format", &(invoice("a/c:"), "a/c:"));
    golden.value("by hand", &Joined(1, "a"));
    golden.value("by hand, in a list", &[Joined(1, "a")]);
    golden.type_name::<User<'_, 2>>("name of a type");
    golden.type_name::<Id<Vec<Point>>>("name of a generic type");
    golden.type_name::<Id<(HashMap<String, [u8; 4]>, &str)>>("name of standard types");
}

#[test]
fn keys_are_what_they_were() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/keys.txt");
    let mut golden = Golden::default();
    calls(&mut golden);
    values(&mut golden);
    types(&mut golden);
    if std::env::var_os("BLESS").is_some() {
        return std::fs::write(&path, golden.0).expect("the golden file can be written");
    }
    let pinned = std::fs::read_to_string(&path).expect("the golden file can be read");
    let pinned = pinned.replace("\r\n", "\n");
    let difference = difference(&pinned, &golden.0);
    assert!(
        difference.is_empty(),
        "keys have changed (- pinned, + now):\n{difference}\nIf that is meant, see the top of key_golden.rs."
    );
}

/// The lines in only one of the texts.
fn difference(pinned: &str, now: &str) -> String {
    let only = |sign, these: &str, those: &str| -> String {
        let those: HashSet<_> = those.lines().collect();
        let lines = these.lines().filter(|line| !those.contains(line));
        lines.map(|line| format!("{sign} {line}\n")).collect()
    };
    only('-', pinned, now) + &only('+', now, pinned)
}
