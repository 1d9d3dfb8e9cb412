//! Operations on many entries, which may lie on several nodes: all nodes are asked at once, each for its own, and one
//! that fails harms no other.

#[cfg(feature = "tokio")]
use futures_util::future::join_all;
use parking_lot::Mutex;
use ring_cache_core::Error;

use super::{Line, Remote, Server};

/// The answers of nodes, each for the items at these positions.
pub(super) struct Gathered<R> {
    answers: Vec<(Vec<usize>, Result<R, Error>)>,
    items: usize,
}

/// Items of one node, and their positions among all.
type Part<I> = (Vec<usize>, Vec<I>);

impl<S: Server> Remote<S> {
    /// What is known of the node that these places lie on.
    pub(super) fn line(&self, places: &[S::Place]) -> &Line<S::Place> {
        let nodes = &self.lines.nodes;
        match places.first() {
            Some(place) if nodes.len() > 1 => &nodes[self.server.node(place) % nodes.len()],
            _ => &nodes[0],
        }
    }

    fn parts<I>(&self, items: Vec<I>, place: impl Fn(&I) -> &S::Place) -> Vec<Part<I>> {
        let nodes = self.lines.nodes.len();
        if items.is_empty() {
            return Vec::new();
        }
        if nodes == 1 {
            return vec![((0..items.len()).collect(), items)];
        }
        let mut parts: Vec<Part<I>> = (0..nodes).map(|_| Part::default()).collect();
        for (position, item) in items.into_iter().enumerate() {
            let (positions, items) = &mut parts[self.server.node(place(&item)) % nodes];
            positions.push(position);
            items.push(item);
        }
        parts.retain(|(_, items)| !items.is_empty());
        parts
    }

    /// Does something with the items of each node, on a thread for each.
    pub(super) fn on_nodes<I: Send, R: Send>(
        &self,
        items: Vec<I>,
        place: impl Fn(&I) -> &S::Place,
        act: impl Fn(Vec<I>) -> Result<R, Error> + Sync,
    ) -> Gathered<R> {
        let count = items.len();
        let parts = self.parts(items, place);
        let open: Vec<_> = parts.into_iter().map(|part| Mutex::new(Some(part))).collect();
        let answers = Mutex::new(Vec::with_capacity(open.len()));
        // Whoever comes first takes a part, so that a thread that could not be had is not missed.
        let work = |part: &Mutex<Option<Part<I>>>| {
            let part = part.lock().take();
            if let Some((positions, items)) = part {
                let answer = act(items);
                answers.lock().push((positions, answer));
            }
        };
        let work = &work;
        std::thread::scope(|scope| {
            for part in open.iter().skip(1) {
                let spawned = std::thread::Builder::new().spawn_scoped(scope, move || work(part));
                // It is done below then.
                drop(spawned);
            }
            open.iter().for_each(work);
        });
        Gathered {
            answers: answers.into_inner(),
            items: count,
        }
    }

    /// [`on_nodes`](Self::on_nodes), awaited.
    #[cfg(feature = "tokio")]
    pub(super) async fn on_nodes_async<I, R, F>(
        &self,
        items: Vec<I>,
        place: impl Fn(&I) -> &S::Place,
        act: impl Fn(Vec<I>) -> F,
    ) -> Gathered<R>
    where
        F: Future<Output = Result<R, Error>>,
    {
        let count = items.len();
        let (positions, work): (Vec<_>, Vec<_>) = self
            .parts(items, place)
            .into_iter()
            .map(|(positions, items)| (positions, act(items)))
            .unzip();
        let answers = join_all(work).await;
        Gathered {
            answers: positions.into_iter().zip(answers).collect(),
            items: count,
        }
    }
}

impl<R> Gathered<R> {
    /// Whether all nodes did it.
    pub(super) fn done(self) -> Result<(), Error> {
        self.answers
            .into_iter()
            .try_for_each(|(_, answer)| answer.map(drop))
    }
}

impl<T: Default> Gathered<Vec<T>> {
    /// What all nodes said, in the order of the items.
    pub(super) fn all(self) -> Result<Vec<T>, Error> {
        let mut gathered = Vec::new();
        gathered.resize_with(self.items, T::default);
        for (positions, answer) in self.answers {
            for (position, item) in positions.into_iter().zip(answer?) {
                gathered[position] = item;
            }
        }
        Ok(gathered)
    }

    /// What was found. With a node that failed, nothing was; if all did, that is the answer.
    pub(super) fn found(mut self) -> Result<Vec<T>, Error> {
        if self.answers.iter().any(|(_, answer)| answer.is_ok()) {
            self.answers.retain(|(_, answer)| answer.is_ok());
        }
        self.all()
    }
}
