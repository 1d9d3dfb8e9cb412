//! A door to the way of commands through a cluster.

use std::sync::Arc;

use redis::cluster::ClusterClient;
use redis::{Pipeline, Value};

use super::super::commands::Commands;
use super::way::Way;
use super::{Cluster, map};
use crate::remote::Fault;

/// Asks a cluster, whose servers give these answers in turn and then break, for so many keys: first where keys lie, then
/// for the keys. Returns how often it asked, and what it got.
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
    let mut way = Way::new(&commands);
    for round in 0.. {
        let Ok(map) = mapped(&cluster, &mut answers) else {
            return (round, None);
        };
        let Ok(errands) = way.errands(&map, |address| cluster.redirected(address)) else {
            return (round, None);
        };
        for errand in errands {
            // A server gives as many answers as it was asked for, or breaks.
            let answered: Vec<_> = answers.by_ref().take(errand.commands.len()).collect();
            let complete = answered.len() == errand.commands.len();
            let answered = complete.then_some(answered).ok_or(Fault::Broken("over".into()));
            if way.record(errand, answered, || cluster.doubt()).is_err() {
                return (round, None);
            }
        }
        if let Some(arrived) = way.arrived() {
            return (round, Some(arrived));
        }
    }
    unreachable!("there are always more rounds")
}

fn mapped(cluster: &Cluster, answers: &mut impl Iterator<Item = Value>) -> Result<Arc<map::Map>, Fault> {
    if let Some(map) = cluster.trusted() {
        return Ok(map);
    }
    let informants = cluster.informants();
    let informant = informants.first().ok_or_else(super::unreachable)?;
    match answers.next() {
        Some(answer) => cluster.learn(vec![answer], informant),
        None => cluster.last(None),
    }
}
