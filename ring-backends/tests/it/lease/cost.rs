//! What leases and tags cost: the requests and bytes of a miss and of a hit on Redis.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use ring_cache::coder::Json;
use ring_cache::{Redis, RingKey, ring_impl};
use ring_cache_test_servers::{Redis as Server, or_leave_out};

use super::service::{PATIENCE, eventually};

static SERVER: LazyLock<Option<Server>> =
    LazyLock::new(|| or_leave_out("the cost of leases and tags", Server::start()));
static REDIS: LazyLock<Redis> = LazyLock::new(|| {
    let server = SERVER.as_ref().expect("the test is left out without it");
    Redis::open(server.url()).unwrap().deadline(PATIENCE)
});

#[derive(RingKey)]
#[ring_key(prefix = "cost")]
struct Costs;

#[ring_impl(redis = REDIS, coder = Json, expire = "100s")]
impl Costs {
    #[ring]
    fn plainly(id: u32) -> String {
        id.to_string()
    }

    #[ring(lease = "30s")]
    fn a_lease(id: u32) -> String {
        id.to_string()
    }

    #[ring(tags("team"))]
    fn one_tag(id: u32) -> String {
        id.to_string()
    }

    #[ring(tags("team"), lease = "30s")]
    fn of_both(id: u32) -> String {
        id.to_string()
    }
}

/// What a call sent.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    /// The round trips. Each ends with an `ECHO`.
    trips: u64,
    /// The commands but `ECHO`.
    commands: BTreeMap<String, u64>,
    bytes_sent: u64,
    bytes_received: u64,
}

fn bytes(server: &Server) -> [u64; 2] {
    let stats = server.info("stats");
    ["total_net_input_bytes", "total_net_output_bytes"].map(|name| stats[name].parse().unwrap())
}

/// How often each command was sent or run by a script.
fn commands(server: &Server) -> BTreeMap<String, u64> {
    let stats = server.info("commandstats");
    let count = |line: &str| line.split(['=', ',']).nth(1)?.parse().ok();
    let commands = stats
        .iter()
        .filter_map(|(name, line)| Some((name.strip_prefix("cmdstat_")?.to_owned(), count(line)?)));
    commands
        .filter(|(name, _)| !name.contains("config") && name != "info")
        .collect()
}

/// A call of this number, and its value.
type Called = fn(u32) -> String;

/// The cost of a call that runs so many scripts, the last of which may run in the background.
fn cost(scripts: u64, call: impl FnOnce() -> String) -> Cost {
    let server = SERVER.as_ref().expect("the test is left out without it");
    let idle = {
        let before = bytes(server);
        let after = bytes(server);
        [after[0] - before[0], after[1] - before[1]]
    };
    server.command(&["CONFIG", "RESETSTAT"]);
    let before = bytes(server);
    call();
    let after = bytes(server);
    let scripts_run = || commands(server).get("evalsha").copied().unwrap_or(0);
    eventually(|| scripts_run() >= scripts);
    let mut commands = commands(server);
    Cost {
        trips: commands.remove("echo").unwrap_or(0),
        commands,
        bytes_sent: after[0] - before[0] - idle[0],
        bytes_received: after[1].saturating_sub(before[1] + idle[1]),
    }
}

#[test]
fn l1_hits_send_what_they_send_without_a_lease() {
    if SERVER.is_none() {
        return;
    }
    // The connection, the scripts, the versions of the tag. Nothing of them goes on in the background after that.
    drop([
        cost(0, || Costs::plainly(1)),
        cost(2, || Costs::a_lease(1)),
        cost(0, || Costs::one_tag(1)),
        cost(3, || Costs::of_both(1)),
    ]);
    // A connection that was idle for a second is tested, which a busy machine may do to one of three calls.
    let least = |scripts, call: Called, numbers: [u32; 3]| {
        let costs = numbers.map(|number| cost(scripts, || call(number)));
        costs
            .into_iter()
            .min_by_key(|cost| cost.trips)
            .expect("there are three")
    };
    let calls: [(u64, Called); 4] = [
        (0, Costs::plainly),
        (2, Costs::a_lease),
        (0, Costs::one_tag),
        (3, Costs::of_both),
    ];
    let miss = calls.map(|(scripts, call)| least(scripts, call, [2, 3, 4]));
    let hit = calls.map(|(_, call)| least(0, call, [2; 3]));
    for (name, costs) in [("miss", &miss), ("hit", &hit)] {
        costs.iter().for_each(|cost| println!("{name}: {cost:?}"));
    }
    let sent = |cost: &Cost| (cost.trips, cost.commands.clone(), cost.bytes_sent);
    assert_eq!(sent(&hit[0]), sent(&hit[1]));
    assert_eq!(sent(&hit[2]), sent(&hit[3]));
    assert_eq!(hit.map(|cost| cost.trips), [1; 4]);
    // One to look up and one to store; one for the lease; with tags as well, the entry is looked up again, the entry beside it is
    // stored last, and the lease is released in the background.
    assert_eq!(miss.map(|cost| cost.trips), [2, 3, 2, 6]);
}
