//! Warnings of failing storages: each is logged once.

use crate::error::{Error, ErrorKind};
use crate::observer;
use crate::spans;
use crate::sync::lasting::Mutex;

/// The most warnings of a process.
const MOST: usize = 64;

static WARNED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Warns of the storage, if it is the first failure there for this reason. Timeouts and open breakers cause no warning.
pub(crate) fn warn_once(error: &Error) {
    let (ErrorKind::Storage, Some(storage)) = (error.kind(), error.storage_name()) else {
        return;
    };
    let (address, cause) = (error.address().unwrap_or_default(), error.cause());
    let reason = cause.map(ToString::to_string).unwrap_or_default();
    if is_new(format!("{storage} {address} {reason}")) {
        spans::warned(error);
        observer::each(|observer| observer.warned(error));
    }
}

fn is_new(warning: String) -> bool {
    let mut warned = WARNED.lock();
    let is_new = warned.len() < MOST && !warned.contains(&warning);
    if is_new {
        warned.push(warning);
    }
    is_new
}
