//! How does a well-known SMTP client fare? swaks, as a postmaster would run it.

use std::{
    net::{IpAddr, SocketAddr},
    process::Command,
};

/// One run of swaks.
#[derive(Clone, Debug)]
pub struct Run {
    /// It ended well: the message was taken over for every recipient that was accepted, at least one.
    pub delivered: bool,
    /// The whole dialogue.
    pub transcript: String,
}

impl Run {
    /// The reply line (`<** 550 …` or `<-  250 …`) that contains `words`.
    pub fn line(&self, words: &str) -> Option<&str> {
        self.transcript.lines().filter(|line| line.starts_with('<')).find(|line| line.contains(words))
    }
}

/// Sends one message from `client` (told by the PROXY protocol, see [`crate::smtp`]).
///
/// # Panics
/// When swaks cannot be started.
pub fn send(host: SocketAddr, client: IpAddr, sender: &str, recipients: &[&str], options: &[&str]) -> Run {
    let family = if client.is_ipv4() { "TCP4" } else { "TCP6" };
    let server = if client.is_ipv4() { "203.0.113.25" } else { "2001:db8::25" };
    let mut swaks = Command::new("swaks");
    swaks.args(["--server", &host.to_string(), "--timeout", "60", "--helo", "client.example"]);
    swaks.args(["--proxy-family", family, "--proxy-source", &client.to_string(), "--proxy-source-port", "40000"]);
    swaks.args(["--proxy-dest", server, "--proxy-dest-port", "25"]);
    swaks.args(["--from", sender, "--to", &recipients.join(",")]).args(options);
    let output = swaks.output().unwrap_or_else(|error| panic!("swaks: {error}"));
    Run { delivered: output.status.success(), transcript: String::from_utf8_lossy(&output.stdout).into_owned() }
}
