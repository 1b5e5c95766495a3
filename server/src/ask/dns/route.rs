//! By which way does a question go? To its resolver's servers, in its list's manner: with its time-out, attempts and
//! transport. A resolver of the library is built for each way when the first question takes it.

use super::{
    super::{DnsQuestion, Upstream},
    config::{Config, RESOLVERS_MAX},
    upstream,
};
use crate::dns_lists::{Account, DnsLists, LISTS_MAX, Protocol, Way};
use hickory_resolver::TokioResolver;
use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

/// Ways that are kept: one for each resolver as `[dns]` says, one for each list. Those that nobody needs any more, for
/// the policy has changed, go when another is built.
const ROUTES_MAX: usize = RESOLVERS_MAX + 1 + LISTS_MAX;

/// How often an attempt sends its question.
pub(super) const SENT_MAX: usize = 3;

/// The same servers so many times over: the library joins equal questions that are under way to one, so what is asked
/// again is asked through another.
pub(super) type Resolvers = [TokioResolver; SENT_MAX];

/// How servers are asked: a [`Way`] with nothing left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Manner {
    /// How long one attempt waits.
    pub(super) timeout: Duration,
    /// Attempts before a look-up has failed.
    pub(super) attempts: u32,
    /// The transport.
    pub(super) protocol: Protocol,
}

impl Manner {
    /// As the list wishes, and where it has no wish, as `[dns]` says.
    pub(super) fn new(way: Way, config: &Config) -> Self {
        Self {
            timeout: way.timeout.unwrap_or(config.timeout),
            attempts: way.attempts.unwrap_or(config.attempts),
            protocol: way.protocol,
        }
    }

    /// The longest time a look-up can take.
    fn lookup_max(self) -> Duration {
        self.timeout.saturating_mul(self.attempts)
    }
}

/// Who is to be asked, and when it has taken too long.
pub(super) struct Route {
    /// `None`: the configuration has no such resolver. Named since the start, by a reload: it is asked from the next
    /// start on.
    pub(super) resolvers: Option<Resolvers>,
    /// The time a look-up may take.
    pub(super) lookup_max: Duration,
    /// After which an unanswered question is asked again.
    pub(super) pause: Duration,
}

/// All ways.
pub(super) struct Routes {
    config: Config,
    lists: Arc<DnsLists>,
    servers: HashMap<Upstream, Vec<SocketAddr>>,
    built: HashMap<(Upstream, Manner), Resolvers>,
}

impl Routes {
    /// The ways of `[dns]`; those of lists are built as they are needed. `Err` is one line.
    pub(super) fn new(config: &Config, lists: Arc<DnsLists>) -> Result<Self, String> {
        let named = config.named.iter().map(|named| (Upstream::named(&named.name), named.servers.clone()));
        let default = (Upstream::default(), upstream::default_servers(config));
        let servers: HashMap<_, _> = named.chain([default]).collect();
        let manner = Manner::new(Way::default(), config);
        let build =
            |(&upstream, servers): (&Upstream, &Vec<SocketAddr>)| Ok(((upstream, manner), all(servers, manner)?));
        let built = servers.iter().map(build).collect::<Result<_, String>>()?;
        Ok(Self { config: config.clone(), lists, servers, built })
    }

    /// The way of a question on this account; without one, for the policy has just changed, as `[dns]` says.
    pub(super) fn to(&mut self, question: &DnsQuestion, account: Option<&Account>) -> Route {
        let way = account.map(|account| account.list.way).unwrap_or_default();
        let manner = Manner::new(way, &self.config);
        let resolvers = self.resolvers(question.upstream, manner);
        Route { resolvers, lookup_max: manner.lookup_max(), pause: manner.timeout / SENT_MAX as u32 }
    }

    fn resolvers(&mut self, upstream: Upstream, manner: Manner) -> Option<Resolvers> {
        if let Some(built) = self.built.get(&(upstream, manner)) {
            return Some(built.clone());
        }
        let resolvers = all(self.servers.get(&upstream)?, manner).ok()?;
        self.forget_unused();
        // Only a question asked under an older policy can find no room: it builds a way for itself.
        if self.built.len() < ROUTES_MAX {
            self.built.insert((upstream, manner), resolvers.clone());
        }
        Some(resolvers)
    }

    fn forget_unused(&mut self) {
        let accounts = self.lists.accounts();
        let of_lists = accounts.iter().map(|account| (account.list.upstream, account.list.way));
        let of_config = self.servers.keys().map(|&upstream| (upstream, Way::default()));
        let used = of_lists.chain(of_config).map(|(upstream, way)| (upstream, Manner::new(way, &self.config)));
        let used: HashSet<_> = used.collect();
        self.built.retain(|route, _| used.contains(route));
    }
}

fn all(servers: &[SocketAddr], manner: Manner) -> Result<Resolvers, String> {
    let one = || upstream::build(servers, manner);
    Ok([one()?, one()?, one()?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ask::RecordType,
        dns_lists::{Declared, tests::declared},
    };

    fn routes(lists: &[Declared]) -> Routes {
        let shared = Arc::new(DnsLists::default());
        shared.declare(lists);
        let config = Config { servers: vec![([127, 0, 0, 1], 9).into()], ..Config::default() };
        Routes::new(&config, shared).expect("routes")
    }

    fn list(name: &str, timeout_ms: u64) -> Declared {
        let way = Way { timeout: Some(Duration::from_millis(timeout_ms)), attempts: Some(3), protocol: Protocol::Udp };
        Declared { way, ..declared(name) }
    }

    fn take(routes: &mut Routes, list: &Declared) -> Route {
        let account = routes.lists.account(list.id);
        routes.to(&list.about("2.0.0.127", RecordType::A), account.as_deref())
    }

    #[test]
    fn a_list_is_asked_in_its_manner_and_others_as_the_section_says() {
        let (slow, usual) = (list("slow.example", 4_000), declared("usual.example"));
        let mut routes = routes(&[slow.clone(), usual.clone()]);
        assert_eq!(take(&mut routes, &slow).lookup_max, Duration::from_secs(12));
        let config = Config::default();
        assert_eq!(take(&mut routes, &usual).lookup_max, config.timeout * config.attempts);
        assert_eq!(take(&mut routes, &declared("unknown.example")).lookup_max, config.timeout * config.attempts);
        assert_eq!(routes.built.len(), 2);
    }

    #[test]
    fn lists_of_one_manner_share_a_way_whether_it_is_spelt_out_or_not() {
        let spelt = Declared {
            way: Way { timeout: Some(Config::default().timeout), attempts: None, protocol: Protocol::Udp },
            ..declared("spelt.example")
        };
        let lists = [list("a.example", 700), list("b.example", 700), spelt];
        let mut routes = routes(&lists);
        assert!(lists.iter().all(|list| take(&mut routes, list).resolvers.is_some()));
        assert_eq!(routes.built.len(), 2);
    }

    #[test]
    fn ways_of_lists_that_are_gone_are_dropped() {
        let mut routes = routes(&[]);
        for reload in 0..500 {
            let lists: Vec<_> =
                (0..3).map(|number| list(&format!("{number}.example"), 100 + reload * 3 + number)).collect();
            routes.lists.declare(&lists);
            for list in &lists {
                take(&mut routes, list);
            }
            assert_eq!(routes.built.len(), 4, "the default one, and three");
        }
    }

    #[test]
    fn ways_are_bounded_even_for_lists_that_nobody_declared() {
        let mut routes = routes(&[]);
        for timeout in 0..500 {
            let manner = Manner { timeout: Duration::from_millis(timeout), attempts: 1, protocol: Protocol::Tcp };
            assert!(routes.resolvers(Upstream::default(), manner).is_some());
            assert!(routes.built.len() <= ROUTES_MAX);
        }
    }

    #[test]
    fn a_resolver_that_nobody_configured_has_no_way() {
        let mut routes = routes(&[]);
        let stranger = Declared { upstream: Upstream::named("new"), ..declared("x.example") };
        assert!(take(&mut routes, &stranger).resolvers.is_none());
    }
}
