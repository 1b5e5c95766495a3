//! Whose bucket is it, how large is it, and what does an empty one lead to? One `[[check.rate.limit]]`.

use super::fields::{DELAYED, EXCEEDED, FILLS_IN_MS_MAX, RECIPIENTS_MIN};
use crate::{
    ask::{Answers, StateAnswer, StateQuestion},
    check::{Finding, Outcome},
    checks::sending_side::{SpfSays, net_of, spf_says},
    clock::Now,
    config::{Network, Section},
    session::{Facts, Stage, parse_ip},
    state::{Digest, Pace, Tokens},
};

/// Who has a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Ip,
    Net,
    Host,
    User,
    Sender,
    Recipient,
}

impl By {
    const fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Net => "net",
            Self::Host => "host",
            Self::User => "user",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
        }
    }

    fn read(section: &Section<'_>) -> Self {
        let all = [Self::Ip, Self::Net, Self::Host, Self::User, Self::Sender, Self::Recipient];
        let word = section.choice("by");
        all.into_iter().find(|by| by.name() == word).unwrap_or(Self::Ip)
    }
}

/// What happens to whoever finds the bucket empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// Waits, at most so many milliseconds.
    Delay(u64),
    Defer,
    Score(i32),
}

/// One limit.
pub(super) struct Limit {
    pub(super) name: String,
    pub(super) by: By,
    /// The stage at which a token is spent: for each recipient, or for each message.
    pub(super) stage: Stage,
    pub(super) pace: Pace,
    action: Action,
    networks: Vec<Network>,
    hosts: Vec<String>,
}

impl Limit {
    /// Names of limits are keys: so long, in octets.
    const NAME_OCTETS_MAX: usize = 64;

    pub(super) fn read(section: &Section<'_>) -> Self {
        let number = |name| section.integer(name).unsigned_abs();
        let limit = Self {
            name: section.text("name"),
            by: By::read(section),
            stage: if section.choice("counts") == "messages" { Stage::Data } else { Stage::Rcpt },
            pace: pace(section),
            action: match section.choice("action") {
                "defer" => Action::Defer,
                "score" => Action::Score(i32::try_from(number("weight")).unwrap_or(i32::MAX)),
                _ => Action::Delay(number("delay_max_ms")),
            },
            networks: section.networks("networks"),
            hosts: section.texts("hosts").into_iter().map(|host| host.to_ascii_lowercase()).collect(),
        };
        limit.refuse_nonsense(section);
        limit
    }

    fn refuse_nonsense(&self, section: &Section<'_>) {
        if self.name.is_empty() || self.name.len() > Self::NAME_OCTETS_MAX || !self.name.is_ascii() {
            section.fault("name", format!("expected a name of 1 to {} ASCII characters", Self::NAME_OCTETS_MAX));
        }
        let counts_recipients = self.stage == Stage::Rcpt;
        if self.by == By::Recipient && !counts_recipients {
            section.fault("counts", "a message has many recipients: expected \"recipients\" with by = \"recipient\"");
        }
        let room = "a server has to take 100 recipients (RFC 5321 4.5.3.1.8)";
        if self.by == By::Recipient && section.integer("count") < RECIPIENTS_MIN.into() {
            section.fault("count", format!("{room}: expected at least 100 with by = \"recipient\""));
        }
        let refuses = self.action == Action::Defer || self.by == By::Recipient;
        if counts_recipients && refuses && self.pace.burst < RECIPIENTS_MIN {
            let key = if section.is_set("burst") { "burst" } else { "count" };
            section.fault(key, format!("{room}: expected at least 100, or counts = \"messages\""));
        }
        let unused = [("weight", "score"), ("delay_max_ms", "delay")];
        for (key, action) in unused {
            if section.is_set(key) && section.choice("action") != action {
                section.fault(key, format!("has no effect: expected action = \"{action}\""));
            }
        }
    }

    /// Does it hold in this session?
    pub(super) fn holds(&self, stage: Stage, facts: &Facts) -> bool {
        let connection = &facts.connection;
        let in_networks = || connection.client_ip.is_some_and(|ip| self.networks.iter().any(|net| net.contains(ip)));
        let on_hosts = || self.hosts.iter().any(|host| host.eq_ignore_ascii_case(&connection.host));
        self.stage == stage && (self.networks.is_empty() || in_networks()) && (self.hosts.is_empty() || on_hosts())
    }

    /// Has SPF to be asked to know whose bucket it is?
    pub(super) fn wants_spf(&self, facts: &Facts) -> bool {
        self.by == By::Sender && self.stage == Stage::Rcpt && facts.connection.authenticated_user.is_none()
    }

    /// What is left in whose bucket? `None` = it is nobody's.
    pub(super) fn question(&self, facts: &Facts, answers: &Answers) -> Option<StateQuestion> {
        Some(StateQuestion::Tokens(self.key(&self.owner(facts, answers)?)))
    }

    fn owner(&self, facts: &Facts, answers: &Answers) -> Option<Vec<u8>> {
        let connection = &facts.connection;
        let text = |text: String| Some(text.into_bytes());
        match self.by {
            By::Ip => text(connection.client_ip?.to_string()),
            By::Net => text(net_of(connection.client_ip?).to_string()),
            By::Host => text(connection.host.to_ascii_lowercase()),
            By::User => connection.authenticated_user.as_ref().map(|user| user.to_vec()),
            By::Recipient => Some(facts.recipient.as_ref()?.address.lower().to_vec()),
            By::Sender => {
                let sender = facts.sender.as_ref().map(|sender| &sender.address).filter(|sender| !sender.is_null())?;
                let by_spf = || facts.history.identified || matches!(spf_says(answers), SpfSays::Identity(_));
                let is_true = connection.authenticated_user.is_some() || by_spf();
                is_true.then(|| sender.lower().to_vec())
            }
        }
    }

    fn key(&self, owner: &[u8]) -> Digest {
        Digest::of(&[b"rate", self.name.as_bytes(), self.by.name().as_bytes(), owner])
    }

    /// What an empty bucket leads to; `None` = it is not empty, or we do not know.
    pub(super) fn finding(&self, facts: &Facts, answers: &Answers, now: Now) -> Option<Finding> {
        let tokens = match answers.state(&self.question(facts, answers)?) {
            StateAnswer::Tokens(tokens) => *tokens,
            StateAnswer::Nothing => Tokens::default(),
            StateAnswer::Unknown | StateAnswer::Standing(_) | StateAnswer::Triplet(_) => return None,
        };
        let wait = tokens.wait_ms(self.pace, 1, now.unix_millis());
        if wait == 0 {
            return None;
        }
        let (rule, outcome) = match self.action {
            Action::Delay(most) => (DELAYED, Outcome::Delay(u32::try_from(wait.min(most)).unwrap_or(u32::MAX))),
            Action::Defer => (EXCEEDED, Outcome::Defer),
            Action::Score(weight) => (EXCEEDED, Outcome::Score(weight)),
        };
        let mut finding = Finding::new(rule, outcome, format!("{}: {wait} ms", self.name));
        finding.vars.push(("wait", wait.div_ceil(1_000).to_string()));
        Some(finding)
    }

    /// The cells of a table of limits.
    pub(super) fn row(&self) -> Vec<String> {
        let what = if self.stage == Stage::Data { "messages" } else { "recipients" };
        let action = match self.action {
            Action::Delay(most) => format!("delay, at most {most} ms"),
            Action::Defer => "defer".to_owned(),
            Action::Score(weight) => format!("score {weight}"),
        };
        let Pace { every_ms, burst } = self.pace;
        vec![self.name.clone(), self.by.name().into(), what.into(), burst.to_string(), every_ms.to_string(), action]
    }

    /// The bucket of somebody whom an administrator names.
    pub(super) fn bucket_of(&self, owner: &str) -> Result<StateQuestion, String> {
        let wrong = || format!("\"{owner}\" is no address: expected one such as 192.0.2.1 or 2001:db8::1");
        let ip = || parse_ip(owner.as_bytes()).ok_or_else(wrong);
        let owner = match self.by {
            By::Ip => ip()?.to_string(),
            By::Net => net_of(ip()?).to_string(),
            By::User => owner.to_owned(),
            By::Host | By::Sender | By::Recipient => owner.to_ascii_lowercase(),
        };
        Ok(StateQuestion::Tokens(self.key(owner.as_bytes())))
    }
}

fn pace(section: &Section<'_>) -> Pace {
    let number = |name| section.integer(name).unsigned_abs();
    let (count, per_ms) = (number("count"), number("per_s") * 1_000);
    let every_ms = per_ms / count;
    if every_ms == 0 {
        section.fault("count", format!("more than one a millisecond: expected at most {per_ms}"));
    }
    let burst = if number("burst") == 0 { count } else { number("burst") };
    let pace = Pace { every_ms: every_ms.max(1), burst: u32::try_from(burst).unwrap_or(u32::MAX) };
    if pace.every_ms.saturating_mul(burst) > FILLS_IN_MS_MAX {
        section.fault("burst", "an empty bucket would not fill within 7 days: expected less");
    }
    pace
}
