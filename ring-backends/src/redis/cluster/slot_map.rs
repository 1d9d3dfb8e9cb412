//! The slot map: which server of a cluster owns which keys.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use redis::{Cmd, ConnectionAddr, ConnectionInfo, Value};

use super::super::faults::Unexpected;
use super::super::request::Commands;
#[cfg(feature = "tokio")]
use super::super::route::AsyncRoute;
use super::super::route::Route;
use super::super::single::Single;
use crate::remote::Fault;

/// The address of a server.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address {
    host: String,
    port: u16,
}

/// A server of the cluster.
pub(crate) struct ClusterNode {
    pub(super) address: Address,
    /// Distinguishes it from other nodes: less than the number of nodes that can be distinguished.
    pub(super) number: usize,
    pub(super) single: Single,
    /// Whether the last commands to it failed.
    failed: AtomicBool,
}

/// The slots of all servers.
pub(super) struct SlotMap {
    ranges: Vec<(RangeInclusive<u16>, Arc<ClusterNode>)>,
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

    /// The address that a server names. Without a host it means its own.
    pub(super) fn named(host: &str, port: u16, by: &Address) -> Self {
        let host = match host {
            "" | "?" => &by.host,
            host => host,
        };
        Address {
            host: host.to_owned(),
            port,
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// This address, with the transport of another.
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

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl ClusterNode {
    pub(super) fn new(address: Address, number: usize, single: Single) -> Self {
        ClusterNode {
            address,
            number,
            single,
            failed: AtomicBool::new(false),
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    pub(super) fn send(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let sent = self.single.send(commands, until);
        self.failed.store(sent.is_err(), Ordering::Relaxed);
        sent
    }

    #[cfg(feature = "tokio")]
    pub(super) async fn send_async(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let sending = self.single.send_async(commands, until);
        let sent = crate::real_time::within(until, sending).await;
        let sent = sent.unwrap_or(Err(Fault::Timeout));
        self.failed.store(sent.is_err(), Ordering::Relaxed);
        sent
    }
}

impl SlotMap {
    pub(super) fn new(mut ranges: Vec<(RangeInclusive<u16>, Arc<ClusterNode>)>) -> Self {
        ranges.sort_by_key(|(slots, _)| *slots.start());
        SlotMap { ranges }
    }

    /// The server that owns this key.
    pub(super) fn owner(&self, key: &[u8]) -> Option<&Arc<ClusterNode>> {
        let slot = slot(key);
        let after = self.ranges.partition_point(|(slots, _)| *slots.start() <= slot);
        let (slots, node) = self.ranges[..after].last()?;
        slots.contains(&slot).then_some(node)
    }

    pub(super) fn contains(&self, node: &Arc<ClusterNode>) -> bool {
        self.ranges.iter().any(|(_, known)| Arc::ptr_eq(known, node))
    }

    /// All servers that own keys.
    pub(super) fn nodes(&self) -> Vec<Arc<ClusterNode>> {
        let mut nodes: Vec<Arc<ClusterNode>> = Vec::new();
        for (_, node) in &self.ranges {
            if !nodes.iter().any(|known| Arc::ptr_eq(known, node)) {
                nodes.push(Arc::clone(node));
            }
        }
        nodes
    }
}

/// The command whose reply is the map.
pub(super) fn command() -> Commands {
    let mut command = Cmd::new();
    command.arg("CLUSTER").arg("SLOTS");
    Commands::One(command)
}

/// The slots of each server, from the reply of one of them.
pub(super) fn owners(
    replies: Vec<Value>,
    informant: &Address,
) -> Result<Vec<(RangeInclusive<u16>, Address)>, Unexpected> {
    let reply = replies.into_iter().next().ok_or(Unexpected::Reply)?;
    let Value::Array(ranges) = Unexpected::check(reply)? else {
        return Err(Unexpected::Reply);
    };
    let ranges = ranges.iter().map(|range| owner(range, informant));
    ranges.collect::<Option<_>>().ok_or(Unexpected::Reply)
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
    Some((slots, Address::named(host, u16::try_from(*port).ok()?, informant)))
}

pub(super) fn unreachable() -> Fault {
    Fault::Unreachable("no server of the cluster can be reached".into())
}

/// The slot of a key, by the cluster's specification: the XMODEM sum of the text in the first braces, if there is any,
/// or of the whole key.
pub(super) fn slot(key: &[u8]) -> u16 {
    let tag = || {
        let open = key.iter().position(|byte| *byte == b'{')?;
        let rest = &key[open + 1..];
        let close = rest.iter().position(|byte| *byte == b'}')?;
        (close > 0).then(|| &rest[..close])
    };
    sum(0, tag().unwrap_or(key)) % 16_384
}

/// The XMODEM checksum of `text` after a text with the checksum `begun`.
pub(super) fn sum(begun: u16, text: &[u8]) -> u16 {
    text.iter().fold(begun, |sum, byte| {
        let sum = sum ^ (u16::from(*byte) << 8);
        (0..8).fold(sum, |sum, _| {
            (sum << 1) ^ if sum & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(slot(b"123456789"), 0x31c3);
        assert_eq!(slot(b"foo"), 12_182);
        assert_eq!(slot(b"a{foo}b{c}"), slot(b"foo"));
        assert_ne!(slot(b"{}a{foo}"), slot(b"foo"));
    }
}
