//! The derived types of the tests and the parser that reads their keys back; here the values come from the fuzzer.

#[path = "../tests/it/key_parser/parser.rs"]
pub(crate) mod parser;
#[path = "../tests/it/key_parser/schema.rs"]
pub(crate) mod schema;
#[path = "../tests/it/key_parser/typed.rs"]
pub(crate) mod typed;

use arbitrary::{Arbitrary, Result, Unstructured};
use ring_cache::{Key, RingKey};

use typed::{Account, Owner, Page};

/// The text of a key.
pub(crate) fn text<K: RingKey + ?Sized>(key: &K) -> String {
    Key::of(key).to_string()
}

impl<'a> Arbitrary<'a> for Account {
    fn arbitrary(data: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Account {
            id: data.arbitrary()?,
            owner: owner(data, 3)?,
            tags: data.arbitrary()?,
            note: data.arbitrary()?,
            balance: data.arbitrary()?,
            page: Page {
                url: data.arbitrary()?,
            },
            raw: data.arbitrary()?,
            _cached: (),
        })
    }
}

/// The schema of the tests knows trustees down to this depth.
fn owner(data: &mut Unstructured<'_>, depth: u8) -> Result<Owner> {
    let variants = if depth > 0 { 3 } else { 2 };
    Ok(match data.int_in_range(0..=variants)? {
        0 => Owner::Nobody,
        1 => Owner::Person(data.arbitrary()?),
        2 => Owner::Company {
            name: data.arbitrary()?,
            number: data.arbitrary()?,
        },
        _ => Owner::Trustee(Box::new(owner(data, depth - 1)?), data.arbitrary()?),
    })
}
