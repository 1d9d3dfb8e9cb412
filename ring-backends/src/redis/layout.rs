//! Where entries lie in Redis, and the commands that reach them there.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use redis::Cmd;
use ring_cache_core::key::text_in_namespace;
use ring_cache_core::storage::Observer;
use ring_cache_core::{Name, RingKey};

use super::commands::{self, Commands, Question};
use super::route::Route;
use super::single::Single;
use super::sweep::{Search, Sweep};
use crate::remote::{Entry, Fault, Found};

/// Where entries lie, and the commands that reach them.
pub trait Layout: Send + Sync + 'static {
    /// The name of the storage in errors.
    const NAME: &'static str;

    /// Where an entry lies.
    type Place: Clone + Eq + Hash + fmt::Display + Send + Sync + 'static;
    /// The way to the server.
    type Route: Route;
    /// How a ring is removed.
    type Sweep: Sweep;

    /// See [`Server::place`](crate::remote::Server::place).
    fn place<K: RingKey + ?Sized>(namespace: &str, key: &K) -> Self::Place;
    /// See [`BlockingServer::read`](crate::remote::BlockingServer::read), as all that follow.
    fn read(places: &[Self::Place]) -> Question<Vec<Option<Vec<u8>>>>;
    /// Reads, and says how long it will be there.
    fn read_expiring(places: &[Self::Place]) -> Question<Vec<Option<Found>>>;
    /// Stores.
    fn write(entries: &[Entry<Self::Place>]) -> Result<Question<()>, Fault>;
    /// Removes.
    fn remove(places: &[Self::Place]) -> Question<Vec<bool>>;
    /// Looks.
    fn contains(places: &[Self::Place]) -> Question<Vec<bool>>;
    /// Restarts expiries.
    fn renew(entries: &[(Self::Place, Duration)]) -> Result<Question<Vec<bool>>, Fault>;
    /// Finds the entries of the ring `name` on one server, and removes them.
    fn clear(namespace: &str, name: &Name) -> Self::Sweep;
    /// See [`Server::watch`](crate::remote::Server::watch).
    fn watch(route: &Self::Route, namespace: &str, observer: Arc<dyn Observer>) -> bool {
        let _ = (route, namespace, observer);
        false
    }
}

/// A key of Redis for each entry: the text of the entry's key.
pub struct Keys;

impl Layout for Keys {
    const NAME: &'static str = "redis";

    type Place = Arc<str>;
    type Route = Single;
    type Sweep = Search;

    fn place<K: RingKey + ?Sized>(namespace: &str, key: &K) -> Arc<str> {
        text_in_namespace(namespace, key).into()
    }

    #[cfg(feature = "tiered")]
    fn watch(route: &Single, namespace: &str, observer: Arc<dyn Observer>) -> bool {
        super::watching::begin(route.client(), namespace, observer);
        true
    }

    fn read(places: &[Arc<str>]) -> Question<Vec<Option<Vec<u8>>>> {
        match places {
            [key] => Question {
                commands: Commands::One(commands::on("GET", key)),
                read: commands::values,
            },
            keys => {
                let mut command = Cmd::with_capacity(1 + keys.len(), 0);
                command.arg("MGET");
                for key in keys {
                    command.arg(&**key);
                }
                Question {
                    commands: Commands::One(command),
                    read: commands::listed,
                }
            }
        }
    }

    fn read_expiring(places: &[Arc<str>]) -> Question<Vec<Option<Found>>> {
        let mut pipeline = redis::Pipeline::with_capacity(2 * places.len());
        for key in places {
            pipeline.add_command(commands::on("GET", key));
            pipeline.add_command(commands::on("PTTL", key));
        }
        Question {
            commands: Commands::Many(pipeline),
            read: commands::expiring,
        }
    }

    fn write(entries: &[Entry<Arc<str>>]) -> Result<Question<()>, Fault> {
        let set = |(key, value, expiry): &Entry<Arc<str>>| commands::set((key, value, *expiry));
        Ok(Question {
            commands: Commands::each(entries, set),
            read: commands::done,
        })
    }

    /// `UNLINK` frees memory beside other work, which `DEL` makes wait for large values.
    fn remove(places: &[Arc<str>]) -> Question<Vec<bool>> {
        Question {
            commands: Commands::each(places, |key| commands::on("UNLINK", key)),
            read: commands::flags,
        }
    }

    fn contains(places: &[Arc<str>]) -> Question<Vec<bool>> {
        Question {
            commands: Commands::each(places, |key| commands::on("EXISTS", key)),
            read: commands::flags,
        }
    }

    fn renew(entries: &[(Arc<str>, Duration)]) -> Result<Question<Vec<bool>>, Fault> {
        // Redis itself removes what is to expire in no time.
        let renew = |(key, expiry): &(Arc<str>, Duration)| {
            let mut command = commands::on("PEXPIRE", key);
            command.arg(commands::milliseconds(*expiry));
            command
        };
        Ok(Question {
            commands: Commands::each(entries, renew),
            read: commands::flags,
        })
    }

    fn clear(namespace: &str, name: &Name) -> Search {
        Search::new(format!("{namespace}{name}"), "")
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::Fields;
    use super::*;

    fn assert_that_changes_are_known<L: Layout>(lasting: Option<Duration>) {
        let places = [L::place("", &1), L::place("", &2)];
        let entries = places.clone().map(|place| (place, vec![], lasting));
        let Ok(write) = L::write(&entries) else {
            unreachable!("it can be written");
        };
        assert!(write.commands.change() && L::remove(&places).commands.change());
        let expiries = places.clone().map(|place| (place, Duration::ZERO));
        assert!(
            L::renew(&expiries)
                .into_iter()
                .all(|renewal| renewal.commands.change())
        );
        for places in [&places[..], &places[..1]] {
            assert!(!L::read(places).commands.change() && !L::read_expiring(places).commands.change());
            assert!(!L::contains(places).commands.change());
        }
    }

    #[test]
    fn commands_that_change_something_are_known() {
        assert_that_changes_are_known::<Keys>(Some(Duration::from_secs(1)));
        assert_that_changes_are_known::<Fields>(None);
    }
}
