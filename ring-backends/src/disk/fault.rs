//! Faults, by their remedy.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ring_cache_core::Cause;
use rusqlite::ErrorCode;

/// Why an operation on the file failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The file is not a storage, or not any more: it has to be replaced.
    Damaged(Cause),
    /// The file belongs to another program: it stays unchanged.
    Foreign(Cause),
    /// The file may be intact.
    Failed(Cause),
}

impl Fault {
    pub(super) fn damaged(cause: impl Into<Cause>) -> Self {
        Fault::Damaged(cause.into())
    }

    pub(super) fn foreign(cause: impl Into<Cause>) -> Self {
        Fault::Foreign(cause.into())
    }

    pub(super) fn failed(cause: impl Into<Cause>) -> Self {
        Fault::Failed(cause.into())
    }

    pub(super) fn into_cause(self) -> Cause {
        match self {
            Fault::Damaged(cause) | Fault::Foreign(cause) | Fault::Failed(cause) => cause,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        if is_damage(&error) {
            Fault::damaged(error)
        } else {
            Fault::failed(error)
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Fault::failed(error)
    }
}

/// Whether only the contents of the file can cause this error.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_CORRUPTFS, SQLITE_IOERR_SHORT_READ};
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        // A value of another type than the schema allows.
        return !matches!(
            error,
            rusqlite::Error::InvalidPath(_) | rusqlite::Error::NulError(_)
        );
    };
    match failure.code {
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => true,
        // The statements are valid: they fail only if a table is missing or has changed.
        ErrorCode::Unknown => failure.extended_code == rusqlite::ffi::SQLITE_ERROR,
        ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch => true,
        _ => [SQLITE_IOERR_SHORT_READ, SQLITE_IOERR_CORRUPTFS].contains(&failure.extended_code),
    }
}

/// Runs `work`; a panic becomes a failure.
pub(super) fn contained<R>(work: impl FnOnce() -> Result<R, Fault>) -> Result<R, Fault> {
    // Unwind-safe: only a transaction can be left open, and it has been rolled back.
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(Fault::failed("the library panicked")))
}
