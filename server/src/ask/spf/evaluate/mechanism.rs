//! Does a mechanism match the client (RFC 7208 §5)?

use super::super::{
    dns::{Data, Dns, Kind, Said},
    domain::is_within,
    limits::{MX_MAX, NARROW_V4, NARROW_V6},
    record::{Cidr, DomainSpec, Mechanism},
    result::{Flaw, Input, SpfResult},
};
use super::{Evaluator, state::Stop};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

/// The answer of a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matching {
    No,
    Yes {
        /// Somebody in particular is meant.
        is_narrow: bool,
    },
}

impl Matching {
    fn narrow(does_match: bool) -> Self {
        if does_match { Self::Yes { is_narrow: true } } else { Self::No }
    }

    fn wide(does_match: bool) -> Self {
        if does_match { Self::Yes { is_narrow: false } } else { Self::No }
    }

    fn within(does_match: bool, cidr: Cidr, ip: IpAddr) -> Self {
        let is_narrow = if ip.is_ipv4() { cidr.v4 >= NARROW_V4 } else { cidr.v6 >= NARROW_V6 };
        if does_match { Self::Yes { is_narrow } } else { Self::No }
    }
}

impl<D: Dns> Evaluator<'_, D> {
    pub(super) async fn mechanism(&mut self, mechanism: &Mechanism, domain: &Arc<str>) -> Result<Matching, Stop> {
        let ip = self.query.ip;
        if !matches!(mechanism, Mechanism::All | Mechanism::Include(_) | Mechanism::Exists(_)) {
            self.state.depends_on([Input::Ip]);
        }
        match mechanism {
            Mechanism::All => Ok(Matching::wide(true)),
            Mechanism::Ip4(network, bits) => {
                Ok(Matching::within(is_in_v4(ip, *network, *bits), Cidr { v4: *bits, v6: 128 }, ip))
            }
            Mechanism::Ip6(network, bits) => {
                Ok(Matching::within(is_in_v6(ip, *network, *bits), Cidr { v4: 32, v6: *bits }, ip))
            }
            Mechanism::Include(target) => self.include(target, domain).await,
            Mechanism::A(target, cidr) => {
                let Some(name) = self.target_or(target.as_ref(), domain).await else { return Ok(Matching::No) };
                let found = self.has_address(&name, *cidr).await?;
                Ok(Matching::within(found, *cidr, ip))
            }
            Mechanism::Mx(target, cidr) => self.mx(target.as_ref(), *cidr, domain).await,
            Mechanism::Ptr(target) => {
                let Some(name) = self.target_or(target.as_ref(), domain).await else { return Ok(Matching::No) };
                let is_confirmed = self.has_name(|confirmed| is_within(confirmed, &name), true).await.is_some();
                Ok(Matching::wide(is_confirmed))
            }
            Mechanism::Exists(target) => self.exists(target, domain).await,
        }
    }

    async fn target_or(&mut self, target: Option<&DomainSpec>, domain: &Arc<str>) -> Option<String> {
        match target {
            Some(target) => self.target(target, domain).await,
            None => Some(domain.to_string()),
        }
    }

    /// A pass there is a match here; an error there is one here; no record there is an error (RFC 7208 §5.2).
    async fn include(&mut self, target: &DomainSpec, domain: &Arc<str>) -> Result<Matching, Stop> {
        let Some(name) = self.target(target, domain).await else {
            return Err(Stop::perm(Flaw::NoRecord, format!("include:{target} leads to no domain")));
        };
        let checked = Box::pin(self.check(name.into(), false)).await?;
        match checked.result {
            SpfResult::Pass => Ok(Matching::Yes { is_narrow: checked.is_narrow }),
            SpfResult::None => Err(Stop::perm(Flaw::NoRecord, format!("include:{target}: that domain has no record"))),
            _ => Ok(Matching::No),
        }
    }

    async fn mx(&mut self, target: Option<&DomainSpec>, cidr: Cidr, domain: &Arc<str>) -> Result<Matching, Stop> {
        let Some(name) = self.target_or(target, domain).await else { return Ok(Matching::No) };
        let records = match self.look_up(&name, Kind::Mx).await {
            Said::Found(records) => records,
            Said::NotFound => {
                self.state.found_nothing();
                return Ok(Matching::No);
            }
            Said::Failed(trouble) => return Err(Stop::temp(Kind::Mx, &name, trouble)),
        };
        if records.len() > MX_MAX {
            return Err(Stop::perm(Flaw::Limit, format!("{name} has more than {MX_MAX} mail exchangers")));
        }
        let exchange = |data: Data| if let Data::Mx(_, exchange) = data { Some(exchange) } else { None };
        // A null MX (RFC 7505) is nobody.
        for exchange in records.into_iter().filter_map(exchange).filter(|exchange| !exchange.is_empty()) {
            if self.has_address(&exchange, cidr).await? {
                return Ok(Matching::within(true, cidr, self.query.ip));
            }
        }
        Ok(Matching::No)
    }

    /// Always asks for A, whatever the client's family (RFC 7208 §5.7).
    async fn exists(&mut self, target: &DomainSpec, domain: &Arc<str>) -> Result<Matching, Stop> {
        let Some(name) = self.target(target, domain).await else { return Ok(Matching::No) };
        match self.look_up(&name, Kind::A).await {
            Said::Found(_) => Ok(Matching::narrow(true)),
            Said::NotFound => {
                self.state.found_nothing();
                Ok(Matching::No)
            }
            Said::Failed(trouble) => Err(Stop::temp(Kind::A, &name, trouble)),
        }
    }

    /// Does a name have an address in whose network the client is?
    async fn has_address(&mut self, name: &str, cidr: Cidr) -> Result<bool, Stop> {
        let ip = self.query.ip;
        let kind = if ip.is_ipv4() { Kind::A } else { Kind::Aaaa };
        match self.look_up(name, kind).await {
            Said::Found(records) => Ok(records.iter().any(|data| match data {
                Data::A(network) => is_in_v4(ip, *network, cidr.v4),
                Data::Aaaa(network) => is_in_v6(ip, *network, cidr.v6),
                Data::Mx(..) | Data::Txt(_) | Data::Ptr(_) => false,
            })),
            Said::NotFound => {
                self.state.found_nothing();
                Ok(false)
            }
            Said::Failed(trouble) => Err(Stop::temp(kind, name, trouble)),
        }
    }
}

fn is_in_v4(ip: IpAddr, network: Ipv4Addr, bits: u8) -> bool {
    let IpAddr::V4(ip) = ip else { return false };
    let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
    (ip.to_bits() ^ network.to_bits()) & mask == 0
}

fn is_in_v6(ip: IpAddr, network: Ipv6Addr, bits: u8) -> bool {
    let IpAddr::V6(ip) = ip else { return false };
    let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
    (ip.to_bits() ^ network.to_bits()) & mask == 0
}
