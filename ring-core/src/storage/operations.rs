//! The table of a storage's raw operations, for wrappers that forward all of them.
//!
//! Each row has the name, the word in errors, the bounds of `K`, the keys as passed, recorded and lent, the other parameters
//! and the result. `until` is the last parameter of all. `T` is the type of values where the table is used.

/// Calls a macro with the operations whose failure leaves entries valid.
#[doc(hidden)]
#[macro_export]
macro_rules! storage_queries {
    ($($forward:tt)+) => {
        $($forward)+! {
            read "get" (K: $crate::RingKey + ?Sized)
                (key: &K => $crate::key::EncodedKey = &key) () -> Option<T>;
            contains "has" (K: $crate::RingKey + ?Sized)
                (key: &K => $crate::key::EncodedKey = &key) () -> bool;
            renew "touch" (K: $crate::RingKey + ?Sized)
                (key: &K => $crate::key::EncodedKey = &key) (expiry: ::std::time::Duration) -> bool;
            read_expiring "get" (K: $crate::RingKey + ?Sized)
                (key: &K => $crate::key::EncodedKey = &key) () -> Option<$crate::storage::Expiring<T>>;
            contains_fresh "has" (K: $crate::RingKey + ?Sized)
                (key: &K => $crate::key::EncodedKey = &key) (stale: ::std::time::Duration) -> bool;
            read_many "get_many" (K: $crate::RingKey)
                (keys: &[K] => Vec<$crate::key::EncodedKey> = &keys) () -> Vec<Option<T>>;
            contains_many "has_many" (K: $crate::RingKey)
                (keys: &[K] => Vec<$crate::key::EncodedKey> = &keys) () -> Vec<bool>;
            renew_many "touch_many" (K: $crate::RingKey)
                (entries: &[(K, ::std::time::Duration)] => Vec<($crate::key::EncodedKey, ::std::time::Duration)> = &entries)
                () -> Vec<bool>;
            read_many_expiring "get_many" (K: $crate::RingKey)
                (keys: &[K] => Vec<$crate::key::EncodedKey> = &keys) () -> Vec<Option<$crate::storage::Expiring<T>>>;
            contains_fresh_many "has_many" (K: $crate::RingKey)
                (keys: &[K] => Vec<$crate::key::EncodedKey> = &keys) (stale: ::std::time::Duration) -> Vec<bool>;
            write_if_absent "set" (K: $crate::RingKey + ?Sized)
                (key: &K => $crate::key::EncodedKey = &key) (value: T, expiry: Option<::std::time::Duration>) -> bool;
            acquire "lease" (K: $crate::RingKey + ?Sized)
                (key: &K => $crate::key::EncodedKey = &key) (request: $crate::storage::LeaseRequest)
                -> $crate::storage::Acquired<T>;
        }
    };
}

/// Calls a macro with the operations whose failure leaves entries out of date.
#[doc(hidden)]
#[macro_export]
macro_rules! storage_mutations {
    ($($forward:tt)+) => {
        $($forward)+! {
            write "set" (K: $crate::RingKey + ?Sized)
                (key: &K => $crate::key::EncodedKey = &key) (value: T, expiry: Option<::std::time::Duration>) -> ();
            remove "delete" (K: $crate::RingKey + ?Sized)
                (key: &K => $crate::key::EncodedKey = &key) () -> bool;
            write_many "set_many" (K: $crate::RingKey)
                (entries: Vec<(K, T, Option<::std::time::Duration>)>
                    => Vec<($crate::key::EncodedKey, T, Option<::std::time::Duration>)> = entries)
                () -> ();
            write_leased "set" (K: $crate::RingKey)
                (entries: Vec<(K, T, Option<::std::time::Duration>, $crate::storage::LeaseToken)>
                    => Vec<($crate::key::EncodedKey, T, Option<::std::time::Duration>, $crate::storage::LeaseToken)> = entries)
                (after: $crate::storage::AfterWrite) -> Vec<bool>;
            remove_many "delete_many" (K: $crate::RingKey)
                (keys: &[K] => Vec<$crate::key::EncodedKey> = &keys) () -> Vec<bool>;
        }
    };
}
