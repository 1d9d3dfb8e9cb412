//! Attacks by chosen arguments, addresses and values: keys that imitate other keys or commands, and secrets that must not be
//! shown.

mod echo;
mod hostile;
mod keys;
mod passwords;
mod secret;
mod values;
