//! The tests of keys, in a separate binary that builds fast: for `cargo mutants`. They also run as part of `it`.

#[path = "it"]
mod topics {
    mod key_golden;
    mod key_parser;
    mod key_text;
}
