//! The steps of bulk operations on two tiers, shared by both modes.

use std::ops::Deref;
use std::time::Duration;

use ring_cache_core::coder::Coder;
use ring_cache_core::storage::{Expiring, LeaseToken, StorageBase};
use ring_cache_core::{Error, Failure, RingKey};

use super::steps::{Change, Fetch};
use super::{Near, TieredView};
use crate::tiered::Tiered;

/// A look-up of many keys: what was found near, and what is fetched from the far tier.
pub(super) struct ReadMany<'t, T, V, N, F> {
    values: Vec<Option<T>>,
    /// The positions of the keys to fetch.
    places: Vec<usize>,
    fetches: Vec<Fetch<'t, V, N, F>>,
}

impl<'t, T, V: Clone, N: Near<V>, F: StorageBase<Vec<u8>>> ReadMany<'t, T, V, N, F> {
    /// The keys to fetch.
    pub(super) fn absent<'k, K>(&self, keys: &'k [K]) -> Vec<&'k K> {
        self.places.iter().map(|place| &keys[*place]).collect()
    }

    /// The results in order: near values, and those that arrived from the far tier.
    pub(super) fn finish<C: Coder<V>>(
        mut self,
        found: Vec<Option<Expiring<Vec<u8>>>>,
        of: impl Fn(Expiring<V>) -> T,
    ) -> Vec<Option<T>> {
        for ((place, fetch), found) in self.places.into_iter().zip(self.fetches).zip(found) {
            self.values[place] = fetch.arrived::<C>(found).map(&of);
        }
        self.values
    }
}

/// An entry of a bulk write.
type Entry<K, V> = (K, V, Option<Duration>);

/// An entry of a bulk write under leases, for the far tier.
type LeasedEntry<K> = (K, Vec<u8>, Option<Duration>, LeaseToken);

/// A write of many values.
pub(super) struct WriteMany<'t, K, V, N: Near<V>, F> {
    /// The entries for the far tier.
    pub(super) encoded: Vec<Entry<K, Vec<u8>>>,
    /// Keys whose values could not be encoded: an older value is removed.
    pub(super) unfit: Vec<K>,
    /// Whether each value could be encoded.
    fits: Vec<bool>,
    changes: Vec<Entry<Change<'t, V, N, F>, V>>,
    removals: Vec<Change<'t, V, N, F>>,
    refusal: Option<Error>,
}

impl<K, V, N: Near<V>, F> WriteMany<'_, K, V, N, F> {
    /// The unfit values were removed, or their removal failed: none is near.
    pub(super) fn removed(&mut self) {
        self.removals.clear();
    }

    /// The far tier failed: see [`Change::failed`].
    pub(super) fn failed(self) {
        for (change, value, expiry) in self.changes {
            change.failed(value, expiry);
        }
    }

    /// The far tier has stored the values.
    pub(super) fn written<E: Failure>(self) -> Result<(), E> {
        for (change, value, expiry) in self.changes {
            change.written(value, expiry);
        }
        self.refusal.map_or(Ok(()), refused)
    }
}

/// Entries, and the tokens of their leases.
pub(super) fn without_tokens<K, V>(
    entries: Vec<(K, V, Option<Duration>, LeaseToken)>,
) -> (Vec<Entry<K, V>>, Vec<LeaseToken>) {
    let entries = entries.into_iter();
    entries
        .map(|(key, value, expiry, token)| ((key, value, expiry), token))
        .unzip()
}

/// Entries of values that could be encoded, with their tokens among those of all values.
pub(super) fn with_tokens<K>(
    encoded: Vec<Entry<K, Vec<u8>>>,
    tokens: Vec<LeaseToken>,
    fits: &[bool],
) -> Vec<LeasedEntry<K>> {
    let tokens = tokens.into_iter().zip(fits);
    let tokens = tokens.filter_map(|(token, fits)| fits.then_some(token));
    let entries = encoded.into_iter().zip(tokens);
    entries
        .map(|((key, bytes, expiry), token)| (key, bytes, expiry, token))
        .collect()
}

impl<K, V, N: Near<V>, F> WriteMany<'_, K, V, N, F> {
    /// The entries for the far tier, with their tokens, taken from those of all entries.
    pub(super) fn take_leased(&mut self, tokens: Vec<LeaseToken>) -> Vec<LeasedEntry<K>> {
        with_tokens(std::mem::take(&mut self.encoded), tokens, &self.fits)
    }

    /// The far tier has stored the `written` ones. Returns for each entry whether it was stored.
    pub(super) fn written_leased<E: Failure>(self, written: Vec<bool>) -> Result<Vec<bool>, E> {
        let mut written = written.into_iter().chain(std::iter::repeat(false));
        let mut changes = self.changes.into_iter();
        let mut end = || {
            let is_written = written.next().unwrap_or(false);
            match changes.next() {
                Some((change, value, expiry)) if is_written => change.written(value, expiry),
                Some((change, ..)) => _ = change.removed(),
                None => {}
            }
            is_written
        };
        let all = self.fits.into_iter().map(|fits| fits && end()).collect();
        match self.refusal {
            Some(refusal) => refused(refusal).map(|()| all),
            None => Ok(all),
        }
    }
}

impl<N, F, C, P> TieredView<P, N, F, C>
where
    P: Deref<Target = Tiered<N, F>>,
    F: StorageBase<Vec<u8>> + Send + Sync + 'static,
{
    /// Looks up each key in the near tier by `look`.
    pub(super) fn begin_read_many<T, V, K>(
        &self,
        keys: &[K],
        look: impl Fn(&K) -> Option<T>,
    ) -> ReadMany<'_, T, V, N, F>
    where
        V: 'static,
        N: Near<V>,
        K: RingKey,
    {
        let values: Vec<_> = keys.iter().map(look).collect();
        let places = values.iter().enumerate();
        let places: Vec<_> = places
            .filter_map(|(place, value)| value.is_none().then_some(place))
            .collect();
        let fetches = places.iter().map(|place| self.fetch(&keys[*place])).collect();
        ReadMany {
            values,
            places,
            fetches,
        }
    }

    /// The near entries, for keys that the far tier failed to read. The failure if there are none.
    pub(super) fn near_many_after_failure<T, E>(
        &self,
        found: impl Iterator<Item = Result<Option<T>, ()>>,
        failure: E,
    ) -> Result<Vec<Option<T>>, E> {
        let found: Vec<_> = found.map(|found| found.ok().flatten()).collect();
        let is_any = found.iter().any(Option::is_some);
        is_any.then_some(found).ok_or(failure)
    }

    /// Whether each key has a near entry, for keys that the far tier failed to read. The failure if none has.
    pub(super) fn are_near_after_failure<V, K, E>(&self, keys: &[K], failure: E) -> Result<Vec<bool>, E>
    where
        V: 'static,
        N: Near<V>,
        K: RingKey,
    {
        let there = keys
            .iter()
            .map(|key| self.is_near_after_failure::<V, _, _>(key, ()).is_ok());
        let there: Vec<_> = there.collect();
        there.contains(&true).then_some(there).ok_or(failure)
    }

    /// Whether each key has a near entry, and the positions of those without.
    pub(super) fn are_near<V, K>(&self, keys: &[K]) -> (Vec<bool>, Vec<usize>)
    where
        V: 'static,
        N: Near<V>,
        K: RingKey,
    {
        let there: Vec<_> = keys.iter().map(|key| self.is_near::<V, _>(key)).collect();
        let absent = (0..keys.len()).filter(|place| !there[*place]).collect();
        (there, absent)
    }

    pub(super) fn begin_write_many<V, K>(&self, entries: Vec<Entry<K, V>>) -> WriteMany<'_, K, V, N, F>
    where
        V: 'static,
        N: Near<V>,
        C: Coder<V>,
        K: RingKey,
    {
        let mut many = WriteMany {
            encoded: Vec::new(),
            unfit: Vec::new(),
            fits: Vec::new(),
            changes: Vec::new(),
            removals: Vec::new(),
            refusal: None,
        };
        for (key, value, expiry) in entries {
            let change = self.change::<V, _>(&key);
            let encoded = self.encode_far(&value, &key);
            many.fits.push(encoded.is_ok());
            match encoded {
                Ok(bytes) => {
                    many.encoded.push((key, bytes, expiry));
                    many.changes.push((change, value, expiry));
                }
                Err(cause) => {
                    many.unfit.push(key);
                    many.removals.push(change);
                    many.refusal = many.refusal.or(Some(Error::encode(cause)));
                }
            }
        }
        many
    }
}

/// The changes of many keys were made. Returns whether each key had an entry.
pub(super) fn all_removed<V, N: Near<V>, F>(
    changes: Vec<Change<'_, V, N, F>>,
    mut there: Vec<bool>,
) -> Vec<bool> {
    there.resize(changes.len(), false);
    for (change, there) in changes.into_iter().zip(&mut there) {
        *there |= change.removed();
    }
    there
}

/// The expiries of the existing entries of many keys were restarted.
pub(super) fn all_renewed<K, V, N: Near<V>, F>(
    changes: Vec<Change<'_, V, N, F>>,
    entries: &[(K, Duration)],
    there: &[bool],
) {
    for ((change, (_, expiry)), there) in changes.into_iter().zip(entries).zip(there) {
        change.renewed(there.then_some(*expiry));
    }
}

/// The coder's error as one of the far tier; `Ok` if its errors cannot express it.
pub(super) fn refused<E: Failure>(error: Error) -> Result<(), E> {
    E::from_error(error).map_or(Ok(()), Err)
}
