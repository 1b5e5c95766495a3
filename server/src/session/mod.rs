//! What do we know of this SMTP session? Facts only: they grow stage by stage, and no check changes them.

mod address;
mod facts;
mod history;
mod stage;
mod state;

pub use address::{Address, Domain, parse_ip};
pub use facts::{Connection, Ending, Facts, Helo, Rcpthosts, ReplyStyle, Report, Sender, SessionId, Tried};
pub use history::{History, ListsNote, Missing, Tally};
pub use stage::Stage;
pub use state::{SessionState, StateKey};
