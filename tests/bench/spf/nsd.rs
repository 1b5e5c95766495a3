//! Who serves the domains? NSD, on a free port of loopback, with all of them in one zone, and ended with the bench.

use super::PROCESSOR;
use std::{net::SocketAddr, process::Command};
use tollgate_tests::{dns, ports, process::Process, scratch::Scratch, wait};

/// A running name server.
pub(crate) struct Nsd {
    pub(crate) address: SocketAddr,
    _process: Process,
}

impl Nsd {
    /// Starts it with this zone and waits until it answers.
    pub(crate) fn start(scratch: &Scratch, zone: &str) -> Self {
        let port = ports::free();
        scratch.write("root.zone", zone);
        let config = scratch.write("nsd.conf", config(scratch, port));
        let mut command = Command::new("taskset");
        command.args(["-c", PROCESSOR, "nsd", "-d"]).arg("-c").arg(config);
        let process = Process::start(&mut command, &scratch.path("nsd.log"));
        wait::until("NSD to answer", wait::SOON, || dns::answers(port, "ns.example"));
        Self { address: SocketAddr::from(([127, 0, 0, 1], port)), _process: process }
    }
}

fn config(scratch: &Scratch, port: u16) -> String {
    let folder = scratch.folder().display();
    // Without its limit on rates it answers whoever asks as fast as a resolver with an empty cache does.
    format!(
        "server:\n ip-address: 127.0.0.1@{port}\n username: \"\"\n chroot: \"\"\n database: \"\"\n zonesdir: \"{folder}\"\n \
         pidfile: \"\"\n xfrdfile: \"{folder}/xfrd.state\"\n xfrdir: \"{folder}\"\n zonelistfile: \"{folder}/zone.list\"\n \
         cookie-secret-file: \"{folder}/cookies\"\n server-count: 1\n rrl-ratelimit: 0\n rrl-whitelist-ratelimit: 0\n\
         remote-control:\n control-enable: no\nzone:\n name: \".\"\n zonefile: \"root.zone\"\n"
    )
}
