//! What has a session brought so far?

use crate::{buffer::Buffer, message::Treatment, request::ARGUMENT_MAX, verdict::STATE_MAX};

/// How a message or a connection ended: `Ending` of policy.proto.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Closed = 0,
    Accepted = 1,
    Rejected = 2,
    Deferred = 3,
}

/// What the session has brought so far.
pub(crate) struct Known {
    pub(crate) session_id: [u8; 16],
    /// Number of the newest call.
    pub(crate) seq: u32,
    /// What the daemon wants to be brought back.
    pub(crate) state: Buffer<STATE_MAX>,
    /// The process that began the session.
    pub(crate) pid: u32,
    pub(crate) has_talked_early: bool,
    pub(crate) has_helo: bool,
    pub(crate) is_esmtp: bool,
    pub(crate) helo: Buffer<ARGUMENT_MAX>,
    pub(crate) has_mail: bool,
    pub(crate) sender: Buffer<ARGUMENT_MAX>,
    /// 0 = not given.
    pub(crate) declared_size: u64,
    /// Recipients of this transaction.
    pub(crate) accepted: u32,
    pub(crate) refused: u32,
    /// Recipients of the connection.
    pub(crate) accepted_ever: u32,
    pub(crate) refused_ever: u32,
    /// Bytes of this message.
    pub(crate) message_bytes: u64,
    pub(crate) messages_accepted: u32,
    /// What is to become of this message.
    pub(crate) treatment: Treatment,
    /// Stages that went on without the daemon's answer.
    pub(crate) unanswered: u32,
}

impl Known {
    pub(crate) const fn new() -> Self {
        Known {
            session_id: [0; 16],
            seq: 0,
            state: Buffer::new(),
            pid: 0,
            has_talked_early: false,
            has_helo: false,
            is_esmtp: false,
            helo: Buffer::new(),
            has_mail: false,
            sender: Buffer::new(),
            declared_size: 0,
            accepted: 0,
            refused: 0,
            accepted_ever: 0,
            refused_ever: 0,
            message_bytes: 0,
            messages_accepted: 0,
            treatment: Treatment::new(),
            unanswered: 0,
        }
    }

    /// The transaction is over.
    pub(crate) fn end_transaction(&mut self) {
        self.has_mail = false;
        self.sender.clear();
        self.declared_size = 0;
        self.end_message();
    }

    pub(crate) fn end_message(&mut self) {
        self.accepted = 0;
        self.refused = 0;
        self.message_bytes = 0;
        self.treatment.clear();
    }

    pub(crate) fn restart(&mut self) {
        self.seq = 0;
        self.state.clear();
        self.has_talked_early = false;
        self.has_helo = false;
        self.is_esmtp = false;
        self.helo.clear();
        self.accepted_ever = 0;
        self.refused_ever = 0;
        self.messages_accepted = 0;
        self.unanswered = 0;
        self.end_transaction();
    }
}
