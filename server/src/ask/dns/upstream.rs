//! Which servers answer for us? One resolver of the library for each [`Upstream`], its own cache off.

use super::{super::Upstream, config::Config};
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::runtime::TokioRuntimeProvider,
    system_conf::read_system_conf,
};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// Questions under way on one TCP connection.
const TCP_ACTIVE_MAX: usize = 256;
/// Where the C library asks when resolv.conf names nobody (resolv.conf(5)).
const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53);

/// The default resolver and the named ones.
pub(super) fn build(config: &Config) -> Result<HashMap<Upstream, TokioResolver>, String> {
    let default = if config.servers.is_empty() { system() } else { config.servers.clone() };
    let named = config.named.iter().map(|named| (Upstream::named(&named.name), &named.servers));
    let all = std::iter::once((Upstream::default(), &default)).chain(named);
    all.map(|(upstream, servers)| Ok((upstream, one(servers, config)?))).collect()
}

/// The servers of /etc/resolv.conf. Its search list and options are for people, not for us.
fn system() -> Vec<SocketAddr> {
    let servers = read_system_conf().map(|(config, _)| config.name_servers).unwrap_or_default();
    let port = |server: &NameServerConfig| server.connections.first().map_or(LOCAL.port(), |first| first.port);
    let found: Vec<_> = servers.iter().map(|server| SocketAddr::new(server.ip, port(server))).collect();
    if found.is_empty() { vec![LOCAL] } else { found }
}

fn one(servers: &[SocketAddr], config: &Config) -> Result<TokioResolver, String> {
    let servers = servers.iter().map(|server| {
        let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
        for connection in &mut connections {
            connection.port = server.port();
        }
        NameServerConfig::new(server.ip(), true, connections)
    });
    let servers = ResolverConfig::from_name_servers(servers.collect());
    let mut builder = TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default());
    *builder.options_mut() = options(config);
    builder.build().map_err(|error| format!("no resolver for [dns]: {error}"))
}

fn options(config: &Config) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = config.timeout;
    // The library counts repetitions.
    options.attempts = config.attempts.saturating_sub(1) as usize;
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
