//! What those may do who choose arguments, addresses and values: keys that are to look like others or like commands, and
//! secrets that are to be shown.

mod echo;
mod hostile;
mod keys;
mod passwords;
mod secret;
mod values;
