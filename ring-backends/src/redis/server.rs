//! Redis as a server of a remote storage, in both colours.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ring_cache_core::storage::Observer;
use ring_cache_core::{Name, RingKey};

use super::commands::{self, Question};
use super::layout::{Keys, Layout};
#[cfg(feature = "tokio")]
use super::route::AsyncRoute;
use super::route::Route;
use super::sweep::Sweep;
#[cfg(feature = "tokio")]
use crate::remote::{AsyncClear, AsyncServer};
use crate::remote::{BlockingClear, BlockingServer, Entry, Expiring, Fault, Found, Server};

/// A Redis server, or a cluster, that keeps entries in the layout `L`.
pub struct RedisServer<L: Layout> {
    route: L::Route,
}

/// How long one step may take of an operation that has no deadline.
const STEP: Duration = Duration::from_secs(5);

fn next_step() -> Instant {
    Instant::now() + STEP
}

impl Expiring for RedisServer<Keys> {}

impl<L: Layout> Server for RedisServer<L> {
    const NAME: &'static str = L::NAME;

    type Place = L::Place;

    fn place<K: RingKey + ?Sized>(namespace: &str, key: &K) -> L::Place {
        L::place(namespace, key)
    }

    fn watch(&self, namespace: &str, observer: Arc<dyn Observer>) -> bool {
        L::watch(&self.route, namespace, observer)
    }
}

impl<L: Layout> RedisServer<L> {
    pub(super) fn by(route: L::Route) -> Self {
        RedisServer { route }
    }

    pub(super) fn route(&self) -> &L::Route {
        &self.route
    }

    fn ask<T>(&self, question: &Question<T>, until: Instant) -> Result<T, Fault> {
        let answers = self.route.ask(&question.commands, until)?;
        let read = question.read(answers);
        if let Err(Fault::Broken(_)) = read {
            self.route.out_of_step();
        }
        read
    }
}

impl<L: Layout> BlockingServer for RedisServer<L> {
    fn read(&self, places: &[L::Place], until: Instant) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        self.ask(&L::read(places), until)
    }

    fn read_expiring(&self, places: &[L::Place], until: Instant) -> Result<Vec<Option<Found>>, Fault> {
        self.ask(&L::read_expiring(places), until)
    }

    fn write(&self, entries: Vec<Entry<L::Place>>, until: Instant) -> Result<(), Fault> {
        self.ask(&L::write(&entries)?, until)
    }

    fn remove(&self, places: &[L::Place], until: Instant) -> Result<Vec<bool>, Fault> {
        self.ask(&L::remove(places), until)
    }

    fn contains(&self, places: &[L::Place], until: Instant) -> Result<Vec<bool>, Fault> {
        self.ask(&L::contains(places), until)
    }

    fn renew(&self, entries: &[(L::Place, Duration)], until: Instant) -> Result<Vec<bool>, Fault> {
        self.ask(&L::renew(entries)?, until)
    }
}

impl<L: Layout> BlockingClear for RedisServer<L> {
    fn clear(&self, namespace: &str, name: &Name) -> Result<(), Fault> {
        for node in self.route.nodes(next_step())? {
            let mut sweep = L::clear(namespace, name);
            loop {
                let page = self.route.ask_node(&node, &sweep.ask(), next_step())?;
                if let Some(removal) = sweep.read(page)? {
                    commands::flags(self.route.ask(&removal, next_step())?)?;
                }
                if sweep.is_over() {
                    break;
                }
            }
        }
        Ok(())
    }
}

#[cfg(feature = "tokio")]
impl<L: Layout<Route: AsyncRoute>> RedisServer<L> {
    async fn ask_async<T>(&self, question: Question<T>, until: Instant) -> Result<T, Fault> {
        let answers = self.route.ask_async(&question.commands, until).await?;
        question.read(answers)
    }
}

#[cfg(feature = "tokio")]
impl<L: Layout<Route: AsyncRoute>> AsyncServer for RedisServer<L> {
    async fn read(&self, places: &[L::Place], until: Instant) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        self.ask_async(L::read(places), until).await
    }

    async fn read_expiring(&self, places: &[L::Place], until: Instant) -> Result<Vec<Option<Found>>, Fault> {
        self.ask_async(L::read_expiring(places), until).await
    }

    async fn write(&self, entries: Vec<Entry<L::Place>>, until: Instant) -> Result<(), Fault> {
        self.ask_async(L::write(&entries)?, until).await
    }

    async fn remove(&self, places: &[L::Place], until: Instant) -> Result<Vec<bool>, Fault> {
        self.ask_async(L::remove(places), until).await
    }

    async fn contains(&self, places: &[L::Place], until: Instant) -> Result<Vec<bool>, Fault> {
        self.ask_async(L::contains(places), until).await
    }

    async fn renew(&self, entries: &[(L::Place, Duration)], until: Instant) -> Result<Vec<bool>, Fault> {
        self.ask_async(L::renew(entries)?, until).await
    }
}

/// What `asked` gives, if it does so in time.
#[cfg(feature = "tokio")]
async fn in_time<T>(until: Instant, asked: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let asked = tokio::time::timeout_at(until.into(), asked).await;
    asked.unwrap_or(Err(Fault::Silent))
}

#[cfg(feature = "tokio")]
impl<L: Layout<Route: AsyncRoute>> AsyncClear for RedisServer<L> {
    async fn clear(&self, namespace: &str, name: &'static Name) -> Result<(), Fault> {
        let until = next_step();
        for node in in_time(until, self.route.nodes_async(until)).await? {
            let mut sweep = L::clear(namespace, name);
            loop {
                let (until, page) = (next_step(), sweep.ask());
                let page = in_time(until, self.route.ask_node_async(&node, &page, until)).await?;
                if let Some(removal) = sweep.read(page)? {
                    let until = next_step();
                    commands::flags(in_time(until, self.route.ask_async(&removal, until)).await?)?;
                }
                if sweep.is_over() {
                    break;
                }
            }
        }
        Ok(())
    }
}
