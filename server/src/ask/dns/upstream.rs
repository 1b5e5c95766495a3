//! Which servers answer for us, and how are they asked? One resolver of the library for each way, its own cache off.

use super::{config::Config, route::Manner};
use crate::dns_lists::Protocol;
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::runtime::TokioRuntimeProvider,
    system_conf::read_system_conf,
};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Questions under way on one TCP connection.
const TCP_ACTIVE_MAX: usize = 256;
/// Where the C library asks when resolv.conf names nobody (resolv.conf(5)).
const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53);

/// The servers of the default resolver: those of the configuration, else those of /etc/resolv.conf.
pub(super) fn default_servers(config: &Config) -> Vec<SocketAddr> {
    if config.servers.is_empty() { system() } else { config.servers.clone() }
}

/// The servers of /etc/resolv.conf. Its search list and options are for people, not for us.
fn system() -> Vec<SocketAddr> {
    let servers = read_system_conf().map(|(config, _)| config.name_servers).unwrap_or_default();
    let port = |server: &NameServerConfig| server.connections.first().map_or(LOCAL.port(), |first| first.port);
    let found: Vec<_> = servers.iter().map(|server| SocketAddr::new(server.ip, port(server))).collect();
    if found.is_empty() { vec![LOCAL] } else { found }
}

/// A resolver that asks these servers in this manner. `Err` is one line.
pub(super) fn build(servers: &[SocketAddr], manner: Manner) -> Result<TokioResolver, String> {
    let servers = servers.iter().map(|server| {
        let mut connections = match manner.protocol {
            Protocol::Udp => vec![ConnectionConfig::udp(), ConnectionConfig::tcp()],
            Protocol::Tcp => vec![ConnectionConfig::tcp()],
        };
        for connection in &mut connections {
            connection.port = server.port();
        }
        NameServerConfig::new(server.ip(), true, connections)
    });
    let servers = ResolverConfig::from_name_servers(servers.collect());
    let mut builder = TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default());
    *builder.options_mut() = options(manner);
    builder.build().map_err(|error| format!("no resolver for [dns]: {error}"))
}

fn options(manner: Manner) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = manner.timeout;
    // The library counts repetitions.
    options.attempts = manner.attempts.saturating_sub(1) as usize;
    options.cache_size = 0;
    // /etc/hosts is no evidence about anybody, and a file read at start would go stale.
    options.use_hosts_file = ResolveHosts::Never;
    // CNAMEs stay in the answer: `outcome` follows them to tell whose records these are.
    options.preserve_intermediates = true;
    options.max_active_requests = TCP_ACTIVE_MAX;
    // Where several servers are configured, two are asked at once: a dead one then costs no time.
    options.num_concurrent_reqs = 2;
    options
}
