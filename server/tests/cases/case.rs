//! What does a case say? Its configuration, files, zone, client, steps and expectations.

use crate::{table::Reader, zone::Zone};
use bytes::Bytes;
use std::sync::Arc;
use tollgate::{
    exceptions::scope,
    session::{Connection, Ending, Rcpthosts, parse_ip},
    state::Exception,
};
use toml::{Table, Value};

/// One case.
pub(crate) struct Case {
    pub(crate) name: String,
    /// Name of a preset that is the whole configuration.
    pub(crate) preset: Option<String>,
    pub(crate) policy: String,
    pub(crate) reply_ids: bool,
    pub(crate) files: Vec<(String, Content)>,
    pub(crate) faults: Vec<String>,
    pub(crate) zone: Arc<Zone>,
    pub(crate) client: Connection,
    /// Made before the session, in this order, each for so many seconds.
    pub(crate) exceptions: Vec<(Exception, u64)>,
    /// Of each, by the end: how often it spoke, and how often that changed something.
    pub(crate) hits: Option<Vec<String>>,
    pub(crate) steps: Vec<Step>,
    pub(crate) asked: Vec<String>,
    pub(crate) not_asked: Vec<String>,
}

/// What a file holds.
pub(crate) enum Content {
    Text(String),
    Cdb(Vec<(String, String)>),
}

/// What happens, and what must come back.
pub(crate) struct Step {
    pub(crate) event: Event,
    pub(crate) expected: Expected,
}

/// What the client does.
pub(crate) enum Event {
    Connect,
    Helo(String, bool),
    Mail(String),
    Rcpt(String, Rcpthosts),
    Data,
    /// A message ended so.
    Report(Ending),
    /// The client goes: with QUIT, or without.
    Close(bool),
    /// Another one connects.
    Client(Box<Connection>),
    Wait(u64),
}

/// What is compared; `None` = it is not.
#[derive(Default)]
pub(crate) struct Expected {
    /// `continue`, `reject 553`, `defer 451`.
    pub(crate) expect: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) by: Option<String>,
    pub(crate) findings: Option<Vec<String>>,
    pub(crate) would_have: Option<String>,
    pub(crate) degraded: Option<Vec<String>>,
    /// Header fields for the top of the message, unfolded.
    pub(crate) headers: Option<Vec<String>>,
    pub(crate) spf_result: Option<String>,
    /// How long the answer is held back.
    pub(crate) delay_ms: Option<u64>,
}

/// All cases of a file.
pub(crate) fn read(text: &str) -> Result<Vec<Case>, String> {
    let table: Table = text.parse().map_err(|error| format!("{error}"))?;
    let mut top = Reader::new(Value::Table(table), "the file")?;
    let list = top.list("case")?.unwrap_or_default();
    top.end("the file")?;
    let mut cases: Vec<Case> = Vec::new();
    for value in list {
        let case = case(value)?;
        if cases.iter().any(|other| other.name == case.name) {
            return Err(format!("two cases are called \"{}\"", case.name));
        }
        cases.push(case);
    }
    if cases.is_empty() { Err("no case".to_owned()) } else { Ok(cases) }
}

fn case(value: Value) -> Result<Case, String> {
    let mut table = Reader::new(value, "a case")?;
    let name = table.text("name")?.ok_or("a case has no name")?;
    let within = |wrong: String| format!("{name}: {wrong}");
    read_case(&mut table, name.clone())
        .and_then(|case| table.end("the case").map(|()| case))
        .and_then(|case| match case.steps.is_empty() == case.faults.is_empty() {
            true => Err("expected steps, or faults and no steps".to_owned()),
            false if case.preset.is_some() && (case.reply_ids || !case.policy.is_empty()) => {
                Err("a preset is the whole configuration: expected neither policy nor reply_ids".to_owned())
            }
            false => Ok(case),
        })
        .map_err(within)
}

fn read_case(table: &mut Reader, name: String) -> Result<Case, String> {
    let steps = table.list("steps")?.unwrap_or_default();
    Ok(Case {
        name,
        preset: table.text("preset")?,
        policy: table.text("policy")?.unwrap_or_default(),
        reply_ids: table.flag("reply_ids")?,
        files: files(table.value("files"))?,
        faults: table.texts("faults")?.unwrap_or_default(),
        zone: Arc::new(
            Zone::read(&table.text("zone")?.unwrap_or_default())?
                .with_mailboxes(mailboxes(table.value("mailboxes"))?)?,
        ),
        client: client(table.value("client").unwrap_or(Value::Table(Table::new())))?,
        exceptions: table
            .list("exceptions")?
            .unwrap_or_default()
            .into_iter()
            .map(exception)
            .collect::<Result<_, _>>()?,
        hits: table.texts("hits")?,
        steps: steps.into_iter().map(step).collect::<Result<_, _>>()?,
        asked: table.texts("asked")?.unwrap_or_default(),
        not_asked: table.texts("not_asked")?.unwrap_or_default(),
    })
}

fn files(value: Option<Value>) -> Result<Vec<(String, Content)>, String> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let Value::Table(table) = value else { return Err("files: expected a table of paths".to_owned()) };
    let content = |(path, value): (String, Value)| match (path.ends_with(".cdb"), value) {
        (_, Value::String(text)) => Ok((path, Content::Text(text))),
        (true, Value::Table(records)) => {
            let record =
                |(key, data): (String, Value)| Ok((key, data.as_str().ok_or("cdb data is a text")?.to_owned()));
            Ok((path, Content::Cdb(records.into_iter().map(record).collect::<Result<_, String>>()?)))
        }
        _ => Err(format!("files: {path}: expected a text, or keys and values for a .cdb")),
    };
    table.into_iter().map(content).collect()
}

fn mailboxes(value: Option<Value>) -> Result<Vec<(String, String)>, String> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let Value::Table(table) = value else { return Err("mailboxes: expected a table of addresses".to_owned()) };
    let said = |(address, value): (String, Value)| match value {
        Value::String(word) => Ok((address, word)),
        other => Err(format!("mailboxes: {address} is {}: expected a text", other.type_str())),
    };
    table.into_iter().map(said).collect()
}

fn client(value: Value) -> Result<Connection, String> {
    let mut table = Reader::new(value, "client")?;
    let ip = table.text("ip")?.unwrap_or_else(|| "192.0.2.9".to_owned());
    let server_ip = table.text("server_ip")?.unwrap_or_else(|| "198.51.100.1".to_owned());
    let mut bytes = |key: &str| table.text(key).map(|text| text.map(Bytes::from));
    let connection = Connection {
        client_ip: parse_ip(ip.as_bytes()),
        client_name: bytes("name")?,
        client_ident: bytes("ident")?,
        server_ip: parse_ip(server_ip.as_bytes()),
        server_name: Bytes::from_static(b"mail.here.example"),
        authenticated_user: bytes("authenticated_user")?,
        relayclient: bytes("relayclient")?,
        rblsmtpd: bytes("rblsmtpd")?,
        spfbehavior: bytes("spfbehavior")?,
        qmailrrtdenyall: bytes("qmailrrtdenyall")?,
        host: table.text("host")?.unwrap_or_else(|| "mail.here.example".to_owned()),
        via_proxy: table.flag("via_proxy")?,
        early_talk: table.flag("early_talk")?,
        auth_offered: table.flag("auth_offered")?,
        removes_forged: table.flag("removes_forged")?,
        ..Connection::default()
    };
    table.end("client")?;
    Ok(connection)
}

fn exception(value: Value) -> Result<(Exception, u64), String> {
    let mut table = Reader::new(value, "an exception")?;
    let allows = match table.text("do")?.as_deref() {
        Some("allow") => true,
        Some("deny") => false,
        _ => return Err("an exception: do = expected \"allow\" or \"deny\"".to_owned()),
    };
    let mut read = |key: &str, read: fn(&str) -> Result<String, String>| {
        table.text(key)?.map_or(Ok(String::new()), |text| read(&text))
    };
    let (sender, recipient) = (read("sender", scope::sender)?, read("recipient", scope::recipient)?);
    let clients = table.text("client")?.map(|net| scope::clients(&net)).transpose()?;
    let lasts = table.number("for_s")?.unwrap_or(3_600);
    table.end("an exception")?;
    let (by, reason) = ("hans".to_owned(), "a case".to_owned());
    Ok((Exception { allows, clients, sender, recipient, by, reason, ..Exception::default() }, lasts))
}

fn step(value: Value) -> Result<Step, String> {
    let mut table = Reader::new(value, "a step")?;
    let mut events = Vec::new();
    events.extend(table.flag("connect")?.then_some(Event::Connect));
    events.extend(table.text("helo")?.map(|name| Event::Helo(name, false)));
    events.extend(table.text("ehlo")?.map(|name| Event::Helo(name, true)));
    events.extend(table.text("mail")?.map(Event::Mail));
    if let Some(recipient) = table.text("rcpt")? {
        events.push(Event::Rcpt(recipient, rcpthosts(table.text("rcpthosts")?.as_deref())?));
    }
    events.extend(table.flag("data")?.then_some(Event::Data));
    events.extend(table.text("report")?.map(|word| ending(&word).map(Event::Report)).transpose()?);
    events.extend(table.text("close")?.map(|word| Event::Close(word == "quit")));
    events.extend(table.value("client").map(client).transpose()?.map(|known| Event::Client(Box::new(known))));
    events.extend(table.number("wait_s")?.map(|seconds| Event::Wait(seconds * 1_000)));
    events.extend(table.number("wait_ms")?.map(Event::Wait));
    let expected = Expected {
        expect: table.text("expect")?,
        text: table.text("text")?,
        by: table.text("by")?,
        findings: table.texts("findings")?,
        would_have: table.text("would_have")?,
        degraded: table.texts("degraded")?,
        headers: table.texts("headers")?,
        spf_result: table.text("spf_result")?,
        delay_ms: table.number("delay_ms")?,
    };
    table.end("a step")?;
    match (events.pop(), events.is_empty()) {
        (Some(event), true) => Ok(Step { event, expected }),
        _ => {
            Err("a step: expected one of connect, helo, ehlo, mail, rcpt, data, report, close, client, wait_s, wait_ms"
                .to_owned())
        }
    }
}

fn ending(word: &str) -> Result<Ending, String> {
    let found = [Ending::Accepted, Ending::Rejected, Ending::Deferred].into_iter().find(|ending| ending.name() == word);
    found.ok_or_else(|| format!("report = \"{word}\": expected accepted, rejected or deferred"))
}

fn rcpthosts(word: Option<&str>) -> Result<Rcpthosts, String> {
    match word {
        None | Some("allowed") => Ok(Rcpthosts::Allowed),
        Some("refused") => Ok(Rcpthosts::Refused),
        Some("unknown") => Ok(Rcpthosts::Unknown),
        Some(other) => Err(format!("rcpthosts = \"{other}\": expected allowed, refused or unknown")),
    }
}
