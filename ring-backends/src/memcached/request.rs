//! Commands as they are sent, and what their replies say. Nothing here reads or writes: both colours share it.
//!
//! Each command carries a number that no other does, and its reply repeats it: a reply that was meant for another is
//! never taken for this one's.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use memcache::exp::{
    DeleteOptions, GetOptions, MetaCommand, MetaCommandResult, ReturnCode, SetOptions, build_delete,
    build_get, build_set,
};

use super::expiry::expiry;
use super::inbox::{Inbox, LARGEST_VALUE, Reply};
use super::place::Place;
use crate::remote::{Entry, Fault, Found};

static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// Commands to one server, sent without a pause.
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    /// Where each command ends.
    ends: Vec<usize>,
    /// The number of the first. The others follow.
    first: u64,
    /// Whether it changes entries.
    pub(super) changes: bool,
}

type Command = Result<MetaCommand, memcache::exp::Error>;

impl Request {
    fn of<T>(items: &[T], command: impl Fn(&T, Vec<u8>) -> Command) -> Result<Self, Fault> {
        let count = items.len() as u64;
        let mut request = Request {
            bytes: Vec::with_capacity(64 * items.len()),
            ends: Vec::with_capacity(items.len()),
            first: NUMBERS.fetch_add(count, Ordering::Relaxed),
            changes: false,
        };
        for (item, number) in items.iter().zip(request.first..) {
            let number = number.to_string().into_bytes();
            let command = command(item, number).map_err(refused)?;
            command.encode_into(&mut request.bytes).map_err(refused)?;
            request.ends.push(request.bytes.len());
        }
        Ok(request)
    }

    fn changing(self) -> Self {
        Request {
            changes: true,
            ..self
        }
    }

    /// With numbers that are known beforehand.
    #[cfg(fuzzing)]
    pub(super) fn numbered_from_one(self) -> Self {
        Request { first: 1, ..self }
    }

    /// Asks for values, and for how long they will be there if that is `expiring`.
    pub(super) fn read(places: &[Place], expiring: bool) -> Result<Self, Fault> {
        Request::of(places, |place, number| {
            let mut options = GetOptions::default();
            options.return_ttl = expiring;
            options.opaque = Some(number);
            build_get(place.as_str(), &options)
        })
    }

    /// Asks whether entries are there. That is no use of them.
    pub(super) fn contains(places: &[Place]) -> Result<Self, Fault> {
        Request::of(places, |place, number| {
            let mut options = GetOptions::default();
            options.value = false;
            options.no_lru_bump = true;
            options.opaque = Some(number);
            build_get(place.as_str(), &options)
        })
    }

    pub(super) fn write(entries: &[Entry<Place>]) -> Result<Self, Fault> {
        // Of some that it cannot take, memcached would take the bytes for commands.
        if entries.iter().any(|(_, value, _)| value.len() > LARGEST_VALUE) {
            return Err(Fault::Refused("no memcached takes so large a value".into()));
        }
        let now = SystemTime::now();
        Request::of(entries, |(place, value, lasting), number| {
            let mut options = SetOptions::default();
            options.ttl = lasting.map(|lasting| expiry(lasting, now));
            options.opaque = Some(number);
            build_set(place.as_str(), value.as_slice(), &options)
        })
        .map(Request::changing)
    }

    pub(super) fn remove(places: &[Place]) -> Result<Self, Fault> {
        Request::of(places, removal).map(Request::changing)
    }

    pub(super) fn renew(entries: &[(Place, Duration)]) -> Result<Self, Fault> {
        let now = SystemTime::now();
        Request::of(entries, |(place, lasting), number| {
            if lasting.is_zero() {
                return removal(place, number);
            }
            let mut options = GetOptions::default();
            options.value = false;
            options.touch = Some(expiry(*lasting, now));
            options.opaque = Some(number);
            build_get(place.as_str(), &options)
        })
        .map(Request::changing)
    }

    /// How many commands the first `sent` bytes are.
    pub(super) fn commands_in(&self, sent: usize) -> usize {
        self.ends.partition_point(|end| *end <= sent)
    }
}

fn removal(place: &Place, number: Vec<u8>) -> Command {
    let mut options = DeleteOptions::default();
    options.opaque = Some(number);
    build_delete(place.as_str(), &options)
}

fn refused(error: memcache::exp::Error) -> Fault {
    Fault::Refused(error.into())
}

/// What a reply says, if it is one to the command.
pub(super) type Meaning<T> = fn(MetaCommandResult) -> Option<T>;

/// A value, and how long it will still be there.
pub(super) fn found(reply: MetaCommandResult) -> Option<Option<Found>> {
    match reply.rc {
        // What another program calls stale is out of date.
        ReturnCode::Va if reply.stale => Some(None),
        ReturnCode::Va => {
            let seconds = reply.ttl.and_then(|seconds| u64::try_from(seconds).ok());
            Some(Some((reply.value?, seconds.map(Duration::from_secs))))
        }
        ReturnCode::En => Some(None),
        _ => None,
    }
}

/// A value.
pub(super) fn value(reply: MetaCommandResult) -> Option<Option<Vec<u8>>> {
    found(reply).map(|found| found.map(|(value, _)| value))
}

/// Whether something was there.
pub(super) fn was_there(reply: MetaCommandResult) -> Option<bool> {
    match reply.rc {
        ReturnCode::Hd => Some(!reply.stale),
        ReturnCode::En | ReturnCode::Nf => Some(false),
        _ => None,
    }
}

/// Whether it was stored.
pub(super) fn stored(reply: MetaCommandResult) -> Option<()> {
    (reply.rc == ReturnCode::Hd).then_some(())
}

/// The replies to a request, as they come.
pub(super) struct Answers<'r, T> {
    pub(super) request: &'r Request,
    meaning: Meaning<T>,
    meant: Vec<T>,
    count: usize,
    /// Why the server did not do one of the commands.
    refusal: Option<String>,
}

/// Why there is no reply. The connection is of no use any more.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The time is over.
    Late,
    /// The connection broke.
    Dead(io::Error),
    /// What came is no reply to this.
    Nonsense(String),
    /// The server did not understand.
    Rejected(String),
}

impl<'r, T> Answers<'r, T> {
    pub(super) fn to(request: &'r Request, meaning: Meaning<T>) -> Self {
        Answers {
            request,
            meaning,
            meant: Vec::with_capacity(request.ends.len()),
            count: 0,
            refusal: None,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether a connection failed before anything came that answers the request, so that another may do better.
    pub(super) fn may_be_asked_again(&self, trouble: &Trouble, inbox: &Inbox) -> bool {
        let before_the_request = match trouble {
            Trouble::Dead(_) => inbox.is_empty(),
            // What changes something may still take effect there, later than what is asked next.
            Trouble::Nonsense(_) => !self.request.changes,
            Trouble::Late | Trouble::Rejected(_) => false,
        };
        before_the_request && self.count == 0
    }

    /// Takes what has come. Returns whether that was all. Replies to earlier commands, as one that came twice, are read
    /// over.
    pub(super) fn take(&mut self, inbox: &mut Inbox) -> Result<bool, Trouble> {
        while self.count < self.request.ends.len() {
            let reply = inbox
                .reply()
                .map_err(|error| Trouble::Nonsense(error.to_string()))?;
            match reply {
                None => return Ok(false),
                Some(Reply::Done(done)) if self.is_to_others(&done) => {
                    inbox.pass_over();
                    continue;
                }
                Some(Reply::Done(done)) => self.accept(done)?,
                Some(Reply::Failed(text)) => {
                    self.refusal.get_or_insert(text);
                }
                Some(Reply::Rejected(text)) => return Err(Trouble::Rejected(text)),
            }
            self.count += 1;
        }
        if inbox.is_empty() {
            return Ok(true);
        }
        Err(Trouble::Nonsense("more replies than commands".into()))
    }

    fn is_to_others(&self, reply: &MetaCommandResult) -> bool {
        let number = reply.opaque.as_deref();
        let number = number.and_then(|number| str::from_utf8(number).ok()?.parse().ok());
        number.is_some_and(|number: u64| number < self.request.first + self.count as u64)
    }

    fn accept(&mut self, reply: MetaCommandResult) -> Result<(), Trouble> {
        let expected = self.request.first + self.count as u64;
        if reply.opaque.as_deref() != Some(expected.to_string().as_bytes()) {
            return Err(Trouble::Nonsense("a reply to another command".into()));
        }
        let meant = (self.meaning)(reply);
        let meant = meant.ok_or_else(|| Trouble::Nonsense("a reply to a command of another kind".into()))?;
        self.meant.push(meant);
        Ok(())
    }

    /// What all of them said.
    pub(super) fn meant(self) -> Result<Vec<T>, Fault> {
        match self.refusal {
            None => Ok(self.meant),
            Some(text) => Err(Fault::Refused(text.into())),
        }
    }
}

impl Trouble {
    /// Whether the server may do later what it was asked.
    pub(super) fn leaves_doubts(&self) -> bool {
        matches!(self, Trouble::Late | Trouble::Nonsense(_))
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Trouble::Late,
            _ => Trouble::Dead(error),
        }
    }
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Late => Fault::Silent,
            Trouble::Dead(error) => Fault::Broken(error.into()),
            Trouble::Nonsense(text) => Fault::Broken(text.into()),
            Trouble::Rejected(text) => Fault::Refused(text.into()),
        }
    }
}
