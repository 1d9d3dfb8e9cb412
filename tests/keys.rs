//! The tests of keys, in a binary of their own that is quick to build: for `cargo mutants`. Every day they run as part of `it`.

#[path = "it"]
mod topics {
    mod key_golden;
    mod key_parser;
    mod key_text;
}
