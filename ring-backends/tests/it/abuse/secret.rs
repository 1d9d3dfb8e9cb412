//! A secret text, and a search for it.

use std::error::Error as _;
use std::fmt::Debug;
use std::panic;
use std::sync::{Mutex, Once};

use ring_cache_core::Error;

/// It needs no escape in an address.
pub(super) const SECRET: &str = "s3ntinel-Zq9";

/// The same, with every byte as an escape.
pub(super) fn escaped() -> String {
    SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = |three: &[u8]| {
        let number = three
            .iter()
            .fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[(number >> shift) as usize & 63]))
    };
    bytes.chunks_exact(3).flat_map(letters).collect()
}

/// Its forms: a piece of it, as text, escaped, as a list of bytes, in hexadecimal or in base64 at any offset.
fn forms() -> Vec<String> {
    let bytes = SECRET.as_bytes();
    let mut forms = vec![
        "s3ntinel".to_owned(),
        "zq9".to_owned(),
        "%73%33%6e%74".to_owned(),
        bytes[..4]
            .iter()
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        bytes[..4].iter().map(u8::to_string).collect::<Vec<_>>().join(","),
        bytes[..4].iter().map(|byte| format!("{byte:02x}")).collect(),
        "0x73, 0x33".to_owned(),
    ];
    forms.extend((0..3).map(|start| base64(&bytes[start..start + 9]).to_lowercase()));
    forms
}

/// Fails if the secret is shown. The failure does not show it, since panics are checked as well.
pub(super) fn assert_redacted(shown: &str) {
    let mut hidden = shown.to_lowercase();
    for form in forms() {
        hidden = hidden.replace(&form, "[SECRET]");
    }
    assert!(!hidden.contains("[SECRET]"), "{hidden}");
}

pub(super) fn assert_debug_redacted(shown: &dyn Debug) {
    assert_redacted(&format!("{shown:?} {shown:#?}"));
}

/// Checks everything that an error shows.
pub(super) fn assert_error_redacted(error: &Error) {
    assert_redacted(&format!("{error} {error:#} {error:?} {error:#?}"));
    let mut source = error.source();
    while let Some(cause) = source {
        assert_redacted(&format!("{cause} {cause:#} {cause:?} {cause:#?}"));
        source = cause.source();
    }
}

static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on checks the messages of all panics, on any thread.
pub(super) fn watch_panics() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        let shown = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let message = info.to_string().to_lowercase();
            if forms().iter().any(|form| message.contains(form)) {
                PANICS
                    .lock()
                    .unwrap_or_else(|error| error.into_inner())
                    .push(message);
            }
            shown(info);
        }));
    });
}

pub(super) fn assert_no_panic_showed_it() {
    assert!(PANICS.lock().unwrap().is_empty());
}

#[test]
#[should_panic(expected = "error: [SECRET]")]
fn a_shown_secret_is_found() {
    assert_error_redacted(&Error::storage("none", "get", format!("error: {SECRET}")));
}

#[test]
fn all_forms_are_found() {
    let bytes = SECRET.as_bytes();
    let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    let basic: Vec<_> = ["", "u", "user:"]
        .map(|user| base64(format!("{user}{SECRET}==").as_bytes()))
        .into();
    let all = [
        SECRET.to_owned(),
        escaped(),
        format!("{bytes:?}"),
        format!("{bytes:#x?}").replace("\n   ", ""),
        hexadecimal,
    ];
    for shown in all.iter().chain(&basic) {
        assert!(panic::catch_unwind(|| assert_redacted(shown)).is_err());
    }
}
