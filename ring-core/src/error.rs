//! Errors of storages and coders.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

/// The cause of an error, of any type.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failed operation of a ring, with the ring, the storage and the operation.
///
/// The plain call of a cached method never returns one. Other verbs do, on storages that can fail.
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    storage: Option<&'static str>,
    address: Option<Box<str>>,
    ring: Option<Box<str>>,
    cause: Option<Cause>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The storage failed.
    Storage,
    /// The coder could not encode the value.
    Encode,
    /// The coder could not decode the bytes.
    Decode,
    /// The storage did not answer within its deadline.
    Deadline,
    /// The storage was not called: it did not answer earlier calls.
    Unavailable,
    /// Two corresponding lists have different lengths.
    Lengths,
    /// Another ring of the storage could have equal keys, so neither uses it.
    Conflict,
    /// The value was not stored, because its type could hide an error: a generic `T` that is a `Result`.
    Refused,
}

impl ErrorKind {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [ErrorKind; 8] = [
        ErrorKind::Storage,
        ErrorKind::Encode,
        ErrorKind::Decode,
        ErrorKind::Deadline,
        ErrorKind::Unavailable,
        ErrorKind::Lengths,
        ErrorKind::Conflict,
        ErrorKind::Refused,
    ];

    /// One word: `storage`, `encode`, and so on.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Storage => "storage",
            ErrorKind::Encode => "encode",
            ErrorKind::Decode => "decode",
            ErrorKind::Deadline => "deadline",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::Lengths => "lengths",
            ErrorKind::Conflict => "conflict",
            ErrorKind::Refused => "refused",
        }
    }
}

impl Error {
    /// A failure of the storage `storage`, such as `"redis"`, in this operation.
    pub fn storage(storage: &'static str, operation: &'static str, cause: impl Into<Cause>) -> Self {
        Error {
            storage: Some(storage),
            ..Self::new(ErrorKind::Storage, operation, Some(cause.into()))
        }
    }

    /// The storage `storage` did not answer this operation within its deadline.
    pub fn deadline(storage: &'static str, operation: &'static str, deadline: Duration) -> Self {
        let cause = format!("no answer within {deadline:?}");
        Error {
            kind: ErrorKind::Deadline,
            ..Self::storage(storage, operation, cause)
        }
    }

    /// The deadline of the storage `storage` passed in this operation, not because of its server.
    pub fn out_of_time(storage: &'static str, operation: &'static str, cause: impl Into<Cause>) -> Self {
        Error {
            kind: ErrorKind::Deadline,
            ..Self::storage(storage, operation, cause)
        }
    }

    /// The storage `storage` was not called, independent of this operation.
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
        let cause =
            format!("{calls} calls but {values} values, so nothing was stored: pass one value for each call");
        Self::new(ErrorKind::Lengths, "set_many", Some(cause.into()))
    }

    pub(crate) fn conflict(cause: String) -> Self {
        Self::new(ErrorKind::Conflict, "use of the storage", Some(cause.into()))
    }

    pub(crate) fn refused() -> Self {
        let cause = "its type is a `Result`, whose errors must not be cached: name it in the signature, or write \
                     `#[ring(fallible)]`";
        Self::new(ErrorKind::Refused, "store", Some(cause.into()))
    }

    pub(crate) fn no_leases() -> Self {
        let cause = "the storage says that it has leases, and does not implement all of their operations: forward \
                     `leases`, `acquire` and `write_leased`";
        Self::new(ErrorKind::Unavailable, "lease", Some(cause.into()))
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

    /// Adds the location of the storage, such as `"127.0.0.1:6379"`. It must not contain a password.
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

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The operation that failed, such as `"get"`.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The name of the storage, such as `"redis"`, if a storage failed.
    pub fn storage_name(&self) -> Option<&'static str> {
        self.storage
    }

    /// The cause. [`Display`](fmt::Display) shows it as well.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }

    /// The location of the storage, such as `"127.0.0.1:6379"`, if it is known: a server or a file.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// The name of the ring, if there is one.
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

/// `Display` shows the cause, so the source is the cause's source: programs that print the chain print each error
/// once.
impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref()?.source()
    }
}

/// The return types of verbs: plain values on storages that cannot fail, `Result`s on storages that can.
pub trait Failure: Into<Error> + Sized {
    /// The return type of a verb.
    type Outcome<T>;

    /// Whether there can be one.
    #[doc(hidden)]
    const CAN_FAIL: bool = true;

    /// The error, for counters and observers.
    #[doc(hidden)]
    fn as_error(&self) -> Option<&Error> {
        None
    }

    /// Converts the result of an operation.
    fn outcome<T>(result: Result<T, Self>, ring: &str) -> Self::Outcome<T>;

    /// The result that a verb returned.
    ///
    /// # Errors
    ///
    /// If the storage failed.
    fn into_result<T>(outcome: Self::Outcome<T>) -> Result<T, Self>;

    /// A failure outside the storage, such as of the coder, if verbs can return one.
    fn from_error(error: Error) -> Option<Self>;
}

impl Failure for Infallible {
    type Outcome<T> = T;

    const CAN_FAIL: bool = false;

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

    fn as_error(&self) -> Option<&Error> {
        Some(self)
    }

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
