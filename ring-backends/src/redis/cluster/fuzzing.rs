//! A fuzzing entry point to the dispatch of commands in a cluster.

use std::sync::Arc;

use redis::cluster::ClusterClient;
use redis::{Pipeline, Value};

use super::super::request::Commands;
use super::Cluster;
use super::dispatch::Dispatch;
use super::slot_map::{SlotMap, unreachable};
use crate::remote::Fault;

/// Asks a cluster for the slot map and for `asked` keys. Its servers reply with `answers` in turn, then disconnect. Returns
/// the number of rounds, and the replies.
pub fn through_a_cluster(
    asked: usize,
    mut answers: impl Iterator<Item = Value>,
) -> (usize, Option<Vec<Value>>) {
    let client = ClusterClient::new(["redis://127.0.0.1:1"]).expect("a well-formed address");
    let cluster = Cluster::new(client);
    let mut pipeline = Pipeline::new();
    for number in 0..asked {
        pipeline.cmd("GET").arg(number);
    }
    let commands = Commands::Many(pipeline);
    let mut dispatch = Dispatch::new(&commands);
    for round in 0.. {
        let Ok(map) = mapped(&cluster, &mut answers) else {
            return (round, None);
        };
        let Ok(batches) = dispatch.batches(&map, |address| cluster.redirected(address)) else {
            return (round, None);
        };
        for batch in batches {
            // A server returns all requested answers, or disconnects.
            let answered: Vec<_> = answers.by_ref().take(batch.commands.len()).collect();
            let complete = answered.len() == batch.commands.len();
            let answered = complete
                .then_some(answered)
                .ok_or(Fault::Disconnected("over".into()));
            if dispatch
                .record(batch, answered, || cluster.mark_suspect())
                .is_err()
            {
                return (round, None);
            }
        }
        if let Some(replies) = dispatch.replies() {
            return (round, Some(replies));
        }
    }
    unreachable!("there are always more rounds")
}

fn mapped(cluster: &Cluster, answers: &mut impl Iterator<Item = Value>) -> Result<Arc<SlotMap>, Fault> {
    if let Some(map) = cluster.current_map() {
        return Ok(map);
    }
    let informants = cluster.informants();
    let informant = informants.first().ok_or_else(unreachable)?;
    match answers.next() {
        Some(answer) => cluster.update(vec![answer], informant),
        None => cluster.last_map(None),
    }
}
