//! Tags of entries in two tiers. The far one keeps them; the near one stores the version in memory with each entry. If the
//! far tier reports changes, forgetting a tag in another process also forgets it in this process's memory.

use std::ops::Deref;
use std::time::{Duration, Instant};

use ring_cache_core::coder::Coder;
use ring_cache_core::storage::{
    Asked, AsyncForgetsTags, AsyncTags, Expiring, ForgetsTags, LeaseToken, Reaches, StorageBase, Tags,
};
use ring_cache_core::{Error, Failure, RingKey, Tag};

use super::many::{all_removed, all_renewed, refused, with_tokens, without_tokens};
use super::steps::Change;
use super::{Near, TieredView};
use crate::tiered::Tiered;

impl<P, N, F, C> Reaches for TieredView<P, N, F, C> {
    type Storage = Self;

    fn reached(&self) -> &Self {
        self
    }
}

/// The answers of the near tier, by positions of the keys, and the keys to ask of the far tier, with their positions.
struct Look<'k, 'a, K: ?Sized, V> {
    found: Vec<Option<Expiring<V>>>,
    places: Vec<usize>,
    absent: Vec<(&'k K, Asked<'a>)>,
}

/// An entry of a bulk write.
type Entry<K, V> = (K, V, Option<Duration>);

/// Entries for the far tier, with the tags of each.
struct Encoded<'t, 'a, K, V, N: Near<V>, F> {
    entries: Vec<Entry<K, Vec<u8>>>,
    asked: Vec<Asked<'a>>,
    /// The keys of values that could not be encoded.
    unfit: Vec<K>,
    /// Whether each value could be encoded.
    fits: Vec<bool>,
    refusal: Option<Error>,
    /// Dropped, so that nothing stays near: a near value would have the tags' version of before the far tier was asked.
    _changes: Vec<Change<'t, V, N, F>>,
}

impl<N, F, C, P> TieredView<P, N, F, C>
where
    P: Deref<Target = Tiered<N, F>>,
    F: StorageBase<Vec<u8>> + Send + Sync + 'static,
{
    fn look<'k, 'a, V, K>(&self, keys: &[(&'k K, Asked<'a>)]) -> Look<'k, 'a, K, V>
    where
        V: 'static,
        N: Near<V>,
        K: RingKey + ?Sized,
    {
        let mut look = Look {
            found: Vec::with_capacity(keys.len()),
            places: Vec::new(),
            absent: Vec::new(),
        };
        for (place, (key, asked)) in keys.iter().enumerate() {
            let found = self.look_near_of(*key, asked.version_in_memory(), false);
            if found.is_none() {
                look.places.push(place);
                look.absent.push((*key, asked.again()));
            }
            look.found.push(found);
        }
        look
    }

    /// The near entries, for keys that the far tier failed to read. The failure if there are none.
    fn near_tagged_after_failure<V, K, E>(
        &self,
        keys: &[(&K, Asked<'_>)],
        failure: E,
    ) -> Result<Vec<Option<Expiring<V>>>, E>
    where
        V: 'static,
        N: Near<V>,
        K: RingKey + ?Sized,
    {
        let found = keys.iter();
        let found = found.map(|(key, asked)| self.look_near_of(*key, asked.version_in_memory(), true));
        self.near_many_after_failure(found.map(Ok), failure)
    }

    fn encode_tagged<'a, K, V>(
        &self,
        entries: Vec<Entry<K, V>>,
        asked: &[Asked<'a>],
    ) -> Encoded<'_, 'a, K, V, N, F>
    where
        V: 'static,
        N: Near<V>,
        C: Coder<V>,
        K: RingKey,
    {
        let mut encoded = Encoded {
            entries: Vec::new(),
            asked: Vec::new(),
            unfit: Vec::new(),
            fits: Vec::with_capacity(entries.len()),
            refusal: None,
            _changes: entries.iter().map(|(key, ..)| self.change::<V, _>(key)).collect(),
        };
        for ((key, value, expiry), asked) in entries.into_iter().zip(asked) {
            let bytes = self.encode_far(&value, &key);
            encoded.fits.push(bytes.is_ok());
            match bytes {
                Ok(bytes) => {
                    encoded.entries.push((key, bytes, expiry));
                    encoded.asked.push(asked.again());
                }
                Err(cause) => {
                    encoded.unfit.push(key);
                    encoded.refusal = encoded.refusal.or(Some(Error::encode(cause)));
                }
            }
        }
        encoded
    }
}

/// For each value, whether it was written: those that could be encoded have these answers.
fn which_were_written(fits: &[bool], written: Vec<bool>) -> Vec<bool> {
    let mut written = written.into_iter();
    let mut next = || written.next().unwrap_or(false);
    fits.iter().map(|fits| *fits && next()).collect()
}

/// The coder's error, if there was one, as one of the far tier; `Ok` if its errors cannot express it.
fn end<E: Failure>(refusal: Option<Error>) -> Result<(), E> {
    refusal.map_or(Ok(()), refused)
}

impl<V, N, F, C, P> Tags<V> for TieredView<P, N, F, C>
where
    P: Deref<Target = Tiered<N, F>>,
    V: Clone + Send + Sync + 'static,
    N: Near<V>,
    F: Tags<Vec<u8>> + Send + Sync + 'static,
    C: Coder<V>,
{
    fn read_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[(&K, Asked<'_>)],
        until: Option<Instant>,
    ) -> Result<Vec<Option<Expiring<V>>>, F::Error> {
        let mut look = self.look(keys);
        if look.places.is_empty() {
            return Ok(look.found);
        }
        let absent = look.absent.iter();
        let fetches: Vec<_> = absent
            .map(|(key, asked)| self.fetch::<V, _>(*key).of(asked.version_in_memory()))
            .collect();
        let read = self.far().read_tagged(&look.absent, until);
        match read {
            Ok(found) => {
                for ((place, fetch), found) in look.places.into_iter().zip(fetches).zip(found) {
                    look.found[place] = fetch.arrived::<C>(found);
                }
                Ok(look.found)
            }
            Err(failure) => self.near_tagged_after_failure(keys, failure),
        }
    }

    fn see_tagged(&self, asked: &[Asked<'_>], until: Option<Instant>) -> Result<(), F::Error> {
        self.far().see_tagged(asked, until)
    }

    fn write_tagged<K: RingKey>(
        &self,
        entries: Vec<Entry<K, V>>,
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<(), F::Error> {
        let encoded = self.encode_tagged(entries, asked);
        if !encoded.unfit.is_empty() {
            let unfit: Vec<_> = encoded.unfit.iter().collect();
            self.far().remove_tagged(&unfit, until)?;
        }
        if !encoded.entries.is_empty() {
            self.far().write_tagged(encoded.entries, &encoded.asked, until)?;
        }
        end(encoded.refusal)
    }

    fn write_leased_tagged<K: RingKey>(
        &self,
        entries: Vec<(K, V, Option<Duration>, LeaseToken)>,
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, F::Error> {
        let (entries, tokens) = without_tokens(entries);
        let encoded = self.encode_tagged(entries, asked);
        if !encoded.unfit.is_empty() {
            let unfit: Vec<_> = encoded.unfit.iter().collect();
            self.far().remove_tagged(&unfit, until)?;
        }
        let leased = with_tokens(encoded.entries, tokens, &encoded.fits);
        let written = self.far().write_leased_tagged(leased, &encoded.asked, until)?;
        end(encoded.refusal).map(|()| which_were_written(&encoded.fits, written))
    }

    fn remove_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[&K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, F::Error> {
        let changes: Vec<_> = keys.iter().map(|key| self.change::<V, _>(*key)).collect();
        let there = self.far().remove_tagged(keys, until)?;
        Ok(all_removed(changes, there))
    }

    fn renew_tagged<K: RingKey + ?Sized>(
        &self,
        entries: &[(&K, Duration)],
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, F::Error> {
        let changes: Vec<_> = entries.iter().map(|(key, _)| self.change::<V, _>(*key)).collect();
        let there = self.far().renew_tagged(entries, asked, until)?;
        all_renewed(changes, entries, &there);
        Ok(there)
    }
}

impl<V, N, F, C, P> AsyncTags<V> for TieredView<P, N, F, C>
where
    P: Deref<Target = Tiered<N, F>>,
    V: Clone + Send + Sync + 'static,
    N: Near<V>,
    F: AsyncTags<Vec<u8>> + Send + Sync + 'static,
    C: Coder<V>,
{
    async fn read_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[(&K, Asked<'_>)],
        until: Option<Instant>,
    ) -> Result<Vec<Option<Expiring<V>>>, F::Error> {
        let mut look = self.look(keys);
        if look.places.is_empty() {
            return Ok(look.found);
        }
        let absent = look.absent.iter();
        let fetches: Vec<_> = absent
            .map(|(key, asked)| self.fetch::<V, _>(*key).of(asked.version_in_memory()))
            .collect();
        let read = self.far().read_tagged(&look.absent, until).await;
        match read {
            Ok(found) => {
                for ((place, fetch), found) in look.places.into_iter().zip(fetches).zip(found) {
                    look.found[place] = fetch.arrived::<C>(found);
                }
                Ok(look.found)
            }
            Err(failure) => self.near_tagged_after_failure(keys, failure),
        }
    }

    async fn see_tagged(&self, asked: &[Asked<'_>], until: Option<Instant>) -> Result<(), F::Error> {
        self.far().see_tagged(asked, until).await
    }

    async fn write_tagged<K: RingKey>(
        &self,
        entries: Vec<Entry<K, V>>,
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<(), F::Error> {
        let encoded = self.encode_tagged(entries, asked);
        if !encoded.unfit.is_empty() {
            let unfit: Vec<_> = encoded.unfit.iter().collect();
            self.far().remove_tagged(&unfit, until).await?;
        }
        if !encoded.entries.is_empty() {
            self.far()
                .write_tagged(encoded.entries, &encoded.asked, until)
                .await?;
        }
        end(encoded.refusal)
    }

    async fn write_leased_tagged<K: RingKey>(
        &self,
        entries: Vec<(K, V, Option<Duration>, LeaseToken)>,
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, F::Error> {
        let (entries, tokens) = without_tokens(entries);
        let encoded = self.encode_tagged(entries, asked);
        if !encoded.unfit.is_empty() {
            let unfit: Vec<_> = encoded.unfit.iter().collect();
            self.far().remove_tagged(&unfit, until).await?;
        }
        let leased = with_tokens(encoded.entries, tokens, &encoded.fits);
        let written = self
            .far()
            .write_leased_tagged(leased, &encoded.asked, until)
            .await?;
        end(encoded.refusal).map(|()| which_were_written(&encoded.fits, written))
    }

    async fn remove_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[&K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, F::Error> {
        let changes: Vec<_> = keys.iter().map(|key| self.change::<V, _>(*key)).collect();
        let there = self.far().remove_tagged(keys, until).await?;
        Ok(all_removed(changes, there))
    }

    async fn renew_tagged<K: RingKey + ?Sized>(
        &self,
        entries: &[(&K, Duration)],
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, F::Error> {
        let changes: Vec<_> = entries.iter().map(|(key, _)| self.change::<V, _>(*key)).collect();
        let there = self.far().renew_tagged(entries, asked, until).await?;
        all_renewed(changes, entries, &there);
        Ok(there)
    }
}

impl<N, F: ForgetsTags> ForgetsTags for Tiered<N, F> {
    type Failure = F::Failure;

    fn forget_tag(&self, tag: Tag) -> Result<(), F::Failure> {
        let forgotten = self.far().forget_tag(tag);
        tag.forget();
        forgotten
    }
}

impl<N, F: AsyncForgetsTags> AsyncForgetsTags for Tiered<N, F> {
    type Failure = F::Failure;

    async fn forget_tag(&self, tag: Tag) -> Result<(), F::Failure> {
        let forgotten = self.far().forget_tag(tag).await;
        tag.forget();
        forgotten
    }
}
