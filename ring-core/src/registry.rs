//! The state of generic rings. A static cannot be generic, so each instantiation is found by its type.

use std::any::{Any, TypeId};
use std::cmp::Ordering;

use crate::generated::Shared;
use crate::ring::type_id;
use crate::sync::lasting::OnceLock;

/// A search tree that only grows, with one node per instantiation. Look-ups take no lock.
///
/// It needs no balancing: the identities of types are hashes, in random order.
#[derive(Default)]
pub struct Registry {
    root: Place,
}

type Place = OnceLock<Box<Node>>;

struct Node {
    instantiation: TypeId,
    state: Box<dyn Any + Send + Sync>,
    before: Place,
    after: Place,
}

impl Registry {
    /// An empty registry.
    pub const fn new() -> Self {
        Registry {
            root: OnceLock::new(),
        }
    }

    /// The state of the instantiation that `_of` belongs to: a generic function passes an item of its own.
    ///
    /// `init` runs at most once for each instantiation whose state is kept. A state is dropped if another thread
    /// stored one first.
    pub fn get<I, How, S>(&'static self, _of: I, init: impl FnOnce() -> S) -> &'static S
    where
        S: Shared<How> + 'static,
    {
        let instantiation = type_id::<I>();
        let mut init = Some(init);
        let mut place = &self.root;
        loop {
            let node = place.get_or_init(|| {
                let init = init
                    .take()
                    .unwrap_or_else(|| unreachable!("a place is filled once"));
                Box::new(Node {
                    instantiation,
                    state: init().shared(),
                    before: OnceLock::new(),
                    after: OnceLock::new(),
                })
            });
            place = match instantiation.cmp(&node.instantiation) {
                Ordering::Less => &node.before,
                Ordering::Greater => &node.after,
                Ordering::Equal => {
                    return node
                        .state
                        .downcast_ref()
                        .unwrap_or_else(|| unreachable!("one state a type"));
                }
            };
        }
    }
}
