//! How are a question about a mailbox and its answer written down? With the name of the source: who was asked then cannot be
//! asked again, and need not be.

use super::field::{flags, member, write_flags, write_member};
use crate::{
    ask::{Existence, Looked, MailboxQuestion, mailbox::Source},
    state::octets::{Reader, Writer},
};
use bytes::Bytes;
use std::sync::Arc;

/// Longest text in octets: an address has 900 and a suffix, a label of a host less.
const TEXT_OCTETS_MAX: usize = 8_192;

pub(super) fn write_question(out: &mut Writer, asked: &MailboxQuestion) {
    out.octets(&asked.address).text(&asked.source.name);
}

pub(super) fn question(from: &mut Reader<'_>) -> Option<MailboxQuestion> {
    let address = Bytes::copy_from_slice(from.octets(TEXT_OCTETS_MAX)?);
    Some(MailboxQuestion { address, source: Arc::new(Source::recorded(from.text(TEXT_OCTETS_MAX)?)) })
}

pub(super) fn write_answer(out: &mut Writer, looked: &Looked) {
    write_member(out, &Existence::ALL, &looked.existence);
    write_flags(out, &[looked.is_ours]);
    out.text(&looked.why);
}

pub(super) fn answer(from: &mut Reader<'_>) -> Option<Looked> {
    let existence = member(from, &Existence::ALL)?;
    let [is_ours] = flags(from)?;
    Some(Looked { existence, is_ours, why: from.text(TEXT_OCTETS_MAX)?.to_owned() })
}
