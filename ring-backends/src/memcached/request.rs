//! The commands for memcached, and the meaning of the replies. Nothing here does I/O: blocking and awaited calls share it.
//!
//! Each command has a unique number, which its reply repeats: a reply to another command is recognized.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use memcache::exp::{
    DeleteOptions, GetOptions, MetaCommand, MetaCommandResult, ReturnCode, SetMode, SetOptions, build_delete,
    build_get, build_set,
};
use ring_cache_core::storage::{LeaseRequest, LeaseToken, YieldsTo};

use super::expiry::expiry;
use super::reply_buffer::{MAX_VALUE, Reply, ReplyBuffer};
use super::stored_key::StoredKey;
use crate::remote::{Entry, Fault, Found, LeaseAnswer};

/// The number of the next command.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// Commands to one server, and how to read the reply to each.
pub(super) struct Request<T> {
    pub(super) bytes: Vec<u8>,
    /// The end of each command in `bytes`.
    ends: Vec<usize>,
    /// The number of the first command. Those of the others follow.
    first: u64,
    /// The number of commands before those of the items. Their replies have no results.
    leading: usize,
    /// Whether it changes entries.
    pub(super) mutates: bool,
    /// The meaning of a reply; `None` if it does not fit the command.
    read: fn(MetaCommandResult) -> Option<T>,
}

type Command = Result<MetaCommand, memcache::exp::Error>;

impl<T> Request<T> {
    fn each<I>(
        items: &[I],
        mutates: bool,
        command: impl Fn(&I, Vec<u8>) -> Command,
        read: fn(MetaCommandResult) -> Option<T>,
    ) -> Result<Self, Fault> {
        Self::each_after(Vec::new(), items, mutates, command, read)
    }

    /// Changes entries, after ending their leases: from then on, no superseded computation is stored.
    fn each_change<I>(
        items: &[I],
        key: impl Fn(&I) -> &StoredKey,
        command: impl Fn(&I, Vec<u8>) -> Command,
        read: fn(MetaCommandResult) -> Option<T>,
    ) -> Result<Self, Fault> {
        let leases = items.iter().filter_map(|item| key(item).lease());
        Self::each_after(leases.collect(), items, true, command, read)
    }

    fn each_after<I>(
        leases: Vec<StoredKey>,
        items: &[I],
        mutates: bool,
        command: impl Fn(&I, Vec<u8>) -> Command,
        read: fn(MetaCommandResult) -> Option<T>,
    ) -> Result<Self, Fault> {
        let count = leases.len() + items.len();
        let mut request = Request {
            bytes: Vec::with_capacity(64 * count),
            ends: Vec::with_capacity(count),
            first: NUMBERS.fetch_add(count as u64, Ordering::Relaxed),
            leading: leases.len(),
            mutates,
            read,
        };
        for lease in &leases {
            request.add(|number| delete(lease, number))?;
        }
        for item in items {
            request.add(|number| command(item, number))?;
        }
        Ok(request)
    }

    fn add(&mut self, command: impl FnOnce(Vec<u8>) -> Command) -> Result<(), Fault> {
        let number = self.first + self.ends.len() as u64;
        let command = command(number.to_string().into_bytes()).map_err(refused)?;
        command.encode_into(&mut self.bytes).map_err(refused)?;
        self.ends.push(self.bytes.len());
        Ok(())
    }

    /// With numbers that are known in advance.
    #[cfg(fuzzing)]
    pub(super) fn numbered_from_one(self) -> Self {
        Request { first: 1, ..self }
    }

    /// The number of commands in the first `sent` bytes.
    pub(super) fn commands_in(&self, sent: usize) -> usize {
        self.ends.partition_point(|end| *end <= sent)
    }
}

/// Reads values.
pub(super) fn read(keys: &[StoredKey]) -> Result<Request<Option<Vec<u8>>>, Fault> {
    Request::each(keys, false, |key, number| get(key, number, false), value)
}

/// Reads values and their remaining time.
pub(super) fn read_expiring(keys: &[StoredKey]) -> Result<Request<Option<Found>>, Fault> {
    Request::each(keys, false, |key, number| get(key, number, true), found)
}

/// Looks for entries. This does not count as a use of them.
pub(super) fn contains(keys: &[StoredKey]) -> Result<Request<bool>, Fault> {
    let command = |key: &StoredKey, number| {
        let mut options = GetOptions::default();
        options.value = false;
        options.no_lru_bump = true;
        options.opaque = Some(number);
        build_get(key.as_str(), &options)
    };
    Request::each(keys, false, command, existed)
}

/// Stores values.
pub(super) fn write(entries: &[Entry<StoredKey>]) -> Result<Request<()>, Fault> {
    let set = set(entries, None)?;
    Request::each_change(entries, |(key, ..)| key, set, stored)
}

/// Stores values under keys without entries.
pub(super) fn write_if_absent(entries: &[Entry<StoredKey>]) -> Result<Request<bool>, Fault> {
    Request::each(entries, true, set(entries, Some(SetMode::Add))?, was_added)
}

/// The command that stores one of the entries.
fn set(
    entries: &[Entry<StoredKey>],
    mode: Option<SetMode>,
) -> Result<impl Fn(&Entry<StoredKey>, Vec<u8>) -> Command, Fault> {
    // Memcached would execute the bytes of larger values as commands.
    if entries.iter().any(|(_, value, _)| value.len() > MAX_VALUE) {
        return Err(Fault::Refused("the value is larger than 1 GiB".into()));
    }
    let now = SystemTime::now();
    Ok(move |(key, value, lasting): &Entry<StoredKey>, number| {
        let mut options = SetOptions::default();
        if let Some(mode) = mode {
            options.mode = mode;
        }
        options.ttl = lasting.map(|lasting| expiry(lasting, now));
        options.opaque = Some(number);
        build_set(key.as_str(), value.as_slice(), &options)
    })
}

/// Removes entries.
pub(super) fn remove(keys: &[StoredKey]) -> Result<Request<bool>, Fault> {
    Request::each_change(keys, |key| key, delete, existed)
}

/// Restarts expiries.
pub(super) fn touch(entries: &[(StoredKey, Duration)]) -> Result<Request<bool>, Fault> {
    let now = SystemTime::now();
    let command = |(key, lasting): &(StoredKey, Duration), number| {
        if lasting.is_zero() {
            return delete(key, number);
        }
        let mut options = GetOptions::default();
        options.value = false;
        options.touch = Some(expiry(*lasting, now));
        options.opaque = Some(number);
        build_get(key.as_str(), &options)
    };
    Request::each_change(entries, |(key, _)| key, command, existed)
}

/// Asks for leases. Each is an item of its own, with a number of the server as its token.
pub(super) fn acquire(items: &[(StoredKey, LeaseRequest)]) -> Result<Request<LeaseAnswer>, Fault> {
    let now = SystemTime::now();
    let command = |(key, request): &(StoredKey, LeaseRequest), number| {
        let mut options = SetOptions::default();
        if request.yields_to != YieldsTo::Nothing {
            options.mode = SetMode::Add;
        }
        options.ttl = Some(expiry(request.life, now));
        options.return_cas = true;
        options.opaque = Some(number);
        build_set(lease(key).as_str(), "1", &options)
    };
    Request::each(items, true, command, answer)
}

/// Looks for leases.
pub(super) fn tokens(keys: &[StoredKey]) -> Result<Request<Option<LeaseToken>>, Fault> {
    let command = |key: &StoredKey, number| {
        let mut options = GetOptions::default();
        options.value = false;
        options.return_cas = true;
        options.opaque = Some(number);
        build_get(lease(key).as_str(), &options)
    };
    Request::each(keys, false, command, token)
}

/// Ends leases that have these tokens.
pub(super) fn release(leases: &[(StoredKey, LeaseToken)]) -> Result<Request<bool>, Fault> {
    let command = |(key, token): &(StoredKey, LeaseToken), number| {
        let mut options = DeleteOptions::default();
        options.compare_cas = Some(token.number());
        options.opaque = Some(number);
        build_delete(lease(key).as_str(), &options)
    };
    Request::each(leases, true, command, released)
}

fn lease(key: &StoredKey) -> StoredKey {
    key.clone()
        .leased()
        .lease()
        .unwrap_or_else(|| unreachable!("the ring has leases"))
}

fn get(key: &StoredKey, number: Vec<u8>, expiring: bool) -> Command {
    let mut options = GetOptions::default();
    options.return_ttl = expiring;
    options.opaque = Some(number);
    build_get(key.as_str(), &options)
}

fn delete(key: &StoredKey, number: Vec<u8>) -> Command {
    let mut options = DeleteOptions::default();
    options.opaque = Some(number);
    build_delete(key.as_str(), &options)
}

fn refused(error: memcache::exp::Error) -> Fault {
    Fault::Refused(error.into())
}

/// A value, and its remaining time.
fn found(reply: MetaCommandResult) -> Option<Option<Found>> {
    match reply.rc {
        // Another program marked it as out of date.
        ReturnCode::Va if reply.stale => Some(None),
        ReturnCode::Va => {
            let seconds = reply.ttl.and_then(|seconds| u64::try_from(seconds).ok());
            Some(Some((reply.value?, seconds.map(Duration::from_secs))))
        }
        ReturnCode::En => Some(None),
        _ => None,
    }
}

fn value(reply: MetaCommandResult) -> Option<Option<Vec<u8>>> {
    found(reply).map(|found| found.map(|(value, _)| value))
}

/// Whether the entry existed.
fn existed(reply: MetaCommandResult) -> Option<bool> {
    match reply.rc {
        ReturnCode::Hd => Some(!reply.stale),
        ReturnCode::En | ReturnCode::Nf => Some(false),
        _ => None,
    }
}

/// Whether the lease was acquired.
fn answer(reply: MetaCommandResult) -> Option<LeaseAnswer> {
    match reply.rc {
        ReturnCode::Hd => Some(LeaseAnswer::Won(Some(LeaseToken::of(reply.cas?)))),
        ReturnCode::Ns => Some(LeaseAnswer::Busy),
        _ => None,
    }
}

/// The token of an existing lease.
fn token(reply: MetaCommandResult) -> Option<Option<LeaseToken>> {
    match reply.rc {
        ReturnCode::Hd => Some(Some(LeaseToken::of(reply.cas?))),
        ReturnCode::En => Some(None),
        _ => None,
    }
}

/// Whether the lease existed, with its token.
fn released(reply: MetaCommandResult) -> Option<bool> {
    match reply.rc {
        ReturnCode::Hd => Some(true),
        ReturnCode::Nf | ReturnCode::Ex => Some(false),
        _ => None,
    }
}

/// Whether a value was stored where there was none.
fn was_added(reply: MetaCommandResult) -> Option<bool> {
    match reply.rc {
        ReturnCode::Hd => Some(true),
        ReturnCode::Ns => Some(false),
        _ => None,
    }
}

fn stored(reply: MetaCommandResult) -> Option<()> {
    (reply.rc == ReturnCode::Hd).then_some(())
}

/// The replies to a request, as they arrive.
pub(super) struct Replies<'r, T> {
    pub(super) request: &'r Request<T>,
    results: Vec<T>,
    count: usize,
    /// The first error of a command.
    refusal: Option<String>,
}

/// Why replies cannot be read. The connection must be closed.
#[derive(Debug)]
pub(super) enum ReplyError {
    Timeout,
    Disconnected(io::Error),
    /// The bytes are not a reply to the request.
    Invalid(String),
    /// The server did not understand a command.
    Rejected(String),
}

impl<'r, T> Replies<'r, T> {
    pub(super) fn to(request: &'r Request<T>) -> Self {
        Replies {
            request,
            results: Vec::with_capacity(request.ends.len()),
            count: 0,
            refusal: None,
        }
    }

    /// The number of replies so far.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether the request may be sent again on another connection: this one failed before any reply to it.
    pub(super) fn may_be_sent_again(&self, error: &ReplyError, buffer: &ReplyBuffer) -> bool {
        let is_of_before = match error {
            ReplyError::Disconnected(_) => buffer.is_empty(),
            // A change may still take effect, after later commands.
            ReplyError::Invalid(_) => !self.request.mutates,
            ReplyError::Timeout | ReplyError::Rejected(_) => false,
        };
        is_of_before && self.count == 0
    }

    /// Takes the complete replies. Returns whether these are all. Skips replies to earlier commands, such as duplicates.
    pub(super) fn take(&mut self, buffer: &mut ReplyBuffer) -> Result<bool, ReplyError> {
        while self.count < self.request.ends.len() {
            let reply = buffer
                .reply()
                .map_err(|error| ReplyError::Invalid(error.to_string()))?;
            match reply {
                None => return Ok(false),
                Some(Reply::Done(done)) if self.is_to_earlier(&done) => {
                    buffer.skip();
                    continue;
                }
                Some(Reply::Done(done)) => self.accept(done)?,
                Some(Reply::Failed(text)) => {
                    self.refusal.get_or_insert(text);
                }
                Some(Reply::Rejected(text)) => return Err(ReplyError::Rejected(text)),
            }
            self.count += 1;
        }
        if buffer.is_empty() {
            return Ok(true);
        }
        Err(ReplyError::Invalid("more replies than commands".into()))
    }

    fn is_to_earlier(&self, reply: &MetaCommandResult) -> bool {
        let number = reply.opaque.as_deref();
        let number = number.and_then(|number| str::from_utf8(number).ok()?.parse().ok());
        number.is_some_and(|number: u64| number < self.request.first + self.count as u64)
    }

    fn accept(&mut self, reply: MetaCommandResult) -> Result<(), ReplyError> {
        let expected = self.request.first + self.count as u64;
        if reply.opaque.as_deref() != Some(expected.to_string().as_bytes()) {
            return Err(ReplyError::Invalid("the reply to another command".into()));
        }
        if self.count < self.request.leading {
            let ended = existed(reply).map(drop);
            return ended.ok_or_else(|| ReplyError::Invalid("the reply does not fit the command".into()));
        }
        let result = (self.request.read)(reply);
        let result =
            result.ok_or_else(|| ReplyError::Invalid("the reply does not fit the command".into()))?;
        self.results.push(result);
        Ok(())
    }

    /// The results of all commands.
    pub(super) fn results(self) -> Result<Vec<T>, Fault> {
        match self.refusal {
            None => Ok(self.results),
            Some(text) => Err(Fault::Refused(text.into())),
        }
    }
}

impl ReplyError {
    /// Whether the server may still execute the commands.
    pub(super) fn leaves_unacked(&self) -> bool {
        matches!(self, ReplyError::Timeout | ReplyError::Invalid(_))
    }
}

impl From<io::Error> for ReplyError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ReplyError::Timeout,
            _ => ReplyError::Disconnected(error),
        }
    }
}

impl From<ReplyError> for Fault {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::Timeout => Fault::Timeout,
            ReplyError::Disconnected(error) => Fault::Disconnected(error.into()),
            ReplyError::Invalid(text) => Fault::Broken(text.into()),
            ReplyError::Rejected(text) => Fault::Refused(text.into()),
        }
    }
}
