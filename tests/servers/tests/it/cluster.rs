//! Three Redis servers that share the keys.

use ring_cache_test_servers::{Redis, RedisCluster, Reply, or_leave_out};

#[test]
fn all_slots_are_served_each_by_one_node() {
    let Some(cluster) = or_leave_out("the slots of a cluster", RedisCluster::start()) else {
        return;
    };
    for node in cluster.nodes() {
        assert!(
            node.command(&["CLUSTER", "INFO"])
                .text()
                .contains("cluster_slots_ok:16384\r\n")
        );
        let Reply::Array(shares) = node.command(&["CLUSTER", "SLOTS"]) else {
            panic!("no slots")
        };
        assert_eq!(shares.len(), 3);
    }
    for key in (0..100).map(|n| format!("key{n}")) {
        let home = cluster.node_of(&key);
        assert_eq!(home.command(&["SET", &key, "value"]), Reply::Status("OK".into()));
    }
    assert!(
        cluster
            .nodes()
            .iter()
            .all(|node| node.command(&["DBSIZE"]) != Reply::Integer(0))
    );
}

#[test]
fn a_node_finds_back_after_a_restart() {
    let options = Redis::options().password("secret");
    let Some(cluster) = or_leave_out("a node that restarts", RedisCluster::start_with(&options)) else {
        return;
    };
    let urls = cluster.urls();
    assert_eq!(
        urls[2],
        format!("redis://:secret@127.0.0.1:{}", cluster.node(2).port())
    );
    let node = cluster.node_of("key");
    node.kill();
    assert_eq!(cluster.node_of("key").port(), node.port());
    node.restart();
    cluster.wait_until_ok();
    assert_eq!(node.command(&["SET", "key", "value"]), Reply::Status("OK".into()));
    assert_eq!(cluster.urls(), urls);
}
