//! Tags in a storage of this process: one number, the version of an entry's tags, lies beside each entry.

/// Implements the tags of a memory storage in both modes.
///
/// The storage has `find_of(key, version)`, `put_of(key, value, expiry, version)` and `has_of(key, version)`: the operations
/// on the entry of a key if it was stored with that version.
macro_rules! in_memory_tags {
    ($Storage:ident) => {
        impl<T: Clone> $crate::storage::Tags<T> for $Storage<T> {
            fn read_tagged<K: RingKey + ?Sized>(
                &self,
                keys: &[(&K, $crate::storage::Asked<'_>)],
                _: Option<Instant>,
            ) -> Result<Vec<Option<Expiring<T>>>, Self::Error> {
                let found = keys.iter().map(|(key, asked)| {
                    let version = asked.version_in_memory();
                    asked.see(Some(version));
                    self.find_of(*key, version)
                });
                Ok(found.collect())
            }

            fn see_tagged(
                &self,
                asked: &[$crate::storage::Asked<'_>],
                _: Option<Instant>,
            ) -> Result<(), Self::Error> {
                for asked in asked {
                    asked.see(Some(asked.version_in_memory()));
                }
                Ok(())
            }

            fn write_tagged<K: RingKey>(
                &self,
                entries: Vec<(K, T, Option<Duration>)>,
                asked: &[$crate::storage::Asked<'_>],
                until: Option<Instant>,
            ) -> Result<(), Self::Error> {
                for ((key, value, expiry), asked) in entries.into_iter().zip(asked) {
                    match asked.seen() {
                        Some(version) => self.put_of(&key, value, expiry, version),
                        None => _ = Storage::remove(self, &key, until)?,
                    }
                }
                Ok(())
            }

            fn write_leased_tagged<K: RingKey>(
                &self,
                entries: Vec<(K, T, Option<Duration>, $crate::flights::LeaseToken)>,
                asked: &[$crate::storage::Asked<'_>],
                until: Option<Instant>,
            ) -> Result<Vec<bool>, Self::Error> {
                let (entries, tokens) = $crate::storage::without_tokens(entries);
                $crate::storage::Tags::write_tagged(self, entries, asked, until)?;
                Ok(vec![true; tokens.len()])
            }

            fn remove_tagged<K: RingKey + ?Sized>(
                &self,
                keys: &[&K],
                until: Option<Instant>,
            ) -> Result<Vec<bool>, Self::Error> {
                let removed = keys.iter().map(|key| Storage::remove(self, *key, until));
                removed.collect()
            }

            fn renew_tagged<K: RingKey + ?Sized>(
                &self,
                entries: &[(&K, Duration)],
                asked: &[$crate::storage::Asked<'_>],
                until: Option<Instant>,
            ) -> Result<Vec<bool>, Self::Error> {
                let entries = entries.iter().zip(asked);
                let renewed = entries.map(|((key, expiry), asked)| {
                    let has_entry = self.has_of(*key, asked.version_in_memory());
                    Ok(has_entry && Storage::renew(self, *key, *expiry, until)?)
                });
                renewed.collect()
            }
        }

        impl<T: Clone> $crate::storage::AsyncTags<T> for $Storage<T> {
            fn read_tagged_at_once<K>(
                &self,
                key: &K,
                asked: &$crate::storage::Asked<'_>,
            ) -> Option<Result<Option<T>, Self::Error>>
            where
                K: RingKey + ?Sized,
            {
                let version = asked.version_in_memory();
                asked.see(Some(version));
                Some(Ok(self.find_of(key, version).map(|found| found.value)))
            }

            async fn read_tagged<K: RingKey + ?Sized>(
                &self,
                keys: &[(&K, $crate::storage::Asked<'_>)],
                until: Option<Instant>,
            ) -> Result<Vec<Option<Expiring<T>>>, Self::Error> {
                $crate::storage::Tags::read_tagged(self, keys, until)
            }

            async fn see_tagged(
                &self,
                asked: &[$crate::storage::Asked<'_>],
                until: Option<Instant>,
            ) -> Result<(), Self::Error> {
                $crate::storage::Tags::see_tagged(self, asked, until)
            }

            async fn write_tagged<K: RingKey>(
                &self,
                entries: Vec<(K, T, Option<Duration>)>,
                asked: &[$crate::storage::Asked<'_>],
                until: Option<Instant>,
            ) -> Result<(), Self::Error> {
                $crate::storage::Tags::write_tagged(self, entries, asked, until)
            }

            async fn write_leased_tagged<K: RingKey>(
                &self,
                entries: Vec<(K, T, Option<Duration>, $crate::flights::LeaseToken)>,
                asked: &[$crate::storage::Asked<'_>],
                until: Option<Instant>,
            ) -> Result<Vec<bool>, Self::Error> {
                $crate::storage::Tags::write_leased_tagged(self, entries, asked, until)
            }

            async fn remove_tagged<K: RingKey + ?Sized>(
                &self,
                keys: &[&K],
                until: Option<Instant>,
            ) -> Result<Vec<bool>, Self::Error> {
                $crate::storage::Tags::remove_tagged(self, keys, until)
            }

            async fn renew_tagged<K: RingKey + ?Sized>(
                &self,
                entries: &[(&K, Duration)],
                asked: &[$crate::storage::Asked<'_>],
                until: Option<Instant>,
            ) -> Result<Vec<bool>, Self::Error> {
                $crate::storage::Tags::renew_tagged(self, entries, asked, until)
            }
        }

        impl<T> $crate::tag::ForgetsTags for $Storage<T> {
            type Failure = std::convert::Infallible;

            fn forget_tag(&self, tag: $crate::tag::Tag) -> Result<(), std::convert::Infallible> {
                tag.forget();
                Ok(())
            }
        }

        impl<T> $crate::tag::AsyncForgetsTags for $Storage<T> {
            type Failure = std::convert::Infallible;

            async fn forget_tag(&self, tag: $crate::tag::Tag) -> Result<(), std::convert::Infallible> {
                tag.forget();
                Ok(())
            }
        }
    };
}
pub(crate) use in_memory_tags;
