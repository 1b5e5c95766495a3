//! `tollgate lookup`: what does every DNS list say about an address or a domain? Each answer is printed as it comes.

use super::{Context, Failure, args::LookupArgs, client::Server, decision, exit, json, text::one_line, units::took};
use crate::{ask::Health, dns_lists::LISTS_MAX};
use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};
use tollgate_proto::v1::{Decision, ListAnswer, LookupReply, LookupRequest, lookup_reply::Part};

/// A file of zones, in octets: the longest zones, and a comment for each.
const FILE_OCTETS_MAX: u64 = 65_536;

pub(super) fn run(args: LookupArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let zones = args.zones.as_deref().map(zones).transpose()?.unwrap_or_default();
    let request = LookupRequest { subject: args.subject, zones };
    let (mut count, mut listed, mut failed) = (0_usize, false, false);
    let as_json = context.common.json;
    let server = Server::connect(context)?;
    server.ask_for_each(
        async |mut admin| admin.lookup(request).await,
        |reply: LookupReply| {
            if let Some(Part::List(answer)) = &reply.part {
                count += 1;
                listed |= answer.standing == "listed";
                failed |= answer.standing == "failed";
            }
            if as_json {
                json::print_line(context.out, &json::lookup(&reply))?;
            } else {
                print(context.out, &reply)?;
            }
            Ok(())
        },
    )?;
    if count == 0 && !as_json {
        writeln!(context.out, "no DNS list is configured: see [[check.rbl.list]], or name zones with --zones")?;
    }
    Ok(match (listed, failed) {
        (true, _) => exit::NO,
        (false, true) => exit::DEFERRED,
        (false, false) => exit::FINE,
    })
}

/// One zone a line; what stands behind `#` is a comment.
fn zones(path: &Path) -> Result<Vec<String>, Failure> {
    let wrong = |text: String| Failure::new(exit::USAGE, format!("{}: {text}", path.display()));
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(FILE_OCTETS_MAX + 1).read_to_string(&mut text));
    let octets = read.map_err(|error| wrong(error.to_string()))?;
    if octets as u64 > FILE_OCTETS_MAX {
        return Err(wrong(format!("expected at most {FILE_OCTETS_MAX} octets")));
    }
    let zone = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    let zones: Vec<String> = text.lines().map(zone).filter(|zone| !zone.is_empty()).collect();
    match zones.len() {
        0 => Err(wrong("names no zone: expected one a line".to_owned())),
        1..=LISTS_MAX => Ok(zones),
        count => Err(wrong(format!("{count} zones: expected at most {LISTS_MAX}"))),
    }
}

fn print(out: &mut dyn Write, reply: &LookupReply) -> io::Result<()> {
    match &reply.part {
        Some(Part::List(answer)) => list(out, answer)?,
        Some(Part::Decision(found)) => {
            writeln!(out, "what would follow:")?;
            // Every list has had its line.
            decision::print(out, &Decision { evidence: Vec::new(), ..Decision::clone(found) })?;
        }
        None => {}
    }
    out.flush()
}

/// `LISTED      bl.example  127.0.0.2 (sbl)  asked, 3.0 ms, may be kept 300 s`, and what else there is to say below it.
fn list(out: &mut dyn Write, answer: &ListAnswer) -> io::Result<()> {
    let standing = match answer.standing.as_str() {
        "listed" => "LISTED".to_owned(),
        other => one_line(other).replace('_', " "),
    };
    let (name, zone) = (one_line(&answer.name), one_line(&answer.zone));
    let mut parts = vec![format!("{standing:<10}"), name.clone()];
    parts.extend((!answer.reason.is_empty()).then(|| one_line(&answer.reason)));
    let code = |code: &tollgate_proto::v1::ListCode| match code.label.as_str() {
        "" => one_line(&code.code),
        label => format!("{} ({})", one_line(&code.code), one_line(label)),
    };
    parts.extend(answer.codes.iter().map(code));
    parts.extend((answer.standing != "not_asked").then(|| source(answer)));
    writeln!(out, "{}", parts.join("  "))?;
    let mut remark = |title: &str, text: &str| match text {
        "" => Ok(()),
        text => writeln!(out, "    {title}: {text}"),
    };
    remark("zone", if zone == name { "" } else { &zone })?;
    remark("says", &one_line(&answer.text))?;
    for found in &answer.findings {
        let cells: Vec<String> = decision::finding(found).into_iter().filter(|cell| !cell.is_empty()).collect();
        remark("would", &cells.join("  "))?;
    }
    if !answer.health.is_empty() && answer.health != Health::Healthy.name() {
        remark("but", &format!("the list is {}: what it says changes nothing", one_line(&answer.health)))?;
    }
    Ok(())
}

fn source(answer: &ListAnswer) -> String {
    if answer.cached {
        return format!("cached {} s ago, {} s left", answer.age_seconds, answer.ttl_seconds);
    }
    format!("asked, {}, may be kept {} s", took(answer.took_us), answer.ttl_seconds)
}
