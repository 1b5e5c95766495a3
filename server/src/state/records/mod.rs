//! Which kinds of records are there? What we remember of senders and clients, each with its laws of merging.

mod digest;
mod exception;
#[cfg(test)]
pub(super) mod laws;
mod roll;
mod standing;
mod subject;
mod tokens;
mod triplet;

pub use digest::Digest;
pub use exception::{Exception, Hits};
pub use roll::{ROLL_MAX, Roll};
pub use standing::{Experience, Horizon, Standing};
pub use subject::Subject;
pub use tokens::{Pace, Tokens};
pub use triplet::Triplet;
