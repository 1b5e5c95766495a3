//! Which of qmail's files say where a recipient's mail goes? The control files of `qmail-send`, `users/assign` and
//! `users/cdb` of `qmail-lspawn`, and `passwd`; each reader turns bytes into something that can be asked.

mod assign;
mod controls;
mod passwd;
mod users;

pub use assign::{Assign, AssignError};
pub use controls::{ControlFiles, Controls};
pub use passwd::{Account, Passwd};
pub use users::{Assigned, Users, UsersError, assigned};

#[cfg(test)]
mod tests;
