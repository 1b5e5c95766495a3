//! What may an administrator ask and switch? The service behind the command `tollgate`, on the admin socket only.
//!
//! | call | changes |
//! |---|---|
//! | Check | nothing: an imagined transaction, not logged, not counted |
//! | Status, Explain, Effective, Inspect, Pipeline, Lists, ListReport | nothing |
//! | Lookup | nothing but caches and the lists' accounts |
//! | Switch | the kill switch, now and over a restart |
//! | ReputationTop, ReputationExport, ExceptionList | nothing |
//! | ExceptionMake, ExceptionPardon, ExceptionRemove | exceptions, now and over a restart; a pardon teaches besides |
//! | ReputationReset, ReputationImport | what is remembered |
//! | Reload | policy, lists and log settings, if they have no fault |

mod exceptions;
pub mod http;
mod lists;
mod lookup;
mod rehearsal;
mod reputation;
mod subject;

pub use rehearsal::Imagined;

use crate::{
    app::Running,
    ask::Ailing,
    config::{self, Fault},
    decisions::Recorded,
    files,
    pipeline::{Decision, DecisionId, KillSwitch},
    reload::Reloaded,
    rpc::convert,
};
use lookup::Lookup;
use std::{sync::Arc, time::Duration};
use subject::Subject;
use tokio::{net::UnixListener, task::spawn_blocking};
use tokio_stream::wrappers::UnixListenerStream;
use tollgate_proto::v1::{
    self,
    admin_server::{Admin, AdminServer},
};
use tonic::{Request, Response, Status, Streaming, transport::Server};

/// Calls under way on one connection.
const CALLS_MAX: usize = 16;

/// Counters shown by Status.
const COUNTERS_MAX: usize = 500;

/// Faults in one reply.
const FAULTS_MAX: usize = 1_000;

/// Serves until it is dropped.
pub async fn serve(running: Arc<Running>, listener: UnixListener) {
    let served = Server::builder()
        .concurrency_limit_per_connection(CALLS_MAX)
        .add_service(AdminServer::new(Desk { running: running.clone() }))
        .serve_with_incoming(UnixListenerStream::new(listener))
        .await;
    if let Err(error) = served {
        running.ring.notice(running.clock.now(), "admin_failed", vec![("error", error.to_string())]);
    }
}

/// Answers administrators.
struct Desk {
    running: Arc<Running>,
}

#[tonic::async_trait]
impl Admin for Desk {
    async fn check(&self, request: Request<v1::CheckRequest>) -> Result<Response<v1::CheckReply>, Status> {
        let imagined = convert::imagined(request.into_inner()).map_err(|wrong| Status::invalid_argument(wrong.0))?;
        let decisions = rehearsal::run(&self.running.engine, imagined).await;
        Ok(Response::new(v1::CheckReply { decisions: decisions.iter().map(convert::decision).collect() }))
    }

    async fn status(&self, _: Request<v1::StatusRequest>) -> Result<Response<v1::StatusReply>, Status> {
        let policy = self.running.engine.policy();
        let in_force = self.running.in_force();
        Ok(Response::new(v1::StatusReply {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.running.started_at,
            generation: policy.generation(),
            config: in_force.document.file.clone(),
            reload_error: in_force.failed(),
            loaded_at: in_force.loaded_at,
            listening: self.running.listening.clone(),
            mode: policy.settings().mode.to_string(),
            off: self.running.switch.state(self.running.clock.now()).map(|state| convert::switch(&state)),
            lists: files::shown(policy.files()).iter().map(convert::list_file).collect(),
            counters: counters(&self.running.metrics()),
            dns_lists_ailing: self.running.engine.lists().board().ailing().iter().map(Ailing::to_string).collect(),
        }))
    }

    async fn switch(&self, request: Request<v1::SwitchRequest>) -> Result<Response<v1::SwitchReply>, Status> {
        let v1::SwitchRequest { seconds, reason, by } = request.into_inner();
        if u64::from(seconds) > KillSwitch::SECONDS_MAX {
            let text = format!("seconds = {seconds}: expected 0 to {}", KillSwitch::SECONDS_MAX);
            return Err(Status::invalid_argument(text));
        }
        if seconds > 0 && reason.trim().is_empty() {
            return Err(Status::invalid_argument("reason is empty: say why, others will ask"));
        }
        let lasting = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
        let thrown = self.running.throw(lasting, &reason, &by).await;
        let thrown = thrown.map_err(|error| Status::internal(format!("done, but not over a restart: {error}")))?;
        Ok(Response::new(v1::SwitchReply { off: thrown.as_ref().map(convert::switch) }))
    }

    async fn reload(&self, request: Request<v1::ReloadRequest>) -> Result<Response<v1::ReloadReply>, Status> {
        let reply = match self.running.reload(false, request.into_inner().force).await {
            Ok(Reloaded { generation, refused }) => v1::ReloadReply { generation, refused, faults: Vec::new() },
            Err(faults) => v1::ReloadReply {
                generation: self.running.engine.policy().generation(),
                faults: faults.iter().take(FAULTS_MAX).map(Fault::to_string).collect(),
                refused: Vec::new(),
            },
        };
        Ok(Response::new(reply))
    }

    async fn explain(&self, request: Request<v1::ExplainRequest>) -> Result<Response<v1::ExplainReply>, Status> {
        let id: DecisionId = request.into_inner().decision_id.parse().map_err(Status::invalid_argument)?;
        let found = self.running.log.explain(id).await.map_err(Status::internal)?;
        let generation_in_force = self.running.engine.policy().generation();
        // Generations are counted from the start of the process.
        let is_ours = |decision: &Decision| decision.at.unix_millis() >= self.running.started_at_ms;
        let policy_in_force = found
            .as_ref()
            .is_some_and(|Recorded { decision, .. }| is_ours(decision) && decision.generation == generation_in_force);
        let decision = found.as_ref().map(convert::recorded);
        Ok(Response::new(v1::ExplainReply { decision, policy_in_force, generation_in_force }))
    }

    async fn effective(&self, _: Request<v1::EffectiveRequest>) -> Result<Response<v1::EffectiveReply>, Status> {
        let in_force = self.running.in_force();
        Ok(Response::new(v1::EffectiveReply {
            config: in_force.document.file.clone(),
            generation: self.running.engine.policy().generation(),
            text: config::effective(&in_force.document),
        }))
    }

    async fn inspect(&self, request: Request<v1::InspectRequest>) -> Result<Response<v1::InspectReply>, Status> {
        let v1::InspectRequest { check: name, op, args } = request.into_inner();
        let engine = self.running.engine.clone();
        // What a check shows may lie in a file system that hangs.
        let shown = spawn_blocking(move || {
            let policy = engine.policy();
            let nobody = || Status::not_found(format!("there is no check \"{name}\""));
            let check = policy.check(&name).ok_or_else(nobody)?;
            if op.is_empty() {
                return Ok(rehearsal::operations(check));
            }
            check.inspect_memory(&op, &args, &**engine.recall()).map_err(Status::invalid_argument)
        });
        let rows = shown.await.map_err(|error| Status::internal(error.to_string()))??;
        Ok(Response::new(convert::rows(rows)))
    }

    async fn pipeline(&self, _: Request<v1::PipelineRequest>) -> Result<Response<v1::PipelineReply>, Status> {
        Ok(Response::new(v1::PipelineReply { table: self.running.engine.policy().table() }))
    }

    async fn lists(&self, _: Request<v1::ListsRequest>) -> Result<Response<v1::ListsReply>, Status> {
        let policy = self.running.engine.policy();
        let order = policy.dns_lists().iter().map(|list| list.id);
        Ok(Response::new(lists::standings(&self.running.dns_lists.standings(), order)))
    }

    async fn list_report(
        &self,
        request: Request<v1::ListReportRequest>,
    ) -> Result<Response<v1::ListReportReply>, Status> {
        let window = request.into_inner().window();
        let report = self.running.dns_lists.report(lists::window(window));
        Ok(Response::new(lists::report(window, &report)))
    }

    type LookupStream = Lookup;

    async fn lookup(&self, request: Request<v1::LookupRequest>) -> Result<Response<Lookup>, Status> {
        let v1::LookupRequest { subject, zones } = request.into_inner();
        let (engine, now) = (self.running.engine.clone(), self.running.clock.now());
        let subject =
            Subject::read(&subject, &engine.policy().settings().own_addresses).map_err(Status::invalid_argument)?;
        let lookup = Lookup::start(engine, &subject, &zones, now).map_err(Status::invalid_argument)?;
        Ok(Response::new(lookup))
    }

    async fn reputation_top(
        &self,
        request: Request<v1::ReputationTopRequest>,
    ) -> Result<Response<v1::ReputationTopReply>, Status> {
        let now = self.running.clock.now().unix_seconds();
        reputation::top(self.running.engine.recall(), &request.into_inner(), now).await.map(Response::new)
    }

    async fn reputation_reset(
        &self,
        request: Request<v1::ReputationResetRequest>,
    ) -> Result<Response<v1::ReputationResetReply>, Status> {
        reputation::reset(&self.running, request.into_inner()).await.map(Response::new)
    }

    type ReputationExportStream = reputation::Export;

    async fn reputation_export(
        &self,
        request: Request<v1::ReputationExportRequest>,
    ) -> Result<Response<reputation::Export>, Status> {
        let (recall, now) = (self.running.engine.recall().clone(), self.running.clock.now().unix_seconds());
        reputation::Export::start(recall, &request.into_inner(), now).map(Response::new)
    }

    async fn reputation_import(
        &self,
        request: Request<Streaming<v1::ReputationImportRequest>>,
    ) -> Result<Response<v1::ReputationImportReply>, Status> {
        reputation::import(&self.running, request.into_inner()).await.map(Response::new)
    }

    async fn exception_make(
        &self,
        request: Request<v1::ExceptionMakeRequest>,
    ) -> Result<Response<v1::ExceptionMakeReply>, Status> {
        exceptions::make(&self.running, request.into_inner()).await.map(Response::new)
    }

    async fn exception_pardon(
        &self,
        request: Request<v1::ExceptionPardonRequest>,
    ) -> Result<Response<v1::ExceptionPardonReply>, Status> {
        exceptions::pardon(&self.running, request.into_inner()).await.map(Response::new)
    }

    async fn exception_list(
        &self,
        request: Request<v1::ExceptionListRequest>,
    ) -> Result<Response<v1::ExceptionListReply>, Status> {
        Ok(Response::new(exceptions::list(&self.running, &request.into_inner())))
    }

    async fn exception_remove(
        &self,
        request: Request<v1::ExceptionRemoveRequest>,
    ) -> Result<Response<v1::ExceptionRemoveReply>, Status> {
        exceptions::remove(&self.running, request.into_inner()).await.map(Response::new)
    }
}

/// Every counter that is not 0, by name and labels as in `/metrics`.
fn counters(rendered: &str) -> Vec<v1::Counter> {
    let counter = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        let is_counter = name.split('{').next().is_some_and(|name| name.ends_with("_total"));
        let value = value.parse().ok().filter(|&value: &u64| value > 0 && is_counter)?;
        Some(v1::Counter { name: name.to_owned(), value })
    };
    rendered.lines().filter_map(counter).take(COUNTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_from_what_prometheus_reads() {
        let text =
            "# TYPE a_total counter\na_total{stage=\"rcpt\",action=\"reject\"} 3\nb_total 0\nc_seconds_sum 1\nd 2\n";
        let found = counters(text);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].value), ("a_total{stage=\"rcpt\",action=\"reject\"}", 3));
    }
}
