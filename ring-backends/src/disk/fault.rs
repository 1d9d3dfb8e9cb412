//! What can go wrong, by what has to be done about it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ring_cache_core::Cause;
use rusqlite::ErrorCode;

/// Why an operation on the file did not succeed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The file is no storage, or not any more: another one has to take its place.
    Damaged(Cause),
    /// The file is another program's: it stays as it is.
    Foreign(Cause),
    /// The file may be as it should.
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
        if tells_damage(&error) {
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

/// Whether an error can come from the contents of the file only.
fn tells_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_CORRUPTFS, SQLITE_IOERR_SHORT_READ};
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        // Values of the wrong type where the schema allows one type.
        return !matches!(
            error,
            rusqlite::Error::InvalidPath(_) | rusqlite::Error::NulError(_)
        );
    };
    match failure.code {
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => true,
        // The statements are right: they fail where a table is missing or has become another.
        ErrorCode::Unknown => failure.extended_code == rusqlite::ffi::SQLITE_ERROR,
        ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch => true,
        _ => [SQLITE_IOERR_SHORT_READ, SQLITE_IOERR_CORRUPTFS].contains(&failure.extended_code),
    }
}

/// Does `work`. A panic in it is a failure.
pub(super) fn contained<R>(work: impl FnOnce() -> Result<R, Fault>) -> Result<R, Fault> {
    // What it may have left half done is a transaction, which has been rolled back.
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(Fault::failed("the library panicked")))
}
