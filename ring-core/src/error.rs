//! What can go wrong with a storage or a coder, and how a verb hands it over.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

/// Any error's cause.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failed operation on a ring: it says which ring, which storage and which operation.
///
/// The plain call of a cached method never shows one; explicit verbs do, on storages that can fail.
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    storage: Option<&'static str>,
    address: Option<Box<str>>,
    ring: Option<Box<str>>,
    cause: Option<Cause>,
}

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The storage did not do what it was asked for.
    Storage,
    /// The coder could not encode the value.
    Encode,
    /// The coder could not decode the bytes.
    Decode,
    /// The storage did not answer within its deadline.
    Deadline,
    /// The storage was not asked, since it did not answer before.
    Unavailable,
    /// Two lists that belong together have different lengths.
    Lengths,
    /// Another ring of the storage could have the same keys, so both keep away from it.
    Conflict,
}

impl Error {
    /// A failure of the storage of this name, such as `"redis"`, in this operation.
    pub fn storage(storage: &'static str, operation: &'static str, cause: impl Into<Cause>) -> Self {
        Error {
            storage: Some(storage),
            ..Self::new(ErrorKind::Storage, operation, Some(cause.into()))
        }
    }

    /// No answer of the storage of this name in this operation within its deadline.
    pub fn deadline(storage: &'static str, operation: &'static str, deadline: Duration) -> Self {
        let cause = format!("no answer within {deadline:?}");
        Error {
            kind: ErrorKind::Deadline,
            ..Self::storage(storage, operation, cause)
        }
    }

    /// The deadline of the storage of this name passed in this operation, for a cause that is no fault of the storage's server.
    pub fn out_of_time(storage: &'static str, operation: &'static str, cause: impl Into<Cause>) -> Self {
        Error {
            kind: ErrorKind::Deadline,
            ..Self::storage(storage, operation, cause)
        }
    }

    /// The storage of this name was not asked for this operation, for a cause that is no fault of the operation.
    pub fn unavailable(storage: &'static str, operation: &'static str, cause: impl Into<Cause>) -> Self {
        Error {
            kind: ErrorKind::Unavailable,
            ..Self::storage(storage, operation, cause)
        }
    }

    /// The value could not be encoded.
    pub fn encode(cause: Cause) -> Self {
        Self::new(ErrorKind::Encode, "encode", Some(cause))
    }

    pub(crate) fn decode(cause: Cause) -> Self {
        Self::new(ErrorKind::Decode, "decode", Some(cause))
    }

    pub(crate) fn lengths(calls: usize, values: usize) -> Self {
        let cause = format!("{calls} calls but {values} values: nothing was stored");
        Self::new(ErrorKind::Lengths, "set_many", Some(cause.into()))
    }

    pub(crate) fn conflict(cause: String) -> Self {
        Self::new(ErrorKind::Conflict, "use of the storage", Some(cause.into()))
    }

    fn new(kind: ErrorKind, operation: &'static str, cause: Option<Cause>) -> Self {
        Error {
            kind,
            operation,
            storage: None,
            address: None,
            ring: None,
            cause,
        }
    }

    /// Adds where the storage is, such as `"127.0.0.1:6379"`. It must not contain a password.
    #[must_use]
    pub fn at(mut self, address: &str) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Adds the name of the ring.
    #[must_use]
    pub(crate) fn of_ring(mut self, ring: &str) -> Self {
        self.ring = Some(ring.into());
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The operation that failed, such as `"get"`.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The name of the storage, such as `"redis"`, if the operation was a storage's.
    pub fn storage_name(&self) -> Option<&'static str> {
        self.storage
    }

    /// What caused it. [`Display`](fmt::Display) shows it as well.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }

    /// Where the storage is, such as `"127.0.0.1:6379"`, if it is a server or a file that is known.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// The name of the ring, if the operation was a ring's.
    pub fn ring(&self) -> Option<&str> {
        self.ring.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation)?;
        if let Some(storage) = self.storage {
            write!(f, " on {storage}")?;
        }
        if let Some(address) = &self.address {
            write!(f, " at {address}")?;
        }
        if let Some(ring) = &self.ring {
            write!(f, " for the ring `{ring}`")?;
        }
        f.write_str(" failed")?;
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}: {self})", self.kind)
    }
}

/// `Display` shows the cause, so the source is what comes behind it: those who print the chain print each once.
impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref()?.source()
    }
}

/// How a storage can fail, and so what its verbs return: plain values where it cannot, `Result`s where it can.
pub trait Failure: Into<Error> + Sized {
    /// What a verb returns.
    type Outcome<T>;

    /// Hands over the result of an operation.
    fn outcome<T>(result: Result<T, Self>, ring: &str) -> Self::Outcome<T>;

    /// The result that a verb returned.
    ///
    /// # Errors
    ///
    /// The storage's.
    fn into_result<T>(outcome: Self::Outcome<T>) -> Result<T, Self>;

    /// A failure outside of the storage, of the coder say, if verbs can return one.
    fn from_error(error: Error) -> Option<Self>;
}

impl Failure for Infallible {
    type Outcome<T> = T;

    #[inline]
    fn outcome<T>(result: Result<T, Self>, _: &str) -> T {
        let Ok(value) = result;
        value
    }

    fn into_result<T>(outcome: T) -> Result<T, Self> {
        Ok(outcome)
    }

    fn from_error(_: Error) -> Option<Self> {
        None
    }
}

impl Failure for Error {
    type Outcome<T> = Result<T, Error>;

    fn outcome<T>(result: Result<T, Self>, ring: &str) -> Result<T, Error> {
        result.map_err(|error| error.of_ring(ring))
    }

    fn into_result<T>(outcome: Result<T, Self>) -> Result<T, Self> {
        outcome
    }

    fn from_error(error: Error) -> Option<Self> {
        Some(error)
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
