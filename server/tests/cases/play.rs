//! Does the engine give a case's verdicts? Builds its policy in a scratch folder, plays its session, compares.

use crate::{
    case::{Case, Content, Event, Expected},
    zone::Table,
};
use bytes::Bytes;
use std::{path::Path, sync::Arc, time::Duration};
use tollgate::{
    check::{Def, Outcome},
    clock::Clock,
    config::Document,
    decision_log::LogRing,
    mode::Mode,
    pipeline::{Action, Decision, Engine, Judged, KillSwitch, Policy},
    session::{Address, Connection, Ending, Facts, Helo, Rcpthosts, Report, Sender, SessionId, Stage, StateKey, Tried},
    state::Exception,
};

/// When every case begins, Unix time in seconds.
pub(crate) const BEGINS_AT: u64 = 1_700_000_000;

/// Plays a case of a file; the error says which step gave what.
pub(crate) fn play(file: &str, case: &Case) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let document = document(file, case, folder.path())?;
    let policy = match (Policy::build(&document, 1), case.faults.is_empty()) {
        (Ok(policy), true) => policy,
        (Ok(_), false) => return Err("the policy was accepted: expected faults".to_owned()),
        (Err(faults), _) => {
            let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
            let told = |expected: &String| shown.iter().any(|fault| fault.contains(expected));
            let met = !case.faults.is_empty() && case.faults.iter().all(told);
            return if met { Ok(()) } else { Err(format!("faults:\n{}", shown.join("\n"))) };
        }
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(session(case, policy))
}

fn document(file: &str, case: &Case, folder: &Path) -> Result<Document, String> {
    for (path, content) in &case.files {
        let path = folder.join(path);
        let written = std::fs::create_dir_all(path.parent().unwrap_or(folder)).and_then(|()| match content {
            Content::Text(text) => std::fs::write(&path, text),
            Content::Cdb(records) => write_cdb(&path, records),
        });
        written.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let text = match &case.preset {
        Some(name) => preset(name)?,
        None => {
            let reply_ids = case.reply_ids;
            let base = "[policy]\ncontrol = \"control\"\ndomains = [\"here.example\"]";
            format!("{base}\nreply_ids = {reply_ids}\n{}\n{}", case.policy, strangers_off(file, &case.policy))
        }
    };
    let file = folder.join("tollgate.toml").display().to_string();
    Document::parse(&file, &text).map_err(|faults| format!("{faults:?}"))
}

/// Checks that only watch unless they are configured are switched off, where the case is not about them, and so is the
/// one that scores everybody by what went before: what each of them finds is the business of its own cases.
fn strangers_off(file: &str, policy: &str) -> String {
    let is_stranger = |def: &&&Def| {
        let headers = [format!("[check.{}]", def.name), format!("[check.{}.", def.name)];
        let watches = def.mode == Mode::Monitor || def.name == "reputation";
        watches && def.name != file && !headers.iter().any(|header| policy.contains(header))
    };
    let off = |def: &&Def| format!("[check.{}]\nmode = \"off\"\n", def.name);
    tollgate::checks::ALL.iter().filter(is_stranger).map(off).collect()
}

/// A preset as it ships, but for the place of the control folder.
fn preset(name: &str) -> Result<String, String> {
    const CONTROL: &str = "control = \"/var/qmail/control\"";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/presets/{name}.toml"));
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if !text.contains(CONTROL) {
        return Err(format!("{}: expected {CONTROL}", path.display()));
    }
    Ok(text.replace(CONTROL, "control = \"control\""))
}

fn write_cdb(path: &Path, records: &[(String, String)]) -> std::io::Result<()> {
    let mut maker = cdb::CDBMake::new(std::fs::File::create(path)?)?;
    for (key, data) in records {
        maker.add(key.as_bytes(), data.as_bytes())?;
    }
    maker.finish()
}

async fn session(case: &Case, policy: Policy) -> Result<(), String> {
    let clock = Clock::manual(BEGINS_AT);
    let zone = Arc::clone(&case.zone);
    let key = StateKey::random()?;
    let engine = Engine::new(
        policy,
        Arc::new(Table(Arc::clone(&zone))),
        clock.clone(),
        Arc::new(KillSwitch::default()),
        key,
        LogRing::new(case.steps.len() + 2),
    );
    for (exception, lasts) in &case.exceptions {
        // One after the other: of equals the later one counts.
        clock.advance(Duration::from_secs(1));
        let now = clock.now();
        let (made_at, until) = (now.unix_seconds(), now.unix_seconds() + lasts);
        engine.recall().exceptions.make(Exception { made_at, until, ..exception.clone() }, now)?;
    }
    let mut player = Player { case, engine, facts: Facts::default(), state: Bytes::new(), counts: (0, 0), accepted: 0 };
    player.facts.session_id = SessionId([7; 16]);
    player.facts.connection = case.client.clone();
    player.open().await?;
    for (at, step) in case.steps.iter().enumerate() {
        match &step.event {
            Event::Wait(ms) => clock.advance(Duration::from_millis(*ms)),
            Event::Report(ending) => player.report(*ending, false),
            Event::Close(quit) => player.report(Ending::Closed, *quit),
            Event::Client(connection) => {
                player.reconnect(connection).await.map_err(|wrong| format!("step {}: {wrong}", at + 1))?
            }
            event => {
                let decision = player.step(event).await;
                compare(&decision, &step.expected, case.reply_ids)
                    .map_err(|wrong| format!("step {}: {wrong}", at + 1))?;
            }
        }
    }
    compare_hits(case, &player.engine, &clock)?;
    compare_asked(case, &zone.asked())
}

struct Player<'a> {
    case: &'a Case,
    engine: Engine,
    facts: Facts,
    state: Bytes,
    /// Recipients of the transaction, accepted and refused.
    counts: (u32, u32),
    /// Messages of the connection.
    accepted: u32,
}

impl Player<'_> {
    /// The steps that every session has and few cases write down.
    async fn open(&mut self) -> Result<(), String> {
        let steps = || self.case.steps.iter().map(|step| &step.event);
        let (has_connect, has_helo) = (
            steps().any(|event| matches!(event, Event::Connect)),
            steps().any(|event| matches!(event, Event::Helo(..))),
        );
        for event in [
            (!has_connect).then_some(Event::Connect),
            (!has_helo && !has_connect).then(|| Event::Helo("mx.example".to_owned(), true)),
        ] {
            let Some(event) = event else { continue };
            let decision = self.step(&event).await;
            compare(&decision, &Expected::default(), false).map_err(|wrong| format!("opening: {wrong}"))?;
        }
        Ok(())
    }

    /// Another connection, greeted as usual.
    async fn reconnect(&mut self, connection: &Connection) -> Result<(), String> {
        self.facts.session_id.0[0] = self.facts.session_id.0[0].wrapping_add(1);
        self.facts = Facts { session_id: self.facts.session_id, connection: connection.clone(), ..Facts::default() };
        (self.state, self.counts, self.accepted) = (Bytes::new(), (0, 0), 0);
        for event in [Event::Connect, Event::Helo("mx.example".to_owned(), true)] {
            let decision = self.step(&event).await;
            compare(&decision, &Expected::default(), false).map_err(|wrong| format!("opening: {wrong}"))?;
        }
        Ok(())
    }

    /// How a message, or the connection, ended.
    fn report(&mut self, ending: Ending, quit: bool) {
        self.accepted += u32::from(ending == Ending::Accepted);
        self.facts.seq += 1;
        let (recipients_accepted, recipients_refused) = self.counts;
        let messages_accepted = self.accepted;
        let report =
            Report { ending, recipients_accepted, recipients_refused, messages_accepted, quit, ..Report::default() };
        self.facts.report = Some(report);
        self.engine.report(self.facts.clone(), &self.state);
        self.facts.report = None;
    }

    async fn step(&mut self, event: &Event) -> Arc<Decision> {
        let stage = self.note(event);
        self.facts.seq += 1;
        let decision = self.engine.decide(stage, self.facts.clone(), &self.state, None).await;
        self.state = decision.verdict.session_state.clone();
        let refused = decision.verdict.action != Action::Continue;
        if let Some(tried) = self.facts.recipient.take() {
            let counted =
                if refused || tried.rcpthosts == Rcpthosts::Refused { &mut self.counts.1 } else { &mut self.counts.0 };
            *counted += 1;
        }
        decision
    }

    /// Adds what the client said to the facts.
    fn note(&mut self, event: &Event) -> Stage {
        let address = |text: &String| Address::new(Bytes::from(text.clone()));
        let facts = &mut self.facts;
        facts.recipients = None;
        match event {
            Event::Connect => Stage::Connect,
            Event::Helo(name, esmtp) => {
                facts.helo = Some(Helo { name: Bytes::from(name.clone()), esmtp: *esmtp });
                facts.sender = None;
                Stage::Helo
            }
            Event::Mail(sender) => {
                facts.sender = Some(Sender { address: address(sender), declared_size: 0 });
                self.counts = (0, 0);
                Stage::Mail
            }
            Event::Rcpt(recipient, rcpthosts) => {
                facts.recipient = Some(Tried { address: address(recipient), rcpthosts: *rcpthosts });
                Stage::Rcpt
            }
            Event::Data => {
                facts.recipients = Some(self.counts);
                Stage::Data
            }
            Event::Wait(_) | Event::Report(_) | Event::Close(_) | Event::Client(_) => {
                unreachable!("no call of a stage")
            }
        }
    }
}

/// As `HITS CHANGED`, of each that holds at the end.
fn compare_hits(case: &Case, engine: &Engine, clock: &Clock) -> Result<(), String> {
    let Some(expected) = &case.hits else { return Ok(()) };
    let all = engine.recall().exceptions.all(clock.now());
    let hits: Vec<String> = all.iter().map(|(_, said)| format!("{} {}", said.hits.all, said.hits.changed)).collect();
    if hits == *expected { Ok(()) } else { Err(format!("hits: we got {hits:?}")) }
}

fn compare(decision: &Decision, expected: &Expected, reply_ids: bool) -> Result<(), String> {
    let verdict = &decision.verdict;
    let got = match verdict.action {
        Action::Continue => "continue".to_owned(),
        action => format!("{} {}", action.name(), verdict.code),
    };
    let would_have = decision.would_have.map_or(String::new(), |(action, by)| format!("{} {by}", action.name()));
    let text_holds = |text: &String| match reply_ids {
        true => verdict.text.starts_with(text.as_str()),
        false => verdict.text == *text,
    };
    let findings: Vec<String> = decision.findings.iter().map(shown).collect();
    let degraded: Vec<String> = verdict.degraded.iter().map(ToString::to_string).collect();
    let headers: Vec<String> = verdict.headers.iter().map(|header| header.replace("\n ", " ")).collect();
    let wrong: Vec<&str> = [
        ("expect", expected.expect.as_deref().unwrap_or("continue") == got),
        ("text", expected.text.as_ref().is_none_or(text_holds)),
        ("by", expected.by.as_ref().is_none_or(|by| by == decision.decided_by)),
        ("findings", expected.findings.as_ref().is_none_or(|expected| same(expected, &findings))),
        ("would_have", expected.would_have.as_ref().is_none_or(|word| begins(&would_have, word))),
        ("degraded", expected.degraded.as_ref().is_none_or(|expected| *expected == degraded)),
        ("headers", expected.headers.as_ref().is_none_or(|expected| *expected == headers)),
        ("spf_result", expected.spf_result.as_ref().is_none_or(|word| *word == verdict.spf_result)),
        ("delay_ms", expected.delay_ms.is_none_or(|ms| ms == u64::from(verdict.delay_ms))),
    ]
    .into_iter()
    .filter_map(|(what, holds)| (!holds).then_some(what))
    .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let by = decision.decided_by;
    Err(format!(
        "{} differs at {}\nwe got: {got}\n  text: {:?}\n  by: \"{by}\"\n  findings: {findings:?}\n  would_have: \"{would_have}\"\n  degraded: {degraded:?}\n  headers: {headers:#?}\n  spf_result: \"{}\"\n  delay_ms: {}",
        wrong.join(", "),
        decision.stage,
        verdict.text,
        verdict.spf_result,
        verdict.delay_ms,
    ))
}

/// `check.rule outcome mode`, and why it was passed over.
fn shown(judged: &Judged) -> String {
    let outcome = match judged.outcome {
        Outcome::Allow => "allow".to_owned(),
        Outcome::Score(points) => format!("score {points}"),
        Outcome::Delay(ms) => format!("delay {ms}"),
        Outcome::Defer => "defer".to_owned(),
        Outcome::Reject => "reject".to_owned(),
    };
    let excused = judged.excused.map_or(String::new(), |exemption| format!(" excused {exemption:?}"));
    format!("{}.{} {outcome} {}{excused}", judged.check, judged.rule, judged.mode)
}

/// Every expectation has a finding of its own, and no finding is left.
fn same(expected: &[String], findings: &[String]) -> bool {
    let mut left: Vec<&String> = findings.iter().collect();
    expected.iter().all(|expected| {
        let at = left.iter().position(|finding| begins(finding, expected));
        at.map(|at| left.remove(at)).is_some()
    }) && left.is_empty()
}

/// The same words, but for trailing ones that were left out; nothing begins nothing.
fn begins(whole: &str, words: &str) -> bool {
    if words.is_empty() || whole.is_empty() {
        return words == whole;
    }
    whole == words || whole.strip_prefix(words).is_some_and(|rest| rest.starts_with(' '))
}

fn compare_asked(case: &Case, asked: &[String]) -> Result<(), String> {
    let missing = case.asked.iter().find(|name| !asked.contains(name)).map(|name| format!("{name} was not asked"));
    let surplus = case.not_asked.iter().find(|name| asked.contains(name)).map(|name| format!("{name} was asked"));
    missing.or(surplus).map_or(Ok(()), |wrong| Err(format!("{wrong}; all that was asked: {asked:?}")))
}
