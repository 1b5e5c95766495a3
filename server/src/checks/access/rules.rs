//! What do tcpserver's rules and RBLSMTPD say of a client, and in which words is it refused?

use super::Access;
use crate::{
    check::{Finding, Outcome, Rows, Rule},
    lists::{Client, Hit, KeyedBy},
    session::{Connection, parse_ip},
};

pub(super) const CLIENT_ALLOWED: usize = 0;
pub(super) const SENDER_ALLOWED: usize = 1;
pub(super) const CLIENT_DENIED: usize = 2;
pub(super) const NAME_DENIED: usize = 3;
pub(super) const HELO_DENIED: usize = 4;
pub(super) const SENDER_DENIED: usize = 5;
pub(super) const RECIPIENT_DENIED: usize = 6;
const TCP_RULE_DENIED: usize = 7;
const RBLSMTPD: usize = 8;

pub(super) const RULES: &[Rule] = &[
    Rule::policy("client_allowed", "", "The client's network is allowed. Refuses nothing."),
    Rule::policy(
        "sender_allowed",
        "",
        "The sender is allowed, and SPF says that it sent this or it comes from its network. Refuses nothing.",
    ),
    Rule::policy("client_denied", "sorry, your address %{client_ip} is denied here", "The client's network is denied."),
    Rule::policy("name_denied", "sorry, your host name is denied here", "The client's host name is denied."),
    Rule::policy("helo_denied", "sorry, your HELO name is denied here", "The HELO name is denied."),
    Rule::policy("sender_denied", "sorry, your envelope sender is denied here", "The sender is denied."),
    Rule::policy(
        "recipient_denied",
        "sorry, this recipient is denied here",
        "The recipient is denied, whoever is allowed to write.",
    ),
    Rule::policy(
        "tcp_rule_denied",
        "sorry, your address %{client_ip} is denied here",
        "tcpserver's rules deny the client. tcpserver itself would close the connection without a word.",
    ),
    Rule {
        name: "rblsmtpd",
        code: 553,
        code_defer: 451,
        // rblsmtpd's replies bear no status.
        status: "",
        text: "%{rblsmtpd}",
        doc: "RBLSMTPD has a text, in the mail server's environment or in tcpserver's rules: `-text` refuses for good, `text` for now.",
    },
];

/// A refusal by tcpserver's rules or RBLSMTPD.
pub(super) struct TcpRefusal {
    pub(super) finding: Finding,
    /// Leading address bits of the rule's key; 0 = it was made for no network in particular.
    pub(super) prefix: u8,
}

impl TcpRefusal {
    /// Where names are forged: whichever of both refuses more, with the narrower key.
    fn stricter(self, other: Self) -> Self {
        let prefix = self.prefix.max(other.prefix);
        let refuses = |refusal: &Self| refusal.finding.outcome == Outcome::Reject;
        let strict = if refuses(&self) || !refuses(&other) { self } else { other };
        Self { prefix, ..strict }
    }
}

impl Access {
    /// What the rules refuse; `confirmed` = the client's name leads back to it.
    pub(super) fn tcp_refusal(&self, connection: &Connection, confirmed: bool) -> Option<TcpRefusal> {
        // What the mail server's environment says, even if it is empty, stands for its own rules.
        if let Some(value) = connection.rblsmtpd.as_ref().filter(|_| self.obey_rblsmtpd) {
            let finding = rblsmtpd(value, "environment")?;
            return Some(TcpRefusal { finding, prefix: 0 });
        }
        let ip = connection.client_ip?.to_string();
        let host = connection.client_name.as_deref();
        let client = Client { ip: ip.as_bytes(), host, info: connection.client_ident.as_deref() };
        let rules = self.tcp_rules.as_ref()?;
        let mut strictest: Option<TcpRefusal> = None;
        // What can be forged grants nothing: it may add to what the rest says, and never stand in place of it.
        for client in [client, Client { info: None, ..client }, Client { info: None, host: None, ..client }] {
            let Some(hit) = rules.find(&client) else { break };
            strictest = match (strictest, self.refusal(&hit)) {
                (Some(one), Some(other)) => Some(one.stricter(other)),
                (one, other) => one.or(other),
            };
            let counts = match hit.by {
                KeyedBy::Address => true,
                KeyedBy::Name => confirmed,
                KeyedBy::Ident => false,
            };
            if counts {
                break;
            }
        }
        strictest
    }

    /// Does it matter to the rules whether the client's name leads back to it?
    pub(super) fn depends_on_name(&self, connection: &Connection) -> bool {
        let refusal = |confirmed| {
            self.tcp_refusal(connection, confirmed).map(|refusal| (refusal.finding.outcome, refusal.prefix))
        };
        self.tcp_rules.is_some() && connection.client_name.is_some() && refusal(true) != refusal(false)
    }

    fn refusal(&self, hit: &Hit<'_>) -> Option<TcpRefusal> {
        let key = shown_key(hit);
        let finding = if hit.denies() {
            Finding::new(TCP_RULE_DENIED, Outcome::Reject, key)
        } else {
            rblsmtpd(hit.variable(b"RBLSMTPD").filter(|_| self.obey_rblsmtpd)?, &key)?
        };
        Some(TcpRefusal { finding, prefix: hit.prefix_bits() })
    }

    /// Like `tcprulescheck`: the rule's key, what it does, the variables it sets.
    pub(super) fn rule_rows(&self, args: &[String]) -> Result<Rows, String> {
        let (ip, host) = match args {
            [ip] => (ip, None),
            [ip, host] => (ip, Some(host.as_bytes())),
            _ => return Err("expected an address and perhaps a name: rule IP [NAME]".to_owned()),
        };
        let parsed = parse_ip(ip.as_bytes()).ok_or_else(|| format!("\"{ip}\" is no address"))?.to_string();
        let rules = self.tcp_rules.as_ref().ok_or("no rules are configured: expected [check.access] tcp_rules")?;
        let row = |what: &str, value: String| vec![what.to_owned(), value];
        let mut rows = Vec::new();
        let hit = rules.find(&Client { ip: parsed.as_bytes(), host, info: None });
        rows.push(row("rule", hit.as_ref().map_or_else(|| "none".to_owned(), shown_key)));
        for (name, value) in hit.iter().flat_map(Hit::variables) {
            rows.push(row("set", format!("{}={}", name.escape_ascii(), value.escape_ascii())));
        }
        let denies = hit.is_some_and(|hit| hit.denies());
        rows.push(row("result", if denies { "deny" } else { "allow" }.to_owned()));
        Ok(Rows { columns: ["what", "value"].map(str::to_owned).to_vec(), rows })
    }
}

fn shown_key(hit: &Hit<'_>) -> String {
    if hit.key.is_empty() { "default".to_owned() } else { String::from_utf8_lossy(&hit.key).into_owned() }
}

/// Where rblsmtpd cuts its texts, in octets.
const RBLSMTPD_OCTETS_MAX: usize = 200;

/// rblsmtpd's three forms: nothing = no refusal, `-text` = 553, `text` = 451.
fn rblsmtpd(value: &[u8], origin: &str) -> Option<Finding> {
    let (outcome, text) = match value {
        [] => return None,
        [b'-', text @ ..] => (Outcome::Reject, text),
        text => (Outcome::Defer, text),
    };
    let mut finding = Finding::new(RBLSMTPD, outcome, format!("RBLSMTPD of {origin}"));
    let printable = |&byte: &u8| if (32..=126).contains(&byte) { char::from(byte) } else { '?' };
    finding.vars.push(("rblsmtpd", text.iter().take(RBLSMTPD_OCTETS_MAX).map(printable).collect()));
    Some(finding)
}
