//! The keys of entries in Redis, and the commands that reach the entries.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Pipeline};
#[cfg(feature = "inspect")]
use ring_cache_core::inspect::is_of_ring;
use ring_cache_core::key::text_in_namespace;
use ring_cache_core::storage::{AfterWrite, ChangeObserver, LeaseRequest, LeaseToken};
use ring_cache_core::{Name, RingKey};

use super::lease;
use super::request::{self, Commands, Request};
use super::ring_scan::{KeyScan, RingScan};
#[cfg(feature = "inspect")]
use super::ring_scan::{scan, texts};
use super::route::Route;
use super::single::Single;
#[cfg(feature = "inspect")]
use super::stored_key::is_lease;
use super::stored_key::{LEASE, StoredKey};
use crate::remote::{Entry, Fault, Found, LeaseAnswer, LeasedEntry, ServerLeases, no_leases};

/// Defines the keys of entries in Redis, and the commands on them.
pub(super) trait KeySchema: Send + Sync + 'static {
    /// The name of the storage in errors.
    const NAME: &'static str;

    /// See [`Server::StoredKey`](crate::remote::Server::StoredKey).
    type StoredKey: Clone + Eq + Hash + fmt::Display + Send + Sync + 'static;
    /// The route to the server.
    type Route: Route;
    /// The removal of a ring.
    type Scan: RingScan;

    /// See [`Server`](crate::remote::Server), also for all requests.
    fn stored_key<K: RingKey + ?Sized>(namespace: &str, key: &K) -> Self::StoredKey;
    /// The key of Redis that contains an entry, which determines the server.
    fn routed(key: &Self::StoredKey) -> &str;
    /// Reads values.
    fn read(keys: &[Self::StoredKey]) -> Result<Request<Option<Vec<u8>>>, Fault>;
    /// Reads values and their remaining time.
    fn read_expiring(keys: &[Self::StoredKey]) -> Result<Request<Option<Found>>, Fault>;
    /// Stores values.
    fn write(entries: &[Entry<Self::StoredKey>]) -> Result<Request<()>, Fault>;
    /// Stores values under keys without entries.
    fn write_if_absent(entries: &[Entry<Self::StoredKey>]) -> Result<Request<bool>, Fault>;
    /// Removes entries.
    fn remove(keys: &[Self::StoredKey]) -> Result<Request<bool>, Fault>;
    /// Looks for entries.
    fn contains(keys: &[Self::StoredKey]) -> Result<Request<bool>, Fault>;
    /// Restarts expiries.
    fn touch(entries: &[(Self::StoredKey, Duration)]) -> Result<Request<bool>, Fault>;
    /// How the server gives leases, if it does.
    const LEASES: ServerLeases = ServerLeases::None;
    /// The key with that of its lease. See [`Server`](crate::remote::Server), also for the requests of leases.
    fn leased(key: Self::StoredKey) -> Self::StoredKey {
        key
    }
    /// Asks for leases.
    fn acquire(_: &[(Self::StoredKey, LeaseRequest)]) -> Result<Request<LeaseAnswer>, Fault> {
        Err(no_leases())
    }
    /// Stores values under leases.
    fn write_leased(_: &[LeasedEntry<Self::StoredKey>], _: AfterWrite) -> Result<Request<bool>, Fault> {
        Err(no_leases())
    }
    /// Ends leases.
    fn release(_: &[(Self::StoredKey, LeaseToken)]) -> Result<Request<bool>, Fault> {
        Err(no_leases())
    }
    /// Removes the entries of the ring `name` from one server.
    fn clear(namespace: &str, name: &Name) -> Self::Scan;
    /// The key of this text, if it is a key of the ring.
    #[cfg(feature = "inspect")]
    fn key_of_text(namespace: &str, ring: &Name, text: &str) -> Option<Self::StoredKey>;
    /// One step of listing the keys of a ring on one server.
    #[cfg(feature = "inspect")]
    fn list(namespace: &str, ring: &Name, cursor: &str) -> Cmd;
    /// The texts of the ring's keys among those that such a step found.
    #[cfg(feature = "inspect")]
    fn texts(namespace: &str, ring: &Name, found: Vec<Vec<u8>>) -> Vec<String>;
    /// Asks for the remaining lives of keys. `None` if they do not expire.
    #[cfg(feature = "inspect")]
    fn lives(keys: &[Self::StoredKey]) -> Option<Commands>;
    /// See [`Server::watch`](crate::remote::Server::watch).
    fn watch(route: &Self::Route, namespace: &str, observer: Arc<dyn ChangeObserver>) -> bool {
        let _ = (route, namespace, observer);
        false
    }
}

/// The number of keys that Redis examines per step of a listing.
#[cfg(feature = "inspect")]
pub(super) const LISTED: u32 = 500;

/// The key of this text, which is a key of the ring.
#[cfg(feature = "inspect")]
pub(super) fn key_of_ring<L: KeySchema<StoredKey = StoredKey>>(text: &str, ring: &Name) -> StoredKey {
    let key = StoredKey::from(text.to_owned());
    if ring.is_leased() { L::leased(key) } else { key }
}

/// A key of Redis for each entry: the text of the entry's key.
pub(super) struct Keys;

impl KeySchema for Keys {
    const NAME: &'static str = "redis";

    type StoredKey = StoredKey;
    type Route = Single;
    type Scan = KeyScan;

    fn stored_key<K: RingKey + ?Sized>(namespace: &str, key: &K) -> StoredKey {
        text_in_namespace(namespace, key).into()
    }

    fn routed(key: &StoredKey) -> &str {
        key
    }

    #[cfg(feature = "tiered")]
    fn watch(route: &Single, namespace: &str, observer: Arc<dyn ChangeObserver>) -> bool {
        route.watch().observe(namespace, observer);
        true
    }

    fn read(keys: &[StoredKey]) -> Result<Request<Option<Vec<u8>>>, Fault> {
        if let [_] = keys {
            return Ok(Request::each(
                keys,
                |key| request::on("GET", key),
                request::values,
            ));
        }
        let mut command = Cmd::with_capacity(1 + keys.len(), 0);
        command.arg("MGET");
        for key in keys {
            command.arg(&**key);
        }
        Ok(Request::of(Commands::One(command), request::listed))
    }

    fn read_expiring(keys: &[StoredKey]) -> Result<Request<Option<Found>>, Fault> {
        let mut pipeline = Pipeline::with_capacity(2 * keys.len());
        for key in keys {
            pipeline.add_command(request::on("GET", key));
            pipeline.add_command(request::on("PTTL", key));
        }
        Ok(Request::of(Commands::Many(pipeline), request::expiring))
    }

    fn write(entries: &[Entry<StoredKey>]) -> Result<Request<()>, Fault> {
        let set = |(key, value, expiry): &Entry<StoredKey>| request::set((key, value, *expiry));
        let request = Request::each(entries, set, request::done);
        Ok(request.ending_leases(entries.iter().map(|(key, ..)| key)))
    }

    fn write_if_absent(entries: &[Entry<StoredKey>]) -> Result<Request<bool>, Fault> {
        let set = |(key, value, expiry): &Entry<StoredKey>| {
            let mut command = request::set((key, value, *expiry));
            command.arg("NX");
            command
        };
        Ok(Request::each(entries, set, request::were_set))
    }

    /// `UNLINK` frees memory in the background; `DEL` of a large value would delay other commands.
    fn remove(keys: &[StoredKey]) -> Result<Request<bool>, Fault> {
        let request = Request::each(keys, |key| request::on("UNLINK", key), request::flags);
        Ok(request.ending_leases(keys.iter()))
    }

    fn contains(keys: &[StoredKey]) -> Result<Request<bool>, Fault> {
        Ok(Request::each(
            keys,
            |key| request::on("EXISTS", key),
            request::flags,
        ))
    }

    /// Redis itself removes an entry whose expiry is zero.
    fn touch(entries: &[(StoredKey, Duration)]) -> Result<Request<bool>, Fault> {
        let touch = |(key, expiry): &(StoredKey, Duration)| {
            let mut command = request::on("PEXPIRE", key);
            command.arg(request::milliseconds(*expiry));
            command
        };
        let request = Request::each(entries, touch, request::flags);
        Ok(request.ending_leases(entries.iter().map(|(key, _)| key)))
    }

    const LEASES: ServerLeases = ServerLeases::WithEntries;

    fn leased(key: StoredKey) -> StoredKey {
        let lease = format!("{key}{LEASE}");
        key.leased_by(lease)
    }

    fn acquire(items: &[(StoredKey, LeaseRequest)]) -> Result<Request<LeaseAnswer>, Fault> {
        lease::acquire(items)
    }

    fn write_leased(entries: &[LeasedEntry<StoredKey>], after: AfterWrite) -> Result<Request<bool>, Fault> {
        lease::write(entries, after)
    }

    fn release(leases: &[(StoredKey, LeaseToken)]) -> Result<Request<bool>, Fault> {
        lease::release(leases)
    }

    fn clear(namespace: &str, name: &Name) -> KeyScan {
        KeyScan::new(format!("{namespace}{name}"), "")
    }

    #[cfg(feature = "inspect")]
    fn key_of_text(namespace: &str, ring: &Name, text: &str) -> Option<StoredKey> {
        let is_own = is_of_ring(text, namespace, ring) && !is_lease(text);
        is_own.then(|| key_of_ring::<Self>(text, ring))
    }

    #[cfg(feature = "inspect")]
    fn list(namespace: &str, ring: &Name, cursor: &str) -> Cmd {
        scan(&format!("{namespace}{ring}"), "", cursor, LISTED)
    }

    #[cfg(feature = "inspect")]
    fn texts(namespace: &str, ring: &Name, found: Vec<Vec<u8>>) -> Vec<String> {
        texts(found)
            .filter(|key| is_of_ring(key, namespace, ring) && !is_lease(key))
            .collect()
    }

    #[cfg(feature = "inspect")]
    fn lives(keys: &[StoredKey]) -> Option<Commands> {
        Some(Commands::each(keys, |key| request::on("PTTL", key)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::Fields;
    use super::*;

    fn assert_that_mutations_are_known<L: KeySchema>(lasting: Option<Duration>) {
        let keys = [L::stored_key("", &1), L::stored_key("", &2)];
        let entries = keys.clone().map(|key| (key, vec![], lasting));
        assert!(L::write(&entries).is_ok_and(|write| write.commands.mutate()));
        assert!(L::write_if_absent(&entries).is_ok_and(|write| write.commands.mutate()));
        assert!(L::remove(&keys).is_ok_and(|removal| removal.commands.mutate()));
        let expiries = keys.clone().map(|key| (key, Duration::ZERO));
        if let Ok(touch) = L::touch(&expiries) {
            assert!(touch.commands.mutate());
        }
        for keys in [&keys[..], &keys[..1]] {
            assert!(L::read(keys).is_ok_and(|read| !read.commands.mutate()));
            assert!(L::read_expiring(keys).is_ok_and(|read| !read.commands.mutate()));
            assert!(L::contains(keys).is_ok_and(|look| !look.commands.mutate()));
        }
    }

    #[test]
    fn commands_that_change_entries_are_known() {
        assert_that_mutations_are_known::<Keys>(Some(Duration::from_secs(1)));
        assert_that_mutations_are_known::<Fields>(None);
    }
}
