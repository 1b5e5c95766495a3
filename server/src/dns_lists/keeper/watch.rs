//! What happens in one turn of the keeper? Lists come and go, events are taken, answers read, time goes on, and what
//! has changed is told.

use super::{Parts, resolvers::Resolvers, watched::Watched};
use crate::{
    ask::{DnsAnswer, Health, HealthBoard, ListId, Upstream},
    clock::Now,
    dns_lists::{
        DnsLists, Heard, LISTS_MAX, ListEvent, ListsSeen, Settings,
        budget::time_of_day,
        card::{Bucket, Card, Known},
        health::{Cause, Flip, Outcome},
        metrics::{self, Labels, ListMetrics},
        recent::Recent,
        traffic::{Baseline, Traffic},
    },
    state::{KeptList, LISTS_KEPT_MAX},
};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// Events taken in one turn: 80,000 a second, and the thread is not held for longer than a turn lasts (measured with 48
/// lists that all list: 0.1 s unoptimised, with five lists 0.01 s).
pub(super) const EVENTS_MAX: usize = 8_192;

/// How often the report card is written: it is larger than the rest, and a crash may cost it seconds.
const CARD_WRITTEN_EVERY: Duration = Duration::from_secs(5);

/// What is to be written.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Unwritten {
    pub(super) lists: Vec<KeptList>,
    pub(super) buckets: Vec<Bucket>,
}

/// Everything the keeper knows.
pub(super) struct Watch {
    pub(super) settings: Settings,
    pub(super) lists: HashMap<ListId, Watched>,
    /// Lists that are not in force, from the store and from earlier policies.
    others: HashMap<ListId, KeptList>,
    pub(super) traffic: Traffic,
    pub(super) card: Card,
    resolvers: Resolvers,
    labels: Labels,
    board: HealthBoard,
    /// No list that can refuse is healthy, and that was told.
    silent: bool,
    recent: Recent,
    card_written: Option<Instant>,
    flips: Vec<(ListId, Flip)>,
}

impl Watch {
    pub(super) fn new(parts: &Parts, kept: Vec<KeptList>, buckets: Vec<Bucket>, now: Now) -> Self {
        let others = kept.into_iter().take(LISTS_KEPT_MAX).map(|kept| (kept.list, kept));
        let mut watch = Self {
            settings: parts.settings,
            lists: HashMap::new(),
            others: others.collect(),
            traffic: Traffic::default(),
            card: Card::restored(buckets, now.unix_seconds()),
            resolvers: Resolvers::new(&parts.resolvers, now),
            labels: Labels::default(),
            board: HealthBoard::default(),
            silent: false,
            recent: Recent::default(),
            card_written: None,
            flips: Vec::new(),
        };
        // The checks know what is remembered before the first of them runs.
        watch.adopt(&parts.lists, now);
        watch.tell(parts, now);
        watch
    }

    pub(super) fn turn(&mut self, parts: &Parts, now: Now) {
        self.adopt(&parts.lists, now);
        for event in std::iter::from_fn(|| parts.lists.next()).take(EVENTS_MAX) {
            self.event(event, now);
        }
        metrics::dropped(parts.lists.dropped());
        self.test_resolvers(parts, now);
        self.advance(parts, now);
        self.tell(parts, now);
    }

    /// Takes up the lists of the policy in force, and lets go of all others.
    fn adopt(&mut self, lists: &DnsLists, now: Now) {
        let accounts = lists.accounts();
        let is_declared = |list: &ListId| accounts.iter().any(|account| account.list.id == *list);
        let gone: Vec<ListId> = self.lists.keys().filter(|list| !is_declared(list)).copied().collect();
        let mut changed = !gone.is_empty();
        gone.into_iter().for_each(|list| self.let_go(list, now));
        for account in accounts.into_iter().take(LISTS_MAX) {
            let (id, welcomes) = (account.list.id, account.list.welcomes);
            match self.lists.get_mut(&id) {
                Some(watched) if Arc::ptr_eq(&watched.account, &account) => continue,
                Some(watched) => {
                    watched.set_account(account);
                    self.traffic.add(id, welcomes, Baseline::default(), now);
                }
                None => {
                    let kept = self.others.remove(&id);
                    self.traffic.add(id, welcomes, kept.map(|kept| kept.baseline).unwrap_or_default(), now);
                    let metrics = ListMetrics::new(&self.labels.of(&account.list.name));
                    self.lists.insert(id, Watched::new(account, kept, metrics, now));
                }
            }
            changed = true;
        }
        if changed {
            let known = |watched: &Watched| {
                let list = watched.list();
                (list.id, list.name.clone(), list.welcomes)
            };
            self.card.declare(Known::new(self.lists.values().map(known)));
        }
    }

    fn let_go(&mut self, list: ListId, now: Now) {
        let Some(watched) = self.lists.remove(&list) else { return };
        watched.metrics.gone();
        if self.others.len() < LISTS_KEPT_MAX {
            self.others.insert(list, watched.kept(self.traffic.baseline(list), now));
        }
        self.traffic.remove(list);
    }

    fn event(&mut self, event: ListEvent, now: Now) {
        match event {
            ListEvent::LookedUp { list, answer, took } => self.looked_up(list, &answer, took, now),
            ListEvent::Seen(seen) if self.recent.is_new(seen.session) => self.seen(&seen, now),
            ListEvent::Seen(_) => {}
            ListEvent::Contradicted { kind, listed } => {
                self.card.contradicted(kind, &listed, now);
                let lists = listed.iter().take(LISTS_MAX).filter_map(|list| self.lists.get(list));
                for watched in lists.filter(|watched| !watched.list().welcomes) {
                    watched.metrics.contradicted(kind);
                }
            }
        }
    }

    fn looked_up(&mut self, list: ListId, answer: &DnsAnswer, took: Duration, now: Now) {
        let Some(watched) = self.lists.get_mut(&list) else { return };
        let outcome = Outcome::of(watched.list(), answer);
        watched.metrics.looked_up(answer, outcome, took);
        // Nobody was asked.
        let Some(outcome) = outcome else { return };
        self.card.looked_up(list, outcome != Outcome::Good, took, now);
        let flip = watched.machine.looked_up(outcome, now);
        self.flipped(list, flip, now);
    }

    fn seen(&mut self, seen: &ListsSeen, now: Now) {
        self.card.seen(seen, now);
        let other_net = self.traffic.seen(seen, now);
        let only = seen.only_listing();
        for (list, heard) in seen.heard.iter().take(LISTS_MAX) {
            let Some(watched) = self.lists.get_mut(list) else { continue };
            watched.metrics.heard(*heard, only == Some(*list));
            if other_net && *heard != Heard::Failed {
                watched.listed(*heard == Heard::Listed, now);
            }
            if *heard == Heard::Listed && !watched.list().welcomes {
                seen.contradictions().for_each(|kind| watched.metrics.contradicted(kind));
            }
        }
        for watched in seen.needed.iter().take(LISTS_MAX).filter_map(|list| self.lists.get(list)) {
            watched.metrics.needed();
        }
    }

    fn test_resolvers(&mut self, parts: &Parts, now: Now) {
        for change in self.resolvers.turn(&*parts.ask, now) {
            let event = if change.lies { "resolver_lies" } else { "resolver_honest" };
            parts.ring.notice(now, event, vec![("resolver", change.name)]);
        }
        parts.lists.show_resolver(self.resolvers.lies(Upstream::default()));
    }

    /// Probes, budgets, signals, and the time itself.
    fn advance(&mut self, parts: &Parts, now: Now) {
        let ids: Vec<ListId> = self.lists.keys().copied().collect();
        for id in ids {
            let Some(watched) = self.lists.get_mut(&id) else { continue };
            let (level, spent) = watched.spend(now);
            let mut flips = vec![spent];
            let lies = self.resolvers.lies(watched.list().upstream);
            flips.push(watched.machine.resolver(lies, now));
            flips.push(watched.probe(&*parts.ask, self.settings.probe_every, now));
            flips.push(watched.machine.traffic(self.traffic.signal(id, now), now));
            flips.push(watched.machine.advance(now));
            if let Some(level) = level {
                tell_budget(parts, watched, level, now);
            }
            flips.into_iter().for_each(|flip| self.flipped(id, flip, now));
        }
    }

    fn flipped(&mut self, list: ListId, flip: Option<Flip>, now: Now) {
        let (Some(flip), Some(watched)) = (flip, self.lists.get_mut(&list)) else { return };
        watched.metrics.flipped(flip.to);
        watched.metrics.is(watched.machine.health());
        if matches!(flip.to, Health::Suspect | Health::HalfOpen) {
            watched.probing.hurry(now);
        }
        if matches!(flip.cause, Cause::NotAList | Cause::Wildcard) {
            self.resolvers.hurry(watched.list().upstream, now);
        }
        if flip.to == Health::HalfOpen {
            self.traffic.acquit(list, now);
        }
        self.flips.push((list, flip));
    }

    /// Puts the board up, and says loudly what has changed.
    fn tell(&mut self, parts: &Parts, now: Now) {
        for (list, flip) in std::mem::take(&mut self.flips) {
            let Some(watched) = self.lists.get(&list) else { continue };
            let words = vec![
                ("list", watched.list().name.to_string()),
                ("from", flip.from.name().to_owned()),
                ("to", flip.to.name().to_owned()),
                ("cause", flip.cause.name().to_owned()),
            ];
            parts.ring.notice(now, "list_health", words);
        }
        let board = HealthBoard::new(self.lists.values().filter_map(Watched::ailing));
        if board != self.board {
            parts.lists.show(board.clone());
            self.board = board;
        }
        self.tell_silence(parts, now);
    }

    fn tell_silence(&mut self, parts: &Parts, now: Now) {
        let any_can = self.lists.values().any(Watched::can_refuse);
        let counted = || self.lists.values().filter(|watched| watched.can_refuse() || !any_can);
        let all = counted().count();
        let healthy = counted().filter(|watched| watched.machine.cause().is_none()).count();
        metrics::lists(all, healthy);
        let silent = all > 0 && healthy == 0;
        if silent && !self.silent {
            parts.ring.notice(
                now,
                "all_lists_silent",
                vec![("lists", all.to_string()), ("board", self.board.to_string())],
            );
        }
        self.silent = silent;
    }

    /// What has changed since it was taken last; `all` = the report card too, even if its time has not come.
    pub(super) fn take_unwritten(&mut self, all: bool, now: Now) -> Unwritten {
        let due = self.card_written.is_none_or(|at| now.steady.saturating_duration_since(at) >= CARD_WRITTEN_EVERY);
        let buckets = if due || all {
            self.card_written = Some(now.steady);
            self.card.take_changed()
        } else {
            Vec::new()
        };
        let traffic = &self.traffic;
        let lists = self.lists.iter_mut().filter_map(|(id, watched)| watched.unwritten(traffic.baseline(*id), now));
        Unwritten { lists: lists.collect(), buckets }
    }

    /// Writing has failed: all is to be written again.
    pub(super) fn forget_written(&mut self) {
        self.lists.values_mut().for_each(Watched::forget_written);
        self.card.forget_taken();
    }
}

fn tell_budget(parts: &Parts, watched: &Watched, level: u64, now: Now) {
    let limit = watched.account.limit();
    let mut words = vec![
        ("list", watched.list().name.to_string()),
        ("used_percent", level.to_string()),
        ("limit", limit.unwrap_or_default().to_string()),
    ];
    if let Some(at) = watched.budget.forecast(limit, now).filter(|_| level < 100) {
        words.push(("reached_at", time_of_day(at)));
    }
    parts.ring.notice(now, "list_budget", words);
}
