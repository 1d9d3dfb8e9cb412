//! Behaviour, in the words of those who use it: one file a topic.

mod derive;
mod derive_errors;
mod key_golden;
mod key_parser;
mod key_text;
