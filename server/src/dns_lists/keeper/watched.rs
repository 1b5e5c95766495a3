//! What does the keeper hold for one list?

use super::{probing::Probing, standing::Standing};
use crate::{
    ask::{Ailing, Ask, Health, ListId},
    clock::Now,
    dns_lists::{
        Account, Declared, Probe,
        budget::Budget,
        health::{Flip, Machine},
        metrics::ListMetrics,
        traffic::{Baseline, Traffic},
    },
    state::KeptList,
};
use std::{sync::Arc, time::Duration};

/// What is kept of a list grows old: it is written at least so often.
const WRITTEN_EVERY_SECONDS: u64 = 3_600;

/// Clients in a row that make a list be probed, and how often that happens at most.
const RUN: u32 = 10;
const RUN_PROBED_EVERY: Duration = Duration::from_secs(60);

/// A list of the policy in force.
pub(super) struct Watched {
    pub(super) account: Arc<Account>,
    pub(super) machine: Machine,
    pub(super) budget: Budget,
    pub(super) probing: Probing,
    pub(super) metrics: ListMetrics,
    /// Clients in a row that it listed, of nets that are new to us.
    run: u32,
    /// As it was written last.
    written: Option<KeptList>,
}

impl Watched {
    /// A list that comes into force, with what is remembered of it.
    pub(super) fn new(account: Arc<Account>, kept: Option<KeptList>, metrics: ListMetrics, now: Now) -> Self {
        if let Some(kept) = kept {
            account.restore(kept.spend);
        }
        let remembered = kept.map(|kept| kept.remembered).unwrap_or_default();
        let machine = Machine::new(remembered, account.list.probe != Probe::Off, now);
        metrics.is(machine.health());
        let (budget, probing) = (Budget::new(account.spent(), now), Probing::new(now));
        Self { machine, budget, probing, metrics, run: 0, written: kept, account }
    }

    pub(super) fn list(&self) -> &Declared {
        &self.account.list
    }

    /// A reload declared it anew.
    pub(super) fn set_account(&mut self, account: Arc<Account>) {
        self.machine.set_probed(account.list.probe != Probe::Off);
        self.account = account;
    }

    /// It can make mail be refused. Neither lists on trial nor lists of good clients can.
    pub(super) fn can_refuse(&self) -> bool {
        !self.list().monitored && !self.list().welcomes
    }

    /// Puts the probe's questions or reads its answers.
    pub(super) fn probe(&mut self, ask: &dyn Ask, every: Duration, now: Now) -> Option<Flip> {
        let health = self.machine.health();
        self.probing.ask(&self.account.list, health, ask, now);
        let doubted = (health != Health::Healthy).then(|| self.machine.since());
        let reading = self.probing.read(&self.account.list, doubted, every, now)?;
        // Off meanwhile: what was asked before is no trial.
        if health == Health::Off { None } else { self.machine.probed(reading, now) }
    }

    /// A client of another net was listed, or not: when it lists whoever comes, it is asked at once whether it lists the
    /// world. A list that never errs has such runs too, and the probe clears it.
    pub(super) fn listed(&mut self, listed: bool, now: Now) {
        self.run = if listed { self.run + 1 } else { 0 };
        if self.run >= RUN && self.probing.is_older_than(RUN_PROBED_EVERY, now) {
            self.run = 0;
            self.probing.hurry(now);
        }
    }

    /// A budget level that the administrator is to be told of.
    pub(super) fn spend(&mut self, now: Now) -> (Option<u64>, Option<Flip>) {
        let (spent, limit) = (self.account.spent(), self.account.limit());
        let level = self.budget.observe(spent, limit, now);
        let today = Budget::today(spent, now);
        self.metrics.budget(today, limit);
        (level, self.machine.budget(limit.is_some_and(|limit| today >= limit), now))
    }

    pub(super) fn ailing(&self) -> Option<Ailing> {
        let (list, cause) = (self.list(), self.machine.cause()?);
        Some(Ailing { list: list.id, name: list.name.clone(), health: self.machine.health(), cause: cause.name() })
    }

    pub(super) fn standing(&self, traffic: &Traffic, now: Now) -> Standing {
        let (list, limit) = (self.list(), self.account.limit());
        Standing {
            list: list.id,
            name: list.name.clone(),
            zone: list.zone.to_string(),
            health: self.machine.health(),
            cause: self.machine.cause(),
            since: self.machine.since(),
            monitored: list.monitored,
            welcomes: list.welcomes,
            asked_today: Budget::today(self.account.spent(), now),
            limit,
            refused: self.account.refused(),
            forecast: self.budget.forecast(limit, now),
            probed: self.probing.last,
            hit_rate: traffic.hit_rate(list.id),
            error_rate: self.machine.error_rate(),
        }
    }

    /// What outlives the process.
    pub(super) fn kept(&self, baseline: Baseline, now: Now) -> KeptList {
        KeptList {
            list: self.id(),
            at: now.unix_seconds(),
            remembered: self.machine.remembered(),
            spend: self.account.spent(),
            baseline,
        }
    }

    /// The same, if it differs from what was written.
    pub(super) fn unwritten(&mut self, baseline: Baseline, now: Now) -> Option<KeptList> {
        let kept = self.kept(baseline, now);
        let known = self.written.is_some_and(|written| {
            KeptList { at: kept.at, ..written } == kept && kept.at.saturating_sub(written.at) < WRITTEN_EVERY_SECONDS
        });
        (!known).then(|| *self.written.insert(kept))
    }

    /// Writing has failed.
    pub(super) fn forget_written(&mut self) {
        self.written = None;
    }

    fn id(&self) -> ListId {
        self.list().id
    }
}
