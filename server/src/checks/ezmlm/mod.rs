//! May the sender post to this mailing list of ezmlm's? What the list itself would bounce later is refused at RCPT.
//!
//! Which addresses are a list's is settled for others too: mail that only comes back to a list is not greylisted and does
//! not count against whoever sends it (`Settled::mailing_lists`). The lists' files are read when the policy is built.

mod fields;

use crate::{
    ask::Answers,
    check::{Check, Def, Exemption, Finding, Outcome, Rows},
    clock::Now,
    config::{Build, Section},
    lists::{MailingList, MailingLists, Role, bucket_of, load},
    mode::Mode,
    session::{Address, Facts, Rcpthosts, Stage},
};
use bytes::Bytes;
use std::sync::Arc;

/// The registry's entry.
pub(crate) static DEF: Def = Def {
    name: "ezmlm",
    doc: "Knows the mailing lists of ezmlm on this host: refuses posts that a list would bounce, of those who are no \
          subscribers or denied, straight from the list's files. Bounces and confirmations that come back to a list are \
          not greylisted, and neither the sender's domain nor its reputation counts against them. Off without lists.",
    stages: &[Stage::Rcpt],
    rules: fields::RULES,
    fields: &[],
    tables: &[fields::LIST],
    mode: Mode::Enforce,
    // The list would refuse it, whoever brings it: better before it is accepted than by a bounce.
    despite: &[Exemption::Relay, Exemption::Allowed, Exemption::TrustedClient],
    build: |section, build| Box::new(Ezmlm::build(section, build)),
};

struct Ezmlm {
    lists: Arc<MailingLists>,
}

impl Ezmlm {
    fn build(section: &Section<'_>, build: &mut Build<'_>) -> Self {
        let tables = section.tables(fields::LIST.0);
        if tables.len() > fields::LISTS_MAX {
            section.fault(fields::LIST.0, format!("{} lists: expected at most {}", tables.len(), fields::LISTS_MAX));
        }
        let tables = tables.iter().take(fields::LISTS_MAX);
        let lists = Arc::new(MailingLists::new(tables.map(|table| list(table, build)).collect()));
        build.settled.mailing_lists = Arc::clone(&lists);
        Self { lists }
    }

    fn judge(&self, sender: &Address, recipient: &Address) -> Option<Finding> {
        let (list, role) = self.lists.find(recipient).filter(|(_, role)| *role == Role::Post)?;
        let rule = match role {
            _ if list.denies(sender) => fields::DENIED,
            _ if list.keeps_out(sender) => fields::NO_SUBSCRIBER,
            _ => return None,
        };
        Some(Finding::new(rule, Outcome::Reject, list.address.clone()))
    }
}

fn list(table: &Section<'_>, build: &mut Build<'_>) -> MailingList {
    let address = table.text("address").to_ascii_lowercase();
    if !address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty()) {
        table.fault("address", format!("\"{address}\": expected the list's address, such as list@example.org"));
    }
    let (only_subscribers, obeys_deny) = (table.bool("subscribers_only"), table.bool("deny"));
    let is_needed = only_subscribers || obeys_deny;
    let folder = table.path("dir").filter(|_| is_needed);
    let folder = folder.filter(|folder| load::is_list_folder(table, build, folder, only_subscribers));
    if is_needed && table.path("dir").is_none() {
        table.fault("dir", "nothing: expected the list's folder");
    }
    let folder = folder.as_deref();
    MailingList {
        address,
        posters: folder.filter(|_| only_subscribers).map(|folder| load::posters(table, build, folder)),
        denied: folder.filter(|_| obeys_deny).map(|folder| load::denied(table, build, folder)).unwrap_or_default(),
    }
}

impl Check for Ezmlm {
    fn decide(&self, _stage: Stage, facts: &Facts, _answers: &Answers, _now: Now, found: &mut Vec<Finding>) {
        let (Some(sender), Some(recipient)) = (&facts.sender, &facts.recipient) else { return };
        if recipient.rcpthosts != Rcpthosts::Refused {
            found.extend(self.judge(&sender.address, &recipient.address));
        }
    }

    fn operations(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("address", "ADDRESS: which list's it is, and what for"),
            ("post", "SENDER LIST: may the sender post, and in which of the list's files would it stand?"),
        ]
    }

    fn inspect(&self, op: &str, args: &[String]) -> Result<Rows, String> {
        let address = |text: &String| Address::new(Bytes::from(text.clone()));
        match (op, args) {
            ("address", [text]) => {
                let found = self.lists.find(&address(text));
                let (list, role) = found.map_or(("none", ""), |(list, role)| (&list.address[..], role.name()));
                Ok(rows(["address", "list", "role"], [text, list, role]))
            }
            ("post", [sender, list]) => {
                let (sender_address, list_address) = (address(sender), address(list));
                match self.lists.find(&list_address) {
                    Some((_, Role::Post)) => {}
                    Some((found, role)) => {
                        return Err(format!(
                            "{list} takes no posts: it is the {} address of {}",
                            role.name(),
                            found.address
                        ));
                    }
                    None => return Err(format!("no list {list} is configured: expected one of [[check.ezmlm.list]]")),
                }
                let finding = self.judge(&sender_address, &list_address);
                let result = finding.map_or("may post", |finding| fields::RULES[finding.rule].name);
                let file = bucket_of(&sender_address).to_string();
                Ok(rows(["sender", "list", "result", "file"], [sender, list, result, &file]))
            }
            ("address", _) => Err("expected one address: address ADDRESS".to_owned()),
            ("post", _) => Err("expected two addresses: post SENDER LIST".to_owned()),
            _ => Err(format!("there is no operation \"{op}\": expected address or post")),
        }
    }
}

fn rows<const N: usize>(columns: [&str; N], cells: [&str; N]) -> Rows {
    Rows { columns: columns.map(str::to_owned).to_vec(), rows: vec![cells.map(str::to_owned).to_vec()] }
}

#[cfg(test)]
mod tests;
