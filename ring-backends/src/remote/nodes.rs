//! An operation on items whose keys are on several nodes: all nodes are asked at the same time, and the failure of one does
//! not affect the others.

use std::time::Instant;

#[cfg(feature = "tokio")]
use futures_util::future::join_all;
use parking_lot::Mutex;
use ring_cache_core::Error;

#[cfg(feature = "tokio")]
use super::AsyncServer;
use super::operation::Operation;
use super::{BlockingServer, Remote, Server};

/// The results of each node, for the items at these positions.
pub(super) struct Gathered<T> {
    results: Vec<(Vec<usize>, Results<T>)>,
    count: usize,
}

type Results<T> = Result<Vec<T>, Error>;

/// The items of one node, and their positions among all.
type Part<I> = (Vec<usize>, Vec<I>);

impl<S: Server> Remote<S> {
    /// The node of the items, if all are on one, among `count`.
    pub(super) fn node_of<I, T: Send>(
        &self,
        count: usize,
        operation: &Operation<S, I, T>,
        items: &[I],
    ) -> usize {
        match (count, items.first()) {
            (count @ 2.., Some(item)) => self.server.node((operation.key)(item)) % count,
            _ => 0,
        }
    }

    fn parts<I, T: Send>(&self, operation: &Operation<S, I, T>, items: Vec<I>) -> Vec<Part<I>> {
        let count = self.nodes().nodes.len();
        let mut parts: Vec<Part<I>> = (0..count).map(|_| Part::default()).collect();
        for (position, item) in items.into_iter().enumerate() {
            let node = self.node_of(count, operation, std::slice::from_ref(&item));
            parts[node].0.push(position);
            parts[node].1.push(item);
        }
        parts.retain(|(_, items)| !items.is_empty());
        parts
    }
}

impl<S: BlockingServer> Remote<S> {
    /// Executes an operation, with one thread for each node.
    pub(super) fn execute_on_all<I: Send, T: Default + Send>(
        &self,
        operation: &Operation<S, I, T>,
        items: Vec<I>,
        until: Instant,
    ) -> Gathered<T> {
        let count = items.len();
        let parts = self.parts(operation, items).into_iter();
        let parts: Vec<_> = parts.map(|part| Mutex::new(Some(part))).collect();
        let results = Mutex::new(Vec::with_capacity(parts.len()));
        // Each part is taken once; this thread takes the parts whose threads could not be started.
        let work = |part: &Mutex<Option<Part<I>>>| {
            let part = part.lock().take();
            if let Some((positions, items)) = part {
                let result = self.execute(operation, &items, until);
                results.lock().push((positions, result));
            }
        };
        let work = &work;
        std::thread::scope(|scope| {
            for part in parts.iter().skip(1) {
                drop(std::thread::Builder::new().spawn_scoped(scope, move || work(part)));
            }
            parts.iter().for_each(work);
        });
        Gathered {
            results: results.into_inner(),
            count,
        }
    }
}

#[cfg(feature = "tokio")]
impl<S: AsyncServer> Remote<S> {
    /// [`execute_on_all`](Self::execute_on_all), awaited.
    pub(super) async fn execute_on_all_async<I, T: Default + Send>(
        &self,
        operation: &Operation<S, I, T>,
        items: Vec<I>,
        until: Instant,
    ) -> Gathered<T> {
        let count = items.len();
        let parts = self.parts(operation, items).into_iter();
        let work = parts.map(|(positions, items)| async move {
            let result = self.execute_async(operation, &items, until).await;
            (positions, result)
        });
        Gathered {
            results: join_all(work).await,
            count,
        }
    }
}

impl<T: Default> Gathered<T> {
    /// The results in the order of the items, or the error of a node.
    pub(super) fn all(self) -> Results<T> {
        let mut all = Vec::new();
        all.resize_with(self.count, T::default);
        for (positions, results) in self.results {
            for (position, result) in positions.into_iter().zip(results?) {
                all[position] = result;
            }
        }
        Ok(all)
    }

    /// The results of a look-up. Keys on failed nodes count as absent; if all nodes failed, the error.
    pub(super) fn found(mut self) -> Results<T> {
        if self.results.iter().any(|(_, results)| results.is_ok()) {
            self.results.retain(|(_, results)| results.is_ok());
        }
        self.all()
    }
}
