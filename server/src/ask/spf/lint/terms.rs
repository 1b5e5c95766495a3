//! What do the terms of a record ask the DNS, and is there an answer?

use super::{
    super::{
        dns::{Data, Dns, Kind, Said},
        limits::MX_MAX,
        record::{Directive, DomainSpec, Mechanism},
    },
    walk::{By, Cost, Here, Standing, Walk},
};

/// Both families of addresses, as [`Cost::voids`] counts them.
const FAMILIES: [Kind; 2] = [Kind::A, Kind::Aaaa];

impl<D: Dns> Walk<'_, D> {
    /// What a directive costs. `term` is how it is written.
    pub(super) async fn directive(&mut self, here: &Here, term: &str, directive: &Directive) -> Cost {
        match &directive.mechanism {
            Mechanism::All | Mechanism::Ip4(..) | Mechanism::Ip6(..) => Cost::default(),
            Mechanism::Include(to) => {
                Cost::TERM.and(self.follow(here, term, to, By::Include(directive.qualifier)).await)
            }
            Mechanism::A(target, _) => {
                let Some(name) = self.name(here, term, target.as_ref()) else { return Cost::TERM };
                let voids = self.addresses(here, term, &name).await;
                Cost { voids, ..Cost::TERM }
            }
            Mechanism::Mx(target, _) => {
                let Some(name) = self.name(here, term, target.as_ref()) else { return Cost::TERM };
                let voids = self.exchanges(here, term, &name).await;
                Cost { voids, ..Cost::TERM }
            }
            // What they ask depends on the client.
            Mechanism::Ptr(_) => Cost::TERM,
            Mechanism::Exists(target) => {
                let Some(name) = self.name(here, term, Some(target)) else { return Cost::TERM };
                if self.ask(here, term, &name, Kind::A).await != Some(Said::NotFound) {
                    return Cost::TERM;
                }
                self.warn(here, term, format!("{name} does not exist: a void look-up for every client"));
                Cost { voids: [1; 2], ..Cost::TERM }
            }
        }
    }

    /// An include or a redirect.
    pub(super) async fn follow(&mut self, here: &Here, term: &str, to: &DomainSpec, by: By) -> Cost {
        let Ok(name) = self.fixed(here, to) else {
            self.is_more();
            self.note(here, term, "depends on who asks: not followed, so it may cost more");
            return Cost::default();
        };
        let Some(name) = name else {
            self.error(here, term, "leads to no domain: a permerror for whoever gets that far");
            return Cost::default();
        };
        let there = here.to(name, by);
        match Box::pin(self.domain(&there)).await {
            Standing::There(cost) => cost,
            Standing::Missing => {
                let text = format!("{} has no record: a permerror for whoever gets that far", there.domain);
                self.error(here, term, text);
                Cost::default()
            }
            Standing::Unknown => Cost::default(),
        }
    }

    /// The name that a term asks for; `None` = it depends on the client, or there is none, which has been told.
    fn name(&mut self, here: &Here, term: &str, target: Option<&DomainSpec>) -> Option<String> {
        let Some(target) = target else { return Some(here.domain.to_string()) };
        let name = self.fixed(here, target).ok()?;
        if name.is_none() {
            self.warn(here, term, "matches nobody: the DNS can have no such name");
        }
        name
    }

    /// For which families a name has nothing: 1 of each.
    async fn addresses(&mut self, here: &Here, term: &str, name: &str) -> [usize; 2] {
        let mut voids = [0; 2];
        for (void, kind) in voids.iter_mut().zip(FAMILIES) {
            *void = usize::from(self.ask(here, term, name, kind).await == Some(Said::NotFound));
        }
        if voids == [1; 2] {
            self.warn(here, term, format!("{name} has no address: a void look-up for every client"));
        }
        voids
    }

    /// The same of the hosts of a domain's mail: one without an address makes the whole term void.
    async fn exchanges(&mut self, here: &Here, term: &str, name: &str) -> [usize; 2] {
        let records = match self.ask(here, term, name, Kind::Mx).await {
            Some(Said::Found(records)) => records,
            Some(Said::NotFound) => {
                self.warn(here, term, format!("{name} has no MX record: a void look-up for every client"));
                return [1; 2];
            }
            _ => return [0; 2],
        };
        if records.len() > MX_MAX {
            let text = format!("{name} has {} mail exchangers, more than {MX_MAX}: a permerror", records.len());
            self.error(here, term, text);
            return [0; 2];
        }
        let hosts: Vec<_> = records
            .into_iter()
            .filter_map(|data| if let Data::Mx(_, host) = data { Some(host) } else { None })
            .filter(|host| !host.is_empty())
            .collect();
        if hosts.is_empty() {
            self.warn(here, term, format!("matches nobody: {name} takes no mail (null MX)"));
        }
        let mut voids = [0; 2];
        for host in hosts {
            let of_host = self.addresses(here, term, &host).await;
            (0..2).for_each(|family| voids[family] = voids[family].max(of_host[family]));
        }
        voids
    }

    /// An explanation is there, or there is none.
    pub(super) async fn explanation(&mut self, here: &Here, term: &str, at: &DomainSpec) {
        let Ok(Some(name)) = self.fixed(here, at) else { return };
        let texts = match self.ask(here, term, &name, Kind::Txt).await {
            Some(Said::Found(texts)) => texts,
            Some(_) => Vec::new(),
            None => return,
        };
        let is_read = match texts.as_slice() {
            [Data::Txt(text)] => super::super::Explanation::read(text, name.as_str()).is_some(),
            _ => false,
        };
        if !is_read {
            self.warn(
                here,
                term,
                format!("explains nothing: expected one text at {name}, in ASCII and with right macros"),
            );
        }
    }
}
