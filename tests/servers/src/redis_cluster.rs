//! A cluster of Redis servers.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::redis::fields;
use crate::{Missing, Redis, RedisOptions, Reply};

const NODES: usize = 3;
const SLOTS: usize = 16_384;
const READY_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Three Redis servers that share the keys, a third of the slots each, with no replicas.
///
/// ```
/// use ring_cache_test_servers::{RedisCluster, Reply, or_leave_out};
///
/// let Some(cluster) = or_leave_out("keys of a cluster", RedisCluster::start()) else { return };
/// let node = cluster.node_of("user:1");
/// assert_eq!(node.command(&["SET", "user:1", "Ada"]), Reply::Status("OK".into()));
/// ```
#[derive(Debug)]
pub struct RedisCluster {
    nodes: [Redis; NODES],
}

impl RedisCluster {
    /// Starts the nodes, and waits until each knows all slots. This takes two or three seconds.
    ///
    /// # Errors
    ///
    /// [`Missing`] if `redis-server` is not installed.
    ///
    /// # Panics
    ///
    /// If a node does not come up, with its log, or if they do not form a cluster.
    pub fn start() -> Result<RedisCluster, Missing> {
        RedisCluster::start_with(&Redis::options())
    }

    /// As [`start`](Self::start), with options for each of the nodes.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start) does.
    pub fn start_with(options: &RedisOptions) -> Result<RedisCluster, Missing> {
        let options = options.clone().cluster();
        let nodes = [options.start()?, options.start()?, options.start()?];
        let cluster = RedisCluster { nodes };
        cluster.share_slots();
        cluster.wait_until_ok();
        Ok(cluster)
    }

    /// The URLs of all nodes, with the password if there is one.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// One of the three nodes.
    ///
    /// # Panics
    ///
    /// If `index` is more than two.
    pub fn node(&self, index: usize) -> &Redis {
        &self.nodes[index]
    }

    /// All nodes, in the order of their slots.
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// The node with `key`.
    ///
    /// # Panics
    ///
    /// If no node replies.
    pub fn node_of(&self, key: impl AsRef<[u8]>) -> &Redis {
        let question = [b"CLUSTER", b"KEYSLOT".as_slice(), key.as_ref()];
        let mut replies = self
            .nodes
            .iter()
            .filter_map(|node| node.command_within(Duration::from_secs(1), &question).ok());
        let Some(Reply::Integer(slot)) = replies.next() else {
            panic!("no node of the cluster says where a key lies");
        };
        let shares = (1..=NODES).map(first_slot);
        &self.nodes[shares.take_while(|end| *end <= slot as usize).count()]
    }

    /// Waits until all nodes know each other and all slots, for example after a restart of a node.
    ///
    /// # Panics
    ///
    /// If that takes more than thirty seconds.
    pub fn wait_until_ok(&self) {
        let start = Instant::now();
        while !self.nodes.iter().all(is_ok) {
            let states = || {
                self.nodes
                    .each_ref()
                    .map(|node| node.command(&["CLUSTER", "NODES"]).text())
                    .join("\n")
            };
            assert!(
                start.elapsed() < READY_WITHIN,
                "the nodes do not find together:\n{}",
                states()
            );
            sleep(LOOK_EVERY);
        }
    }

    fn share_slots(&self) {
        for (index, node) in self.nodes.iter().enumerate() {
            let [first, last] = [first_slot(index), first_slot(index + 1) - 1].map(|slot| slot.to_string());
            // With different epochs from the start, no conflict has to be resolved later.
            ok(node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]));
            ok(node.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]));
        }
        for node in &self.nodes[1..] {
            let [port, bus_port] = [node.port(), node.bus_port()].map(|port| port.to_string());
            ok(self.nodes[0].command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus_port]));
        }
    }
}

/// The first slot of a node.
fn first_slot(index: usize) -> usize {
    SLOTS * index / NODES
}

fn is_ok(node: &Redis) -> bool {
    let info = fields(&node.command(&["CLUSTER", "INFO"]));
    let is = |name: &str, value: &str| info.get(name).is_some_and(|is| is == value);
    is("cluster_state", "ok") && is("cluster_known_nodes", "3") && is("cluster_slots_ok", "16384")
}

fn ok(reply: Reply) {
    assert_eq!(reply, Reply::Status("OK".into()));
}
