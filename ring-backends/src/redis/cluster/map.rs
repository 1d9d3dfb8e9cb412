//! Which server of a cluster has which keys.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redis::{Cmd, ConnectionAddr, ConnectionInfo, Value};

use super::super::commands::Commands;
use super::super::faults::Unexpected;
use super::super::single::Single;
use crate::remote::Fault;

/// Where a server is.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address {
    host: String,
    port: u16,
}

/// A server of the cluster.
pub struct Node {
    pub(super) address: Address,
    pub(super) single: Single,
    /// Whether it failed when it was last asked.
    troubled: AtomicBool,
}

/// The slots of all servers.
pub(super) struct Map {
    ranges: Vec<(RangeInclusive<u16>, Arc<Node>)>,
}

impl Address {
    pub(super) fn of(info: &ConnectionInfo) -> Option<Self> {
        match info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => Some(Address {
                host: host.clone(),
                port: *port,
            }),
            _ => None,
        }
    }

    /// As a server names another: without a host it means its own.
    pub(super) fn said(host: &str, port: u16, by: &Address) -> Self {
        let host = match host {
            "" | "?" => &by.host,
            host => host,
        };
        Address {
            host: host.to_owned(),
            port,
        }
    }

    /// This address, reached in the way of another.
    pub(super) fn like(&self, other: &ConnectionAddr) -> ConnectionAddr {
        match other {
            ConnectionAddr::TcpTls {
                insecure, tls_params, ..
            } => ConnectionAddr::TcpTls {
                host: self.host.clone(),
                port: self.port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(self.host.clone(), self.port),
        }
    }
}

impl Node {
    pub(super) fn new(address: Address, single: Single) -> Self {
        Node {
            address,
            single,
            troubled: AtomicBool::new(false),
        }
    }

    /// Remembers whether it answered.
    pub(super) fn noted<T>(&self, answered: Result<T, Fault>) -> Result<T, Fault> {
        self.troubled.store(answered.is_err(), Ordering::Relaxed);
        answered
    }

    pub(super) fn is_troubled(&self) -> bool {
        self.troubled.load(Ordering::Relaxed)
    }

    #[cfg(feature = "tokio")]
    pub(super) async fn ask(
        &self,
        commands: &Commands,
        until: std::time::Instant,
    ) -> Result<Vec<Value>, Fault> {
        use super::super::route::AsyncRoute;

        let asked = tokio::time::timeout_at(until.into(), self.single.ask_async(commands, until)).await;
        self.noted(asked.unwrap_or(Err(Fault::Silent)))
    }
}

impl Map {
    pub(super) fn new(mut ranges: Vec<(RangeInclusive<u16>, Arc<Node>)>) -> Self {
        ranges.sort_by_key(|(slots, _)| *slots.start());
        Map { ranges }
    }

    /// The server that has this key.
    pub(super) fn owner(&self, key: &[u8]) -> Option<&Arc<Node>> {
        let slot = slot(key);
        let after = self.ranges.partition_point(|(slots, _)| *slots.start() <= slot);
        let (slots, node) = self.ranges[..after].last()?;
        slots.contains(&slot).then_some(node)
    }

    pub(super) fn names(&self, node: &Arc<Node>) -> bool {
        self.ranges.iter().any(|(_, known)| Arc::ptr_eq(known, node))
    }

    /// All servers that have keys.
    pub(super) fn nodes(&self) -> Vec<Arc<Node>> {
        let mut nodes: Vec<Arc<Node>> = Vec::new();
        for (_, node) in &self.ranges {
            if !nodes.iter().any(|known| Arc::ptr_eq(known, node)) {
                nodes.push(Arc::clone(node));
            }
        }
        nodes
    }
}

/// Asks for the map.
pub(super) fn question() -> Commands {
    let mut command = Cmd::new();
    command.arg("CLUSTER").arg("SLOTS");
    Commands::One(command)
}

/// The slots of each server, as one of them says.
pub(super) fn owners(
    answers: Vec<Value>,
    informant: &Address,
) -> Result<Vec<(RangeInclusive<u16>, Address)>, Unexpected> {
    let answer = answers.into_iter().next().ok_or(Unexpected::Answer)?;
    let Value::Array(ranges) = Unexpected::check(answer)? else {
        return Err(Unexpected::Answer);
    };
    let ranges = ranges.iter().map(|range| owner(range, informant));
    ranges.collect::<Option<_>>().ok_or(Unexpected::Answer)
}

fn owner(range: &Value, informant: &Address) -> Option<(RangeInclusive<u16>, Address)> {
    let Value::Array(range) = range else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = range.as_slice() else {
        return None;
    };
    let [host, Value::Int(port), ..] = master.as_slice() else {
        return None;
    };
    let host = match host {
        Value::BulkString(host) => str::from_utf8(host).ok()?,
        Value::SimpleString(host) => host,
        _ => "",
    };
    let slots = u16::try_from(*first).ok()?..=u16::try_from(*last).ok()?;
    Some((slots, Address::said(host, u16::try_from(*port).ok()?, informant)))
}

/// The slot of a key, by the cluster's specification: the XMODEM sum of the text in the first braces, if there is any,
/// or of the whole key.
fn slot(key: &[u8]) -> u16 {
    let tag = || {
        let open = key.iter().position(|byte| *byte == b'{')?;
        let rest = &key[open + 1..];
        let close = rest.iter().position(|byte| *byte == b'}')?;
        (close > 0).then(|| &rest[..close])
    };
    let sum = tag().unwrap_or(key).iter().fold(0_u16, |sum, byte| {
        let sum = sum ^ (u16::from(*byte) << 8);
        (0..8).fold(sum, |sum, _| {
            (sum << 1) ^ if sum & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    });
    sum % 16_384
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(slot(b"123456789"), 0x31c3 % 16_384);
        assert_eq!(slot(b"foo"), 12_182);
        assert_eq!(slot(b"a{foo}b{c}"), slot(b"foo"));
        assert_ne!(slot(b"{}a{foo}"), slot(b"foo"));
    }
}
