//! How are facts written down? In the order of their structs. A report is none of a decision's facts.

use super::field::{
    MODES, flags, ip, many, member, optional_shared, shared, write_flags, write_ip, write_member, write_optional,
};
use crate::{
    ask::ListId,
    session::{
        Address, Connection, Facts, Helo, History, ListsNote, Missing, Rcpthosts, ReplyStyle, Sender, SessionId, Tally,
        Tried,
    },
    state::octets::{Reader, Writer},
};
use bytes::Bytes;

/// Longest name, address or variable in octets: what a call brings is cut to fewer.
const VALUE_OCTETS_MAX: usize = 4_096;

/// Steps that may have refused: as many as there could ever be checks.
const STEPS_MAX: usize = 256;

const RCPTHOSTS: [Rcpthosts; 3] = [Rcpthosts::Unknown, Rcpthosts::Allowed, Rcpthosts::Refused];
const REPLY_STYLES: [ReplyStyle; 2] = [ReplyStyle::Qmail, ReplyStyle::Rfc];

pub(super) fn write(out: &mut Writer, facts: &Facts) {
    let Facts { session_id, seq, connection, helo, sender, recipient, recipients, report: _, history } = facts;
    out.raw(&session_id.0).number((*seq).into());
    write_connection(out, connection);
    write_flags(out, &[helo.is_some(), sender.is_some(), recipient.is_some(), recipients.is_some()]);
    if let Some(helo) = helo {
        out.octets(&helo.name).octet(helo.esmtp.into());
    }
    if let Some(sender) = sender {
        out.octets(sender.address.raw()).number(sender.declared_size);
    }
    if let Some(tried) = recipient {
        out.octets(tried.address.raw());
        write_member(out, &RCPTHOSTS, &tried.rcpthosts);
    }
    if let Some((accepted, refused)) = recipients {
        out.number((*accepted).into()).number((*refused).into());
    }
    write_history(out, history);
}

pub(super) fn read(from: &mut Reader<'_>, record: &Bytes) -> Option<Facts> {
    let session_id = SessionId(from.raw(16)?.try_into().ok()?);
    let seq = from.small()?;
    let connection = connection(from, record)?;
    let [has_helo, has_sender, has_recipient, has_recipients] = flags(from)?;
    let mut facts = Facts { session_id, seq, connection, ..Facts::default() };
    if has_helo {
        facts.helo = Some(Helo { name: shared(from, record, VALUE_OCTETS_MAX)?, esmtp: from.octet()? == 1 });
    }
    if has_sender {
        let address = Address::new(shared(from, record, VALUE_OCTETS_MAX)?);
        facts.sender = Some(Sender { address, declared_size: from.number()? });
    }
    if has_recipient {
        let address = Address::new(shared(from, record, VALUE_OCTETS_MAX)?);
        facts.recipient = Some(Tried { address, rcpthosts: member(from, &RCPTHOSTS)? });
    }
    if has_recipients {
        facts.recipients = Some((from.small()?, from.small()?));
    }
    facts.history = history(from)?;
    Some(facts)
}

fn write_connection(out: &mut Writer, connection: &Connection) {
    write_ip(out, connection.client_ip);
    write_ip(out, connection.server_ip);
    out.number(connection.client_port.into()).number(connection.server_port.into());
    out.octets(&connection.server_name).text(&connection.host).number(connection.smtpd_pid.into());
    for value in [
        &connection.client_name,
        &connection.client_ident,
        &connection.authenticated_user,
        &connection.relayclient,
        &connection.rblsmtpd,
        &connection.spfbehavior,
        &connection.qmailrrtdenyall,
        &connection.databytes,
    ] {
        write_optional(out, value.as_deref());
    }
    let Connection { tls, early_talk, via_proxy, auth_offered, removes_forged, .. } = *connection;
    write_flags(out, &[tls, early_talk, via_proxy, auth_offered, removes_forged]);
    write_member(out, &REPLY_STYLES, &connection.reply_style);
}

fn connection(from: &mut Reader<'_>, record: &Bytes) -> Option<Connection> {
    let (client_ip, server_ip) = (ip(from)?, ip(from)?);
    let mut port = || u16::try_from(from.number()?).ok();
    let (client_port, server_port) = (port()?, port()?);
    let server_name = shared(from, record, VALUE_OCTETS_MAX)?;
    let (host, smtpd_pid) = (from.text(VALUE_OCTETS_MAX)?.to_owned(), from.small()?);
    let mut value = || optional_shared(from, record, VALUE_OCTETS_MAX);
    let (client_name, client_ident, authenticated_user, relayclient) = (value()?, value()?, value()?, value()?);
    let (rblsmtpd, spfbehavior, qmailrrtdenyall, databytes) = (value()?, value()?, value()?, value()?);
    let [tls, early_talk, via_proxy, auth_offered, removes_forged] = flags(from)?;
    let reply_style = member(from, &REPLY_STYLES)?;
    Some(Connection {
        client_ip,
        client_port,
        client_name,
        client_ident,
        server_ip,
        server_port,
        server_name,
        host,
        smtpd_pid,
        tls,
        authenticated_user,
        relayclient,
        early_talk,
        rblsmtpd,
        spfbehavior,
        qmailrrtdenyall,
        databytes,
        via_proxy,
        reply_style,
        auth_offered,
        removes_forged,
    })
}

fn write_history(out: &mut Writer, history: &History) {
    write_tally(out, &history.transaction);
    write_tally(out, &history.connection);
    write_member(out, &MODES, &history.mildest);
    out.octet(history.lists.seen.into()).number(history.lists.listed.len() as u64);
    history.lists.listed.iter().for_each(|list| _ = out.number(list.number()));
    let has_missing = history.missing != Missing::default();
    write_flags(out, &[history.welcomed, history.identified, has_missing]);
    out.number(history.delayed_ms.into());
    if has_missing {
        out.number(history.missing.in_transaction.into()).number(history.missing.distinct.len() as u64);
        history.missing.distinct.iter().for_each(|&mark| _ = out.number(mark.into()));
    }
}

fn history(from: &mut Reader<'_>) -> Option<History> {
    let (transaction, connection) = (tally(from)?, tally(from)?);
    let mildest = member(from, &MODES)?;
    let seen = from.octet()? == 1;
    let count = from.count(ListsNote::LISTED_MAX)?;
    let listed = many(count, || from.number().map(ListId::from_number))?;
    let [welcomed, identified, has_missing] = flags(from)?;
    let (lists, delayed_ms) = (ListsNote { seen, listed }, from.small()?);
    // Older records have none.
    let missing = if has_missing { missing(from)? } else { Missing::default() };
    Some(History { transaction, connection, mildest, lists, welcomed, identified, delayed_ms, missing })
}

fn missing(from: &mut Reader<'_>) -> Option<Missing> {
    let in_transaction = from.small()?;
    let count = from.count(Missing::DISTINCT_MAX)?;
    let distinct = many(count, || from.number().and_then(|mark| u16::try_from(mark).ok()))?;
    Some(Missing { in_transaction, distinct })
}

fn write_tally(out: &mut Writer, tally: &Tally) {
    out.number(tally.recipients.into()).number(tally.exempt.into()).number(tally.rcpthosts_refused.into());
    let refused_by = tally.refused_by.iter().take(STEPS_MAX);
    out.number(refused_by.len() as u64);
    refused_by.for_each(|(step, count)| _ = out.text(step).number((*count).into()));
}

fn tally(from: &mut Reader<'_>) -> Option<Tally> {
    let (recipients, exempt, rcpthosts_refused) = (from.small()?, from.small()?, from.small()?);
    let count = from.count(STEPS_MAX)?;
    let one = || Some((from.text(VALUE_OCTETS_MAX)?.to_owned(), from.small()?));
    let refused_by = many(count, one)?;
    Some(Tally { recipients, exempt, rcpthosts_refused, refused_by })
}
