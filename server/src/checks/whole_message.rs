//! placeholder, replaced by its owner
use crate::{
    ask::Answers,
    check::{Check, Def, Finding},
    clock::Now,
    mode::Mode,
    session::{Facts, Stage},
};
/// x
pub(crate) static DEF: Def = Def {
    name: "whole_message",
    doc: "",
    stages: &[Stage::Rcpt],
    rules: &[],
    fields: &[],
    tables: &[],
    mode: Mode::Enforce,
    despite: &[],
    build: |_, _| Box::new(X),
};
struct X;
impl Check for X {
    fn decide(&self, _: Stage, _: &Facts, _: &Answers, _: Now, _: &mut Vec<Finding>) {}
}
