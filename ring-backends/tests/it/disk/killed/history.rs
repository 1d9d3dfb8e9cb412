//! The operations before a kill, and the possible states after it.

use super::operation::{Operation, RINGS};

/// A possible entry: its version, and the second of its expiry, if any.
pub(super) type State = Option<(u64, Option<u64>)>;

/// A position in the order of lines. An operation takes effect between two of them.
type Moment = usize;

#[derive(Debug)]
struct Done {
    writer: u64,
    operation: Operation,
    begin: Moment,
    /// `Moment::MAX` if it was not acknowledged: it may have taken effect at any time, or never.
    end: Moment,
    /// Whether it certainly took effect.
    effective: bool,
    touched: bool,
}

/// The lines of several writers in one round.
#[derive(Debug)]
pub(super) struct History {
    /// The state before, by key.
    before: Vec<State>,
    /// The second at which all of it happened.
    now: u64,
    done: Vec<Done>,
    moments: Moment,
}

/// A change of one key, and its result: a version with its expiry, or nothing.
#[derive(Clone, Copy, Debug)]
struct Change {
    begin: Moment,
    end: Moment,
    effective: bool,
    left: State,
}

impl History {
    pub(super) fn new(before: Vec<State>, now: u64) -> Self {
        History {
            before,
            now,
            done: Vec::new(),
            moments: 0,
        }
    }

    pub(super) fn begin(&mut self, writer: u64, operation: Operation) {
        self.moments += 1;
        self.done.push(Done {
            writer,
            operation,
            begin: self.moments,
            end: Moment::MAX,
            effective: false,
            touched: true,
        });
    }

    /// The last operation of a writer was acknowledged. Returns it.
    pub(super) fn end(&mut self, writer: u64, touched: bool) -> &Operation {
        self.moments += 1;
        let mut done = self.done.iter_mut().rev();
        let done = done.find(|done| done.writer == writer).unwrap();
        (done.end, done.effective, done.touched) = (self.moments, true, touched);
        &done.operation
    }

    /// The possible states of a key `now`. Absence is one of them if all may have expired.
    pub(super) fn possible(&self, key: u32, now: u64) -> Vec<State> {
        let changes = self.changes(key);
        let mut possible = Vec::new();
        for change in last(&changes) {
            match change.left {
                None => possible.push(None),
                Some((version, _)) => {
                    for expires in self.expiries(key, change) {
                        let lives = expires.is_none_or(|expires| expires > now);
                        possible.push(lives.then_some((version, expires)));
                    }
                }
            }
        }
        possible
    }

    /// Found entries show that a write took effect, with all of its entries.
    pub(super) fn found(&mut self, found: &[State]) {
        for done in &mut self.done {
            let Operation::Set(entries) = &done.operation else {
                continue;
            };
            done.effective |= entries
                .iter()
                .any(|entry| found[entry.key as usize].is_some_and(|(version, _)| version == entry.version));
        }
    }

    fn changes(&self, key: u32) -> Vec<Change> {
        let before = Change {
            begin: 0,
            end: 0,
            effective: true,
            left: self.before[key as usize],
        };
        let later = self.done.iter().filter_map(|done| {
            let left = match &done.operation {
                Operation::Set(entries) => {
                    let entry = entries.iter().find(|entry| entry.key == key)?;
                    let expires = (entry.expiry > 0).then_some(self.now + entry.expiry);
                    Some((entry.version, expires))
                }
                Operation::Delete(keys) if keys.contains(&key) => None,
                Operation::Clear(ring) if key % RINGS == *ring => None,
                _ => return None,
            };
            Some(Change {
                begin: done.begin,
                end: done.end,
                effective: done.effective,
                left,
            })
        });
        [before].into_iter().chain(later).collect()
    }

    /// The possible expiries of an entry that a change left: its own, or those of later touches.
    fn expiries(&self, key: u32, change: Change) -> Vec<Option<u64>> {
        let touches = self.done.iter().filter_map(|done| match done.operation {
            Operation::Touch { key: touched, expiry } if touched == key && done.touched => Some(Change {
                begin: done.begin,
                end: done.end,
                effective: done.effective,
                left: Some((0, Some(self.now + expiry))),
            }),
            _ => None,
        });
        let touches = touches.filter(|touch| touch.end > change.begin);
        let all: Vec<_> = [change].into_iter().chain(touches).collect();
        let expiry = |change: Change| change.left.and_then(|(_, expires)| expires);
        last(&all).map(expiry).collect()
    }
}

/// The possibly last changes: no change that certainly took effect began after their end.
fn last(changes: &[Change]) -> impl Iterator<Item = Change> {
    let effective = changes.iter().filter(|change| change.effective);
    let latest = effective.map(|change| change.begin).max().unwrap_or(0);
    changes.iter().copied().filter(move |change| change.end >= latest)
}
