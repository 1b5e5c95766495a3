//! Which kinds of records are at hand, and where?

use super::{Recall, Table};
use crate::{
    ask::StateAnswer,
    state::{Record, Standing, Tokens, Triplet},
};

/// A kind of record that memory has a table for.
pub trait Kind: Record {
    /// Its table.
    fn table(recall: &Recall) -> &Table<Self>;

    /// As an answer.
    fn answer(self) -> StateAnswer;
}

impl Kind for Standing {
    fn table(recall: &Recall) -> &Table<Self> {
        &recall.standings
    }

    fn answer(self) -> StateAnswer {
        StateAnswer::Standing(Box::new(self))
    }
}

impl Kind for Triplet {
    fn table(recall: &Recall) -> &Table<Self> {
        &recall.triplets
    }

    fn answer(self) -> StateAnswer {
        StateAnswer::Triplet(self)
    }
}

impl Kind for Tokens {
    fn table(recall: &Recall) -> &Table<Self> {
        &recall.tokens
    }

    fn answer(self) -> StateAnswer {
        StateAnswer::Tokens(self)
    }
}
