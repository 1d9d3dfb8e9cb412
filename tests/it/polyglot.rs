//! One cache for two languages: the original Ring, in Python, and this crate, on real servers.
//!
//! It needs Python with the packages of `examples/polyglot/requirements.txt`, named by the environment variable
//! `POLYGLOT_PYTHON`. `test.sh` installs it.

mod bulk;
mod call;
mod expiry;
mod forms;
mod hash;
mod outside;
#[path = "../../examples/polyglot/python.rs"]
mod python;
mod rings;
mod servers;
mod several;
mod stale;
mod value;
mod verbs;
