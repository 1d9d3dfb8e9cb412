//! Storages on servers as the inspector sees them.

use std::sync::Arc;
use std::time::Duration;

use ring_cache_core::inspect::{
    AnyStorage, FoundKey, Inspect, KeyPage, Lent, NodeHealth, StorageHealth, Visit,
};
use ring_cache_core::{Error, Name};

use super::operation::{read_expiring, remove, touch};
use super::{BlockingServer, Fault, Health, Remote, Server};

/// A server whose entries can be found by the texts of their keys.
pub(crate) trait InspectedServer: BlockingServer {
    /// Why keys cannot be listed. `None` if they can.
    const REFUSAL: Option<&'static str>;

    /// The key of this text, if it is a key of the ring.
    fn key_of_text(namespace: &str, ring: &Name, text: &str) -> Option<Self::StoredKey>;

    /// See [`Inspect::keys`].
    fn keys(
        &self,
        namespace: &str,
        ring: &Name,
        from: &str,
        at_most: usize,
    ) -> Result<(Vec<FoundKey>, Option<String>), Fault>;

    /// Removes the entries of the ring.
    fn clear_ring(&self, namespace: &str, ring: &Name) -> Result<(), Fault>;
}

/// Lends a storage, held weakly.
pub(crate) fn visit<S: InspectedServer>(remote: &Remote<S>) -> Visit {
    let (server, nodes) = (Arc::downgrade(&remote.server), Arc::downgrade(&remote.nodes));
    let (flights, background) = (
        Arc::downgrade(&remote.flights),
        Arc::downgrade(&remote.background),
    );
    let (namespace, deadline) = (Arc::clone(&remote.namespace), remote.deadline);
    let upgrade = move || {
        Some(Remote {
            server: server.upgrade()?,
            nodes: nodes.upgrade()?,
            flights: flights.upgrade()?,
            background: background.upgrade()?,
            namespace: Arc::clone(&namespace),
            deadline,
        })
    };
    Arc::new(move |visitor: &mut dyn FnMut(&dyn AnyStorage)| {
        if let Some(remote) = upgrade() {
            visitor(&Lent::<Vec<u8>, Remote<S>>::new(&remote));
        }
    })
}

impl<S: InspectedServer> Inspect<Vec<u8>> for Remote<S> {
    fn refusal(&self) -> Option<&'static str> {
        S::REFUSAL
    }

    fn keys(&self, ring: &Name, from: &str, at_most: usize) -> Result<KeyPage, Error> {
        if let Some(refusal) = S::REFUSAL {
            return Err(Error::storage(S::NAME, "keys", refusal));
        }
        let listed =
            self.without_deadline("keys", |server| server.keys(&self.namespace, ring, from, at_most));
        listed.map(|(keys, next)| KeyPage { keys, next })
    }

    fn remove_text(&self, ring: &Name, key: &str) -> Result<bool, Error> {
        let Some(key) = S::key_of_text(&self.namespace, ring, key) else {
            return Ok(false);
        };
        let removed = self.execute(&remove("delete"), &[key], self.until(None))?;
        Ok(removed.contains(&true))
    }

    fn shorten_text(&self, ring: &Name, key: &str, life: Duration) -> Result<bool, Error> {
        let Some(key) = S::key_of_text(&self.namespace, ring, key) else {
            return Ok(false);
        };
        let until = self.until(None);
        let found = self.execute(&read_expiring("expire"), std::slice::from_ref(&key), until)?;
        let is_longer = |remaining: Option<Duration>| remaining.is_none_or(|remaining| remaining > life);
        let found = found.into_iter().flatten();
        if !found.map(|(_, remaining)| remaining).any(is_longer) {
            return Ok(false);
        }
        let touched = self.execute(&touch("expire"), &[(key, life)], until)?;
        Ok(touched.contains(&true))
    }

    fn clear_entries(&self, ring: &Name) -> Result<(), Error> {
        self.without_deadline("clear", |server| server.clear_ring(&self.namespace, ring))
    }

    fn health(&self) -> StorageHealth {
        let Health {
            silent,
            broken,
            refused,
            busy,
            spared,
            repairs,
            repairs_lost,
            last_error,
            watch_error,
        } = Remote::health(self);
        let counts = [
            ("operations without a reply in time", silent),
            ("operations whose connection broke", broken),
            ("operations that the server refused", refused),
            ("operations for which there was no connection", busy),
            ("operations that an open breaker spared", spared),
            ("entries pending deletion", repairs),
            ("entries whose deletion is not pending any more", repairs_lost),
        ];
        let watch_error = watch_error.map(|error| format!("Changes are not told of: {error}"));
        let last_error = last_error.map(|error| format!("The last failure: {error}"));
        StorageHealth {
            nodes: self.node_health(),
            counts: counts.into_iter().filter(|(_, count)| *count > 0).collect(),
            notes: last_error.into_iter().chain(watch_error).collect(),
        }
    }
}

impl<S: Server> Remote<S> {
    fn node_health(&self) -> Vec<NodeHealth> {
        let nodes = self.nodes().nodes.iter().enumerate();
        let health = nodes.map(|(number, node)| {
            let is_open = node.breaker.is_open();
            NodeHealth {
                address: self.server.address(number),
                is_open,
                fault: is_open.then(|| node.last_fault.lock().clone()),
            }
        });
        // A cluster has spare places for nodes that it does not know yet.
        health
            .filter(|node| node.address.is_some() || node.is_open)
            .collect()
    }
}
