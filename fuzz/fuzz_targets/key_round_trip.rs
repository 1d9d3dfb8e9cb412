//! The text of a key gives the value back, and a recorded key reads as the key that it was made of.
#![no_main]

#[allow(dead_code, reason = "each target uses a part")]
#[path = "../keys.rs"]
mod keys;

use keys::parser::{parse, parse_call};
use keys::text;
use keys::typed::{Account, Shaped};
use libfuzzer_sys::fuzz_target;
use ring_cache::Name;
use ring_cache::key::{CallKey, EncodedKey};

fuzz_target!(|accounts: (Account, Account)| {
    let schema = Account::schema();
    let alone = text(&accounts.0);
    assert!(alone.bytes().all(|byte| byte.is_ascii_graphic()), "{alone}");
    assert_eq!(text(&EncodedKey::of(&accounts.0)), alone);
    let read = parse(&alone, &schema).map(Account::of);
    // `Debug` knows one NaN and two zeros, as keys do.
    assert_eq!(format!("{read:?}"), format!("{:?}", Some(&accounts.0)), "{alone}");

    let call = CallKey::new(Name::chosen("p"), &accounts);
    assert_eq!(text(&EncodedKey::of(&call)), text(&call));
    let read = parse_call(&text(&call), "p", &[&schema, &schema]);
    let read: Option<Vec<_>> = read.map(|values| values.into_iter().map(Account::of).collect());
    let written = Some([&accounts.0, &accounts.1]);
    assert_eq!(format!("{read:?}"), format!("{written:?}"), "{}", text(&call));
});
