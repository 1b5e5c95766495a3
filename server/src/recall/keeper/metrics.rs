//! What do Prometheus and postmasters see of memory and its store?

use crate::{
    recall::{Recall, Table, WAITED},
    state::{Record, Standing, Tokens, Triplet},
};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};

pub(super) fn describe() {
    describe_gauge!("tollgate_memory_entries", "records at hand, by kind");
    describe_gauge!("tollgate_memory_bytes", Unit::Bytes, "memory they take, by kind");
    describe_gauge!("tollgate_memory_unwritten", "records that the store does not have in their newest state, by kind");
    describe_counter!("tollgate_memory_evicted_total", "records driven out of memory, by kind");
    describe_counter!("tollgate_memory_dropped_total", "of those, records whose newest state the store did not have");
    describe_counter!("tollgate_store_read_total", "records the store was asked for, by kind");
    describe_counter!("tollgate_store_written_total", "records written to the store, by kind");
    describe_counter!("tollgate_store_forgotten_total", "records removed from the store, by kind");
    describe_counter!("tollgate_store_failures_total", "requests to the store that failed");
    describe_gauge!("tollgate_store_trouble", "1 while the store fails, by what is done with it");
    describe_counter!(
        "tollgate_experiences_rationed_total",
        "reports beyond what one mail host may say of one subject"
    );
    describe_counter!("tollgate_waits_begun_total", "mails that began to wait, by what their sender is known by");
    describe_histogram!(WAITED, Unit::Seconds, "how long mail waited that came through");
    for doing in ["read", "write"] {
        counter!("tollgate_store_failures_total", "doing" => doing).absolute(0);
    }
    for kind in [Standing::NAME, Triplet::NAME, Tokens::NAME] {
        for name in ["tollgate_store_read_total", "tollgate_store_written_total", "tollgate_store_forgotten_total"] {
            counter!(name, "kind" => kind).absolute(0);
        }
    }
}

/// How memory is, at the moment.
pub(super) fn show(recall: &Recall, cannot_write: bool) {
    show_kind::<Standing>(&recall.standings);
    show_kind::<Triplet>(&recall.triplets);
    show_kind::<Tokens>(&recall.tokens);
    gauge!("tollgate_store_trouble", "doing" => "read").set(f64::from(recall.is_troubled()));
    gauge!("tollgate_store_trouble", "doing" => "write").set(f64::from(cannot_write));
}

fn show_kind<R: Record>(table: &Table<R>) {
    let ((entries, octets), (evicted, dropped)) = (table.size(), table.evicted());
    gauge!("tollgate_memory_entries", "kind" => R::NAME).set(entries as f64);
    gauge!("tollgate_memory_bytes", "kind" => R::NAME).set(octets as f64);
    gauge!("tollgate_memory_unwritten", "kind" => R::NAME).set(table.unwritten() as f64);
    counter!("tollgate_memory_evicted_total", "kind" => R::NAME).absolute(evicted);
    counter!("tollgate_memory_dropped_total", "kind" => R::NAME).absolute(dropped);
}

pub(super) fn asked(kind: &'static str, records: usize) {
    counter!("tollgate_store_read_total", "kind" => kind).increment(records as u64);
}

pub(super) fn wrote(kind: &'static str, records: usize) {
    counter!("tollgate_store_written_total", "kind" => kind).increment(records as u64);
}

pub(super) fn forgot(kind: &'static str, records: usize) {
    counter!("tollgate_store_forgotten_total", "kind" => kind).increment(records as u64);
}

pub(super) fn failed(doing: &'static str) {
    counter!("tollgate_store_failures_total", "doing" => doing).increment(1);
}
