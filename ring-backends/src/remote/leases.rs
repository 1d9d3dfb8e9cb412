//! Leases on a server: one computation of a key among processes.
//!
//! A computation asks for the lease of its key, and stores its value only if it still has the lease. A lease that is not used
//! is released in the background: no call waits for that.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::{Acquired, Expiring, LeaseRequest, LeaseToken, Leases, YieldsTo, is_leased};
use ring_cache_core::{Error, RingKey};

use super::operation::read;
use super::{BlockingServer, Entry, Found, LeaseAnswer, LeasedEntry, Nodes, Remote, Server, ServerLeases};

/// For how long the server may be asked to release leases: they end by themselves.
const PATIENCE: Duration = Duration::from_secs(1);

impl<S: Server> Leases for Remote<S> {
    fn release(&self, key: &EncodedKey, token: LeaseToken) {
        self.release_later(self.leased_key(key), token);
    }
}

impl<S: Server> Remote<S> {
    /// Releases a lease in the background.
    pub(super) fn release_later(&self, key: S::StoredKey, token: LeaseToken) {
        if self.is_without_leases() {
            return;
        }
        let nodes = self.nodes();
        let node = self.node_of(nodes.nodes.len(), &read("get"), std::slice::from_ref(&key));
        if let Some(background) = self.background.get()
            && nodes.nodes[node].releases.add(key, token)
        {
            (background.release)(&self.server, nodes, node);
        }
    }

    /// Releases the leases of entries that were written.
    pub(super) fn release_all_later(&self, entries: &[LeasedEntry<S::StoredKey>], were_written: &[bool]) {
        for ((key, .., token), was_written) in entries.iter().zip(were_written) {
            if *was_written {
                self.release_later(S::leased(key.clone()), *token);
            }
        }
    }
}

/// Begins to release the leases of a node. The thread keeps the connections until none waits, so that leases end when the
/// storage is dropped.
pub(super) fn begin<S: BlockingServer>(server: &Arc<S>, nodes: &Arc<Nodes<S::StoredKey>>, node: usize) {
    let (server, of_thread) = (Arc::clone(server), Arc::clone(nodes));
    let thread = thread::Builder::new().name("ring-cache leases".into());
    if thread.spawn(move || run(&*server, &of_thread, node)).is_err() {
        let releases = &nodes.nodes[node].releases;
        releases.end();
    }
}

fn run<S: BlockingServer>(server: &S, nodes: &Nodes<S::StoredKey>, node: usize) {
    let state = &nodes.nodes[node];
    while let Some(leases) = state.releases.next() {
        // Without an answer the leases end by themselves.
        let Some(permit) = state.breaker.admit(PATIENCE) else {
            continue;
        };
        let until = Instant::now() + PATIENCE;
        match S::release(&leases).and_then(|request| server.send(node, request, until)) {
            Err(fault) if fault.is_failure() => permit.failed(),
            _ => permit.answered(),
        }
    }
}

impl<S: Server> Remote<S> {
    /// Whether the server gives no leases.
    pub(super) fn is_without_leases(&self) -> bool {
        self.nodes().without_leases.load(Ordering::Relaxed)
    }

    /// The key of an entry that changes: with its lease, if its ring has leases.
    pub(super) fn changed_key<K: RingKey + ?Sized>(&self, key: &K) -> S::StoredKey {
        if is_leased(key) {
            self.leased_key(key)
        } else {
            self.key(key)
        }
    }

    pub(super) fn leased_key<K: RingKey + ?Sized>(&self, key: &K) -> S::StoredKey {
        S::leased(self.key(key))
    }

    /// Whether the entry is to be read after the lease was asked for.
    pub(super) fn reads_after_lease(request: LeaseRequest) -> bool {
        S::LEASES == ServerLeases::Apart && matches!(request.yields_to, YieldsTo::Entry(_))
    }

    /// The answer to a computation, by those of the server. A server that refuses is not asked again; the first time this
    /// is an error.
    pub(super) fn acquired(
        &self,
        key: &EncodedKey,
        request: LeaseRequest,
        answer: LeaseAnswer,
        found: Option<Found>,
    ) -> Result<Acquired<Vec<u8>>, Error> {
        let won = |token: Option<LeaseToken>| token.unwrap_or(request.token);
        if let Some((value, remaining)) = found.filter(|found| request.yields_to_entry(found.1)) {
            if let LeaseAnswer::Won(token) = answer {
                self.release(key, won(token));
            }
            return Ok(Acquired::Found(Expiring { value, remaining }));
        }
        match answer {
            LeaseAnswer::Found((value, remaining)) => Ok(Acquired::Found(Expiring { value, remaining })),
            LeaseAnswer::Won(token) => Ok(Acquired::Won(won(token))),
            LeaseAnswer::Busy => Ok(Acquired::Busy),
            // The value is stored if the lease was given nevertheless.
            LeaseAnswer::Unknown => Ok(Acquired::Won(request.token)),
            LeaseAnswer::Refused(reason) => Err(self.go_without_leases(&reason)),
        }
    }

    /// The error of a server that gives no leases, once: it is not asked again.
    fn go_without_leases(&self, reason: &str) -> Error {
        self.nodes().without_leases.store(true, Ordering::Relaxed);
        let cause = format!("{reason}; from now on each process computes for itself");
        Error::storage(S::NAME, "lease", cause)
    }

    /// Whether a computation asks the server for the lease.
    ///
    /// # Errors
    ///
    /// The first time, if the server gives none.
    pub(super) fn asks_for_lease(&self) -> Result<bool, Error> {
        if S::LEASES == ServerLeases::None && !self.is_without_leases() {
            return Err(self.go_without_leases("this storage has no leases"));
        }
        Ok(!self.is_without_leases())
    }

    /// Entries with keys that do not end leases.
    pub(super) fn entries_with_tokens<K: RingKey>(
        &self,
        entries: Vec<(K, Vec<u8>, Option<Duration>, LeaseToken)>,
    ) -> Vec<LeasedEntry<S::StoredKey>> {
        let entries = entries.into_iter();
        entries
            .map(|(key, value, expiry, token)| (self.key(&key), value, expiry, token))
            .collect()
    }
}

/// The same with keys that have leases.
pub(super) fn leased<S: Server>(entries: Vec<LeasedEntry<S::StoredKey>>) -> Vec<LeasedEntry<S::StoredKey>> {
    let entries = entries.into_iter();
    entries
        .map(|(key, value, expiry, token)| (S::leased(key), value, expiry, token))
        .collect()
}

/// The keys of entries.
pub(super) fn keys_of<K: Clone>(entries: &[LeasedEntry<K>]) -> Vec<K> {
    entries.iter().map(|(key, ..)| key.clone()).collect()
}

/// For each entry, whether its lease has its token.
pub(super) fn are_leased<K>(entries: &[LeasedEntry<K>], tokens: &[Option<LeaseToken>]) -> Vec<bool> {
    let entries = entries.iter().zip(tokens);
    entries
        .map(|((.., token), found)| *found == Some(*token))
        .collect()
}

/// The entries whose leases were there, without the tokens.
pub(super) fn entries_of<K: Clone>(entries: &mut [LeasedEntry<K>], are_leased: &[bool]) -> Vec<Entry<K>> {
    let entries = entries.iter_mut().zip(are_leased);
    let entries = entries.filter(|(_, is_leased)| **is_leased);
    entries
        .map(|((key, value, expiry, _), _)| (key.clone(), mem::take(value), *expiry))
        .collect()
}
