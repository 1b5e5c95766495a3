//! How does a call become a decision? Convert, judge, convert back; nothing is decided here.
//!
//! | what is wrong | what the mail server gets |
//! |---|---|
//! | a client address that cannot be read, an over-long value | an answer: what its client says never makes a call invalid |
//! | `session`, its 16 octets, or `connection` missing | INVALID_ARGUMENT: the mail server's mistake, its failure mode decides |
//! | a request over [`REQUEST_OCTETS_MAX`] | OUT_OF_RANGE, likewise |
//! | too many calls under way | RESOURCE_EXHAUSTED, likewise (`app/core.rs`) |

pub mod convert;
mod deadline;

use crate::{pipeline::Engine, session::Stage};
use convert::{Asked, Invalid};
use std::sync::Arc;
use tollgate_proto::v1::{
    self,
    policy_server::{Policy, PolicyServer},
};
use tonic::{Request, Response, Status};

/// Largest request, in octets: ten addresses and variables of a thousand octets each, and room for growth.
pub const REQUEST_OCTETS_MAX: usize = 64 * 1024;

/// The service that mail servers call.
pub struct Gate {
    engine: Arc<Engine>,
}

impl Gate {
    /// The service over an engine, with its limits.
    pub fn service(engine: Arc<Engine>) -> PolicyServer<Self> {
        PolicyServer::new(Self { engine }).max_decoding_message_size(REQUEST_OCTETS_MAX)
    }

    async fn judge<T>(
        &self,
        stage: Stage,
        request: Request<T>,
        convert: fn(T) -> Result<Asked, Invalid>,
    ) -> Result<Response<v1::Verdict>, Status> {
        let left = deadline::left(request.metadata());
        let (facts, state) = convert(request.into_inner()).map_err(refused)?;
        let decision = self.engine.decide(stage, facts, &state, left).await;
        Ok(Response::new(convert::verdict(&decision.verdict)))
    }
}

fn refused(Invalid(what): Invalid) -> Status {
    crate::app::meters::call_refused("invalid");
    Status::invalid_argument(what)
}

#[tonic::async_trait]
impl Policy for Gate {
    async fn connect(&self, request: Request<v1::ConnectRequest>) -> Result<Response<v1::Verdict>, Status> {
        self.judge(Stage::Connect, request, convert::connect).await
    }

    async fn helo(&self, request: Request<v1::HeloRequest>) -> Result<Response<v1::Verdict>, Status> {
        self.judge(Stage::Helo, request, convert::helo).await
    }

    async fn mail(&self, request: Request<v1::MailRequest>) -> Result<Response<v1::Verdict>, Status> {
        self.judge(Stage::Mail, request, convert::mail).await
    }

    async fn rcpt(&self, request: Request<v1::RcptRequest>) -> Result<Response<v1::Verdict>, Status> {
        self.judge(Stage::Rcpt, request, convert::rcpt).await
    }

    async fn data(&self, request: Request<v1::DataRequest>) -> Result<Response<v1::Verdict>, Status> {
        self.judge(Stage::Data, request, convert::data).await
    }

    /// Hands over before any await: a mail server that has closed already is heard all the same.
    async fn report(&self, request: Request<v1::ReportRequest>) -> Result<Response<v1::ReportReply>, Status> {
        let (facts, state) = convert::report(request.into_inner()).map_err(refused)?;
        self.engine.report(facts, &state);
        Ok(Response::new(v1::ReportReply {}))
    }
}
