//! What would happen to this mail? An imagined transaction goes through all stages; nothing is logged, counted or kept.

use crate::{
    check::{Check, Rows},
    pipeline::{Decision, Engine},
    session::{Connection, Facts, Helo, Sender, Stage, Tried},
};

/// What is imagined.
#[derive(Clone, Debug, Default)]
pub struct Imagined {
    /// Always.
    pub connection: Connection,
    /// `None` = the client says no HELO.
    pub helo: Option<Helo>,
    /// `None` = it ends after HELO.
    pub sender: Option<Sender>,
    /// At most [`Imagined::RECIPIENTS_MAX`].
    pub recipients: Vec<Tried>,
}

impl Imagined {
    /// Recipients of one imagined transaction: what RFC 5321 §4.5.3.1.8 asks servers to take.
    pub const RECIPIENTS_MAX: usize = 100;
}

/// One decision for each stage, in order; one Rcpt stage for each recipient; Data if there was any recipient.
pub(super) async fn run(engine: &Engine, imagined: Imagined) -> Vec<Decision> {
    let mut facts = Facts { connection: imagined.connection, ..Facts::default() };
    let mut decisions = vec![stage(engine, Stage::Connect, &mut facts).await];
    if imagined.helo.is_some() {
        facts.helo = imagined.helo;
        decisions.push(stage(engine, Stage::Helo, &mut facts).await);
    }
    if imagined.sender.is_none() {
        return decisions;
    }
    facts.sender = imagined.sender;
    decisions.push(stage(engine, Stage::Mail, &mut facts).await);
    let (mut accepted, mut refused) = (0, 0);
    for recipient in imagined.recipients {
        facts.recipient = Some(recipient);
        let decision = stage(engine, Stage::Rcpt, &mut facts).await;
        let count = if decision.verdict.code == 0 { &mut accepted } else { &mut refused };
        *count += 1;
        decisions.push(decision);
    }
    facts.recipient = None;
    // A mail server takes DATA only after it has accepted a recipient.
    if accepted > 0 {
        facts.recipients = Some((accepted, refused));
        decisions.push(stage(engine, Stage::Data, &mut facts).await);
    }
    decisions
}

async fn stage(engine: &Engine, stage: Stage, facts: &mut Facts) -> Decision {
    facts.seq += 1;
    let decision = engine.rehearse(stage, facts.clone()).await;
    facts.history = decision.facts.history.clone();
    decision
}

/// What `tollgate CHECK` can show, one operation a row.
pub(super) fn operations(check: &dyn Check) -> Rows {
    Rows {
        columns: vec!["operation".to_owned(), "shows".to_owned()],
        rows: check.operations().iter().map(|&(name, help)| vec![name.to_owned(), help.to_owned()]).collect(),
    }
}
