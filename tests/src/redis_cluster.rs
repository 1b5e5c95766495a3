//! Is a real cluster there? Three masters and a replica of each, on loopback.

use crate::{ports, redis::Redis, scratch::Scratch, wait};
use std::{process::Command, time::Duration};

/// Servers.
const SIZE: usize = 6;

/// How long a server may be silent before others take over, in milliseconds.
const NODE_TIMEOUT_MS: u32 = 1_000;

/// A cluster of six.
#[derive(Debug)]
pub struct RedisCluster {
    /// The servers, dead ones too.
    pub servers: Vec<Redis>,
}

impl RedisCluster {
    /// Starts it, and waits until every slot is served and every replica has everything.
    ///
    /// # Panics
    /// When it does not come together.
    #[expect(clippy::expect_used, reason = "no test can go on without it")]
    pub fn start(scratch: &Scratch) -> Self {
        let server = |number: usize| {
            let more = format!(
                "cluster-enabled yes\ncluster-config-file nodes.conf\ncluster-node-timeout {NODE_TIMEOUT_MS}\n\
                 cluster-port {}\nrepl-ping-replica-period 1\n",
                ports::free()
            );
            Redis::start(scratch, &format!("node{number}"), &more)
        };
        let cluster = Self { servers: (1..=SIZE).map(server).collect() };
        let mut command = Command::new("redis-cli");
        command.args(["--cluster", "create"]).args(cluster.servers.iter().map(|server| server.address.to_string()));
        let made = command.args(["--cluster-replicas", "1", "--cluster-yes"]).output().expect("redis-cli starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        cluster.settle(SIZE / 2);
        cluster
    }

    /// Waits until all who run agree that every slot is served, and so many of them are replicas that have everything.
    pub fn settle(&self, replicas: usize) {
        wait::until("the cluster to settle", Duration::from_secs(60), || {
            let running = || self.servers.iter().filter(|server| server.runs());
            let agreed = running().all(|server| server.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok"));
            let linked = |server: &&Redis| server.cli(&["INFO", "replication"]).contains("master_link_status:up");
            agreed && running().filter(linked).count() >= replicas
        });
    }

    /// Those that have slots now, by their place in `servers`.
    pub fn masters(&self) -> Vec<usize> {
        let is_master = |server: &Redis| {
            server.runs() && server.cli(&["INFO", "replication"]).lines().any(|line| line.trim() == "role:master")
        };
        (0..SIZE).filter(|&place| is_master(&self.servers[place])).collect()
    }

    /// A server's name within the cluster.
    pub fn id(&self, place: usize) -> String {
        self.servers[place].cli(&["CLUSTER", "MYID"]).trim().to_owned()
    }
}
