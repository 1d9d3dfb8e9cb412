//! The reason why a connection could not be opened: a failure of the server, or a limit on the number of connections.

use std::fmt;
use std::io;

use super::Fault;

/// The reason, without a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unopened {
    /// The server cannot be reached, or does not work.
    Failed(String),
    /// The server or this process is at its limit of connections. Open connections still work, so this is not a failure of
    /// the server.
    Full(String),
}

/// `ENFILE` and `EMFILE`: the system or the process is at its limit of open files and sockets.
#[cfg(unix)]
const TOO_MANY_FILES: [i32; 2] = [23, 24];
/// `WSAEMFILE`.
#[cfg(not(unix))]
const TOO_MANY_FILES: [i32; 1] = [10024];

impl Unopened {
    /// Whether this process is at its limit of open files and sockets.
    pub(crate) fn is_of_this_process(error: &io::Error) -> bool {
        error
            .raw_os_error()
            .is_some_and(|code| TOO_MANY_FILES.contains(&code))
    }

    pub(crate) fn into_fault(self) -> Fault {
        match self {
            Unopened::Failed(reason) => Fault::Unreachable(reason.into()),
            Unopened::Full(reason) => Fault::Full(reason.into()),
        }
    }
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Unopened::Failed(reason) | Unopened::Full(reason)) = self;
        f.write_str(reason)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_too_many_files_blames_no_server() {
        let of = |code| Unopened::is_of_this_process(&io::Error::from_raw_os_error(code));
        let (too_many_files, refused) = (24, 111);
        assert!(of(too_many_files) && !of(refused));
    }
}
