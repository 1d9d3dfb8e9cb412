//! The inspector as operators use it: by a browser and by `curl`.

mod browser;
mod changes;
mod http;
mod pages;
mod refused;
mod rings;
