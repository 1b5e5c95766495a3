//! `tollgate lists`: how are the DNS lists doing? `report` is what each is worth.

mod report;

use super::{
    Context, Failure,
    args::{ListsArgs, ListsWhat},
    client::Server,
    exit, json,
    text::{columns, one_line},
    units::{span, time_of_day},
};
use crate::{ask::Health, clock::Clock};
pub(super) use report::window_name;
use std::io::{self, Write};
use tollgate_proto::v1::{DnsList, ListsReply, ListsRequest};

pub(super) fn run(args: &ListsArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    if let Some(ListsWhat::Report { window }) = args.what {
        return report::run(window, context);
    }
    let reply = Server::connect(context)?.ask(async |mut admin| admin.lists(ListsRequest {}).await)?;
    if context.common.json {
        json::print(context.out, &json::lists(&reply))?;
    } else {
        print(context.out, &reply, Clock::system().now().unix_seconds())?;
    }
    Ok(if reply.lists.iter().all(is_healthy) { exit::FINE } else { exit::NO })
}

fn is_healthy(list: &DnsList) -> bool {
    list.health == Health::Healthy.name()
}

fn print(out: &mut dyn Write, reply: &ListsReply, now: u64) -> io::Result<()> {
    if reply.lists.is_empty() {
        return writeln!(out, "no DNS list is configured: see [[check.rbl.list]]");
    }
    let header = ["health", "list", "mode", "since", "hits", "errors", "probe", "look-ups today"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    // What is not as usual comes first.
    let (well, ill): (Vec<_>, Vec<_>) = reply.lists.iter().partition(|list| is_healthy(list));
    rows.extend(ill.into_iter().chain(well).map(|list| row(list, now)));
    write!(out, "{}", columns("", &rows))
}

fn row(list: &DnsList, now: u64) -> Vec<String> {
    let ago = |time: u64| format!("{} ago", span(now.saturating_sub(time)));
    let since = if list.since == 0 { "start".to_owned() } else { ago(list.since) };
    let probe = match list.probe.as_str() {
        "" => "none".to_owned(),
        said => format!("{} {}", one_line(said), ago(list.probed_at)),
    };
    vec![
        health(list),
        name(list),
        if list.welcomes { format!("{}, good clients", one_line(&list.mode)) } else { one_line(&list.mode) },
        since,
        percent(list.hit_rate),
        percent(list.error_rate),
        probe,
        budget(list),
    ]
}

/// Loud, unless all is well: `SUSPECT (probe)`.
fn health(list: &DnsList) -> String {
    if is_healthy(list) {
        return one_line(&list.health);
    }
    let cause = if list.cause.is_empty() { String::new() } else { format!(" ({})", one_line(&list.cause)) };
    format!("{}{cause}", one_line(&list.health).to_uppercase())
}

fn name(list: &DnsList) -> String {
    let (name, zone) = (one_line(&list.name), one_line(&list.zone));
    if name == zone { name } else { format!("{name} ({zone})") }
}

fn budget(list: &DnsList) -> String {
    let (today, refused) = (list.lookups_today, list.refused);
    match (list.limit, list.forecast) {
        (0, _) => today.to_string(),
        (limit, _) if today >= limit => {
            format!("{today} of {limit}: FREE LIMIT REACHED, {refused} not asked; failed until midnight UTC")
        }
        (limit, 0) => format!("{today} of {limit}"),
        (limit, at) => format!("{today} of {limit}: free limit reached at {}", time_of_day(at)),
    }
}

/// `3.1 %`; `-` = not known.
fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}
