//! Dispatch of commands in a cluster: to the servers that own their keys, and on to where those redirect them.

use std::sync::Arc;

use redis::{Arg, Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value};

use super::super::lease::place_of_key;
use super::super::request::Commands;
use super::slot_map::{Address, ClusterNode, SlotMap, unreachable};
use crate::remote::Fault;

/// The most redirections in all.
const MAX_REDIRECTIONS: usize = 5;

/// Commands and their states.
pub(super) struct Dispatch<'c> {
    commands: Vec<&'c Cmd>,
    states: Vec<CommandState>,
    redirections: usize,
    /// Whether a server was disconnected.
    disconnected: bool,
}

enum CommandState {
    /// To be sent to the owner of its key.
    New,
    /// Redirected by a server that no longer owns its key.
    Moved(Address),
    /// Redirected once by the server that owns its key.
    Asking(Address),
    Done(Value),
}

/// Commands for one server.
pub(super) struct Batch {
    pub(super) node: Arc<ClusterNode>,
    pub(super) commands: Commands,
    indexes: Vec<usize>,
    asking: bool,
}

impl<'c> Dispatch<'c> {
    pub(super) fn new(commands: &'c Commands) -> Self {
        let commands: Vec<&Cmd> = match commands {
            Commands::One(command) => vec![command],
            Commands::Many(pipeline) => pipeline.cmd_iter().collect(),
        };
        Dispatch {
            states: commands.iter().map(|_| CommandState::New).collect(),
            commands,
            redirections: 0,
            disconnected: false,
        }
    }

    /// The commands to send next.
    pub(super) fn batches(
        &self,
        map: &SlotMap,
        redirected: impl Fn(&Address) -> Result<Arc<ClusterNode>, Fault>,
    ) -> Result<Vec<Batch>, Fault> {
        let mut batches: Vec<(Arc<ClusterNode>, bool, Vec<usize>)> = Vec::new();
        for (index, (command, state)) in self.commands.iter().zip(&self.states).enumerate() {
            let (node, asking) = match state {
                CommandState::New => (Arc::clone(owner(map, command)?), false),
                CommandState::Moved(address) => (redirected(address)?, false),
                CommandState::Asking(address) => (redirected(address)?, true),
                CommandState::Done(_) => continue,
            };
            let is_same = |batch: &&mut (Arc<ClusterNode>, bool, Vec<usize>)| {
                Arc::ptr_eq(&batch.0, &node) && batch.1 == asking
            };
            match batches.iter_mut().find(is_same) {
                Some((.., indexes)) => indexes.push(index),
                None => batches.push((node, asking, vec![index])),
            }
        }
        let batches = batches.into_iter();
        Ok(batches
            .map(|(node, asking, indexes)| self.batch(node, asking, indexes))
            .collect())
    }

    fn batch(&self, node: Arc<ClusterNode>, asking: bool, indexes: Vec<usize>) -> Batch {
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
        Batch {
            node,
            commands,
            indexes,
            asking,
        }
    }

    /// Records the outcome of a batch. Calls `mark_suspect` if the map may be out of date.
    pub(super) fn record(
        &mut self,
        batch: Batch,
        sent: Result<Vec<Value>, Fault>,
        mark_suspect: impl Fn(),
    ) -> Result<(), Fault> {
        let replies = match sent {
            Ok(replies) => replies,
            Err(fault) if fault.is_lost() && !self.disconnected => {
                mark_suspect();
                self.disconnected = true;
                // The server may have been replaced.
                for index in batch.indexes {
                    self.states[index] = CommandState::New;
                }
                return Ok(());
            }
            Err(fault) => {
                mark_suspect();
                return Err(fault);
            }
        };
        let step = 1 + usize::from(batch.asking);
        let replies = replies.into_iter().skip(step - 1).step_by(step);
        let mut redirected = false;
        for (index, reply) in batch.indexes.into_iter().zip(replies) {
            let (state, is_suspect) = self.after(reply, &batch.node.address);
            redirected |= !matches!(state, CommandState::Done(_));
            if is_suspect {
                mark_suspect();
            }
            self.states[index] = state;
        }
        self.redirections += usize::from(redirected);
        Ok(())
    }

    /// The state after a reply, and whether it shows that the map is out of date.
    fn after(&self, reply: Value, by: &Address) -> (CommandState, bool) {
        let Value::ServerError(error) = &reply else {
            return (CommandState::Done(reply), false);
        };
        let error = RedisError::from(error.clone());
        let target = error.redirect_node().and_then(|(target, _)| {
            let (host, port) = target.rsplit_once(':')?;
            Some(Address::named(host, port.parse().ok()?, by))
        });
        match (error.kind(), target) {
            (ErrorKind::Server(ServerErrorKind::Moved), Some(target)) if self.may_redirect() => {
                (CommandState::Moved(target), true)
            }
            (ErrorKind::Server(ServerErrorKind::Ask), Some(target)) if self.may_redirect() => {
                (CommandState::Asking(target), false)
            }
            (ErrorKind::Server(kind), _) => {
                let is_suspect = matches!(kind, ServerErrorKind::ReadOnly | ServerErrorKind::ClusterDown);
                (CommandState::Done(reply), is_suspect)
            }
            _ => (CommandState::Done(reply), false),
        }
    }

    fn may_redirect(&self) -> bool {
        self.redirections < MAX_REDIRECTIONS
    }

    /// All replies, once they are complete.
    pub(super) fn replies(&mut self) -> Option<Vec<Value>> {
        let is_done = |state: &CommandState| matches!(state, CommandState::Done(_));
        if !self.states.iter().all(is_done) {
            return None;
        }
        let states = self.states.drain(..);
        let replies = states.filter_map(|state| match state {
            CommandState::Done(reply) => Some(reply),
            _ => None,
        });
        Some(replies.collect())
    }
}

fn owner<'m>(map: &'m SlotMap, command: &Cmd) -> Result<&'m Arc<ClusterNode>, Fault> {
    let key = match command.args_iter().nth(place_of_key(command)) {
        Some(Arg::Simple(key)) => key,
        _ => b"",
    };
    map.owner(key).ok_or_else(unreachable)
}
