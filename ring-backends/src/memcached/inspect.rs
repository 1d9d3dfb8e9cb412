//! Memcached as the inspector sees it: it cannot list keys or rings. A key of known text can be deleted.

use ring_cache_core::Name;
use ring_cache_core::inspect::{FoundKey, is_of_ring};

use super::MemcachedServer;
use super::stored_key::StoredKey;
use crate::remote::Fault;
use crate::remote::inspect::InspectedServer;

const LISTS_NOTHING: &str = "memcached does not list keys";

impl InspectedServer for MemcachedServer {
    const REFUSAL: Option<&'static str> = Some(LISTS_NOTHING);

    fn key_of_text(namespace: &str, ring: &Name, text: &str) -> Option<StoredKey> {
        let key = || StoredKey::of_text(text);
        let key = || if ring.is_leased() { key().leased() } else { key() };
        is_of_ring(text, namespace, ring).then(key)
    }

    fn keys(&self, _: &str, _: &Name, _: &str, _: usize) -> Result<(Vec<FoundKey>, Option<String>), Fault> {
        Err(Fault::Refused(LISTS_NOTHING.into()))
    }

    fn clear_ring(&self, _: &str, _: &Name) -> Result<(), Fault> {
        Err(Fault::Refused(LISTS_NOTHING.into()))
    }
}
