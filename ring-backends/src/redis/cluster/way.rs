//! The way of commands through a cluster: to the servers that have their keys, and on to where those send them.

use std::sync::Arc;

use redis::{Arg, Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value};

use super::super::commands::Commands;
use super::map::{Address, Map, Node};
use super::unreachable;
use crate::remote::Fault;

/// How often commands may be sent on.
const REDIRECTIONS: usize = 5;

/// Commands, and the answers that they got so far.
pub(super) struct Way<'c> {
    commands: Vec<&'c Cmd>,
    stations: Vec<Station>,
    redirections: usize,
    /// Whether a server could not be reached.
    broken: bool,
}

/// Where a command is.
enum Station {
    /// On its way to the server that has its key.
    Begun,
    /// Sent on by the server that had its key.
    Moved(Address),
    /// Sent on, for this once, by the server that has its key.
    Asking(Address),
    /// Answered.
    Arrived(Value),
}

/// What one server is to be asked.
pub(super) struct Errand {
    pub(super) node: Arc<Node>,
    pub(super) commands: Commands,
    indexes: Vec<usize>,
    asking: bool,
}

impl<'c> Way<'c> {
    pub(super) fn new(commands: &'c Commands) -> Self {
        let commands: Vec<&Cmd> = match commands {
            Commands::One(command) => vec![command],
            Commands::Many(pipeline) => pipeline.cmd_iter().collect(),
        };
        Way {
            stations: commands.iter().map(|_| Station::Begun).collect(),
            commands,
            redirections: 0,
            broken: false,
        }
    }

    /// What is to be asked next.
    pub(super) fn errands(
        &self,
        map: &Map,
        redirected: impl Fn(&Address) -> Result<Arc<Node>, Fault>,
    ) -> Result<Vec<Errand>, Fault> {
        let mut errands: Vec<(Arc<Node>, bool, Vec<usize>)> = Vec::new();
        for (index, (command, station)) in self.commands.iter().zip(&self.stations).enumerate() {
            let (node, asking) = match station {
                Station::Begun => (Arc::clone(owner(map, command)?), false),
                Station::Moved(address) => (redirected(address)?, false),
                Station::Asking(address) => (redirected(address)?, true),
                Station::Arrived(_) => continue,
            };
            let same = |errand: &&mut (Arc<Node>, bool, Vec<usize>)| {
                Arc::ptr_eq(&errand.0, &node) && errand.1 == asking
            };
            match errands.iter_mut().find(same) {
                Some((.., indexes)) => indexes.push(index),
                None => errands.push((node, asking, vec![index])),
            }
        }
        let errands = errands.into_iter();
        Ok(errands
            .map(|(node, asking, indexes)| self.errand(node, asking, indexes))
            .collect())
    }

    fn errand(&self, node: Arc<Node>, asking: bool, indexes: Vec<usize>) -> Errand {
        let commands = match indexes.as_slice() {
            [only] if !asking => Commands::One(self.commands[*only].clone()),
            indexes => {
                let mut pipeline = Pipeline::with_capacity(indexes.len() * (1 + usize::from(asking)));
                for index in indexes {
                    if asking {
                        pipeline.cmd("ASKING");
                    }
                    pipeline.add_command(self.commands[*index].clone());
                }
                Commands::Many(pipeline)
            }
        };
        Errand {
            node,
            commands,
            indexes,
            asking,
        }
    }

    /// Notes what came of an errand. `doubt` is told if the map seems to be wrong.
    pub(super) fn record(
        &mut self,
        errand: Errand,
        answered: Result<Vec<Value>, Fault>,
        doubt: impl Fn(),
    ) -> Result<(), Fault> {
        let answers = match answered {
            Ok(answers) => answers,
            Err(Fault::Broken(_)) if !self.broken => {
                doubt();
                self.broken = true;
                // The server may have been replaced.
                for index in errand.indexes {
                    self.stations[index] = Station::Begun;
                }
                return Ok(());
            }
            Err(fault) => {
                doubt();
                return Err(fault);
            }
        };
        let step = 1 + usize::from(errand.asking);
        let answers = answers.into_iter().skip(step - 1).step_by(step);
        let mut redirected = false;
        for (index, answer) in errand.indexes.into_iter().zip(answers) {
            let (station, doubtful) = self.after(answer, &errand.node.address);
            redirected |= !matches!(station, Station::Arrived(_));
            if doubtful {
                doubt();
            }
            self.stations[index] = station;
        }
        self.redirections += usize::from(redirected);
        Ok(())
    }

    /// Where an answer leads, and whether it tells that the map is wrong.
    fn after(&self, answer: Value, by: &Address) -> (Station, bool) {
        let Value::ServerError(error) = &answer else {
            return (Station::Arrived(answer), false);
        };
        let error = RedisError::from(error.clone());
        let target = error.redirect_node().and_then(|(target, _)| {
            let (host, port) = target.rsplit_once(':')?;
            Some(Address::said(host, port.parse().ok()?, by))
        });
        match (error.kind(), target) {
            (ErrorKind::Server(ServerErrorKind::Moved), Some(target)) if self.may_go_on() => {
                (Station::Moved(target), true)
            }
            (ErrorKind::Server(ServerErrorKind::Ask), Some(target)) if self.may_go_on() => {
                (Station::Asking(target), false)
            }
            (ErrorKind::Server(kind), _) => {
                let doubtful = matches!(kind, ServerErrorKind::ReadOnly | ServerErrorKind::ClusterDown);
                (Station::Arrived(answer), doubtful)
            }
            _ => (Station::Arrived(answer), false),
        }
    }

    fn may_go_on(&self) -> bool {
        self.redirections < REDIRECTIONS
    }

    /// All answers, if there are.
    pub(super) fn arrived(&mut self) -> Option<Vec<Value>> {
        let all = self
            .stations
            .iter()
            .all(|station| matches!(station, Station::Arrived(_)));
        all.then(|| {
            let stations = self.stations.drain(..);
            stations
                .filter_map(|station| match station {
                    Station::Arrived(answer) => Some(answer),
                    _ => None,
                })
                .collect()
        })
    }
}

fn owner<'m>(map: &'m Map, command: &Cmd) -> Result<&'m Arc<Node>, Fault> {
    let key = match command.args_iter().nth(1) {
        Some(Arg::Simple(key)) => key,
        _ => b"",
    };
    map.owner(key).ok_or_else(unreachable)
}
