//! Which of a client's names does the DNS confirm (RFC 7208 §5.5)? For `ptr` and `%{p}`.

use super::super::{
    dns::{Data, Dns, Kind, Said},
    domain::is_within,
    limits::PTR_MAX,
};
use super::Evaluator;
use std::{fmt::Write, net::IpAddr, sync::Arc};

impl<D: Dns> Evaluator<'_, D> {
    /// The first confirmed name that is `wanted`. A PTR look-up that fails, and a name whose addresses cannot be had, is
    /// nothing. `counts` = finding no PTR record makes the term void.
    pub(super) async fn has_name(&mut self, wanted: impl Fn(&str) -> bool, counts: bool) -> Option<Arc<str>> {
        let names = self.names(counts).await;
        for name in names.iter().filter(|name| wanted(name)) {
            if self.is_confirmed(name).await {
                return Some(name.clone());
            }
        }
        None
    }

    /// `%{p}`: the domain itself, else a name below it, else any (RFC 7208 §7.3).
    pub(super) async fn confirmed_name(&mut self, domain: &Arc<str>) -> Option<Arc<str>> {
        if let Some((of, name)) = &self.name
            && of == domain
        {
            return name.clone();
        }
        let names = self.names(false).await;
        let rank = |name: &Arc<str>| match name {
            name if name.eq_ignore_ascii_case(domain) => 0,
            name if is_within(name, domain) => 1,
            _ => 2,
        };
        let mut ranked: Vec<_> = names.iter().map(|name| (rank(name), name)).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let mut best = None;
        for (_, name) in ranked {
            if self.is_confirmed(name).await {
                best = Some(name.clone());
                break;
            }
        }
        self.name = Some((domain.clone(), best.clone()));
        best
    }

    async fn names(&mut self, counts: bool) -> Vec<Arc<str>> {
        match self.look_up(&reverse_name(self.query.ip), Kind::Ptr).await {
            Said::Found(records) => {
                let name = |data| if let Data::Ptr(name) = data { Some(name) } else { None };
                records.into_iter().filter_map(name).take(PTR_MAX).collect()
            }
            Said::NotFound => {
                if counts {
                    self.state.found_nothing();
                }
                Vec::new()
            }
            Said::Failed(_) => Vec::new(),
        }
    }

    async fn is_confirmed(&mut self, name: &str) -> bool {
        let ip = self.query.ip;
        let kind = if ip.is_ipv4() { Kind::A } else { Kind::Aaaa };
        let Some(name) = super::target_name(name.as_bytes()) else { return false };
        let Said::Found(records) = self.look_up(&name, kind).await else { return false };
        records.iter().any(|data| match data {
            Data::A(v4) => IpAddr::V4(*v4) == ip,
            Data::Aaaa(v6) => IpAddr::V6(*v6) == ip,
            Data::Mx(..) | Data::Txt(_) | Data::Ptr(_) => false,
        })
    }
}

/// Where the PTR records of an address are (RFC 1035 §3.5, RFC 3596 §2.5).
fn reverse_name(ip: IpAddr) -> String {
    let mut name = String::with_capacity(73);
    match ip {
        IpAddr::V4(v4) => {
            v4.octets().iter().rev().for_each(|octet| _ = write!(name, "{octet}."));
            name.push_str("in-addr.arpa");
        }
        IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            nibbles.for_each(|nibble| _ = write!(name, "{nibble:x}."));
            name.push_str("ip6.arpa");
        }
    }
    name
}
