//! Who answers the command line in its tests? A daemon that says what the test wants, over a real Unix socket.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};
use tokio::{
    net::UnixListener,
    runtime::Builder,
    sync::oneshot::{self, Sender},
};
use tokio_stream::wrappers::UnixListenerStream;
use tollgate_proto::v1::{
    CheckReply, CheckRequest, EffectiveReply, EffectiveRequest, ExceptionListReply, ExceptionListRequest,
    ExceptionMakeReply, ExceptionMakeRequest, ExceptionPardonReply, ExceptionPardonRequest, ExceptionRemoveReply,
    ExceptionRemoveRequest, ExplainReply, ExplainRequest, InspectReply, InspectRequest, ListReportReply,
    ListReportRequest, ListsReply, ListsRequest, LookupReply, LookupRequest, PipelineReply, PipelineRequest,
    ReloadReply, ReloadRequest, ReputationExportReply, ReputationExportRequest, ReputationImportReply,
    ReputationImportRequest, ReputationResetReply, ReputationResetRequest, ReputationTopReply, ReputationTopRequest,
    StatusReply, StatusRequest, SwitchReply, SwitchRequest,
    admin_server::{Admin, AdminServer},
};
use tonic::{Request, Response, Status, Streaming, transport::Server};

/// What it answers.
#[derive(Clone, Default)]
pub(super) struct Replies {
    pub(super) check: CheckReply,
    pub(super) status: StatusReply,
    pub(super) switch: SwitchReply,
    pub(super) reload: ReloadReply,
    pub(super) explain: ExplainReply,
    pub(super) inspect: InspectReply,
    pub(super) pipeline: PipelineReply,
    pub(super) effective: EffectiveReply,
    pub(super) lists: ListsReply,
    pub(super) list_report: ListReportReply,
    /// One after the other; an error ends them.
    pub(super) lookup: Vec<Result<LookupReply, Status>>,
    pub(super) reputation_top: ReputationTopReply,
    pub(super) reputation_reset: ReputationResetReply,
    pub(super) reputation_export: Vec<Result<ReputationExportReply, Status>>,
    pub(super) reputation_import: ReputationImportReply,
    pub(super) exception_make: ExceptionMakeReply,
    pub(super) exception_pardon: ExceptionPardonReply,
    pub(super) exception_list: ExceptionListReply,
    pub(super) exception_remove: ExceptionRemoveReply,
}

/// What it was asked.
#[derive(Clone, Default)]
pub(super) struct Heard {
    pub(super) check: Option<CheckRequest>,
    pub(super) switch: Option<SwitchRequest>,
    pub(super) reload: Option<ReloadRequest>,
    pub(super) explain: Option<ExplainRequest>,
    pub(super) inspect: Option<InspectRequest>,
    pub(super) list_report: Option<ListReportRequest>,
    pub(super) lookup: Option<LookupRequest>,
    pub(super) reputation_top: Option<ReputationTopRequest>,
    pub(super) reputation_reset: Option<ReputationResetRequest>,
    pub(super) reputation_export: Option<ReputationExportRequest>,
    pub(super) reputation_import: Vec<ReputationImportRequest>,
    pub(super) exception_make: Option<ExceptionMakeRequest>,
    pub(super) exception_pardon: Option<ExceptionPardonRequest>,
    pub(super) exception_list: Option<ExceptionListRequest>,
    pub(super) exception_remove: Option<ExceptionRemoveRequest>,
}

struct Fake {
    replies: Replies,
    heard: Arc<Mutex<Heard>>,
}

/// Runs until it is dropped.
pub(super) struct Daemon {
    pub(super) socket: PathBuf,
    heard: Arc<Mutex<Heard>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Daemon {
    pub(super) fn start(folder: &Path, replies: Replies) -> Self {
        let socket = folder.join("admin.sock");
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (stop, stopped) = oneshot::channel();
        let (listening, listens) = std::sync::mpsc::channel();
        let fake = Fake { replies, heard: heard.clone() };
        let path = socket.clone();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = UnixListener::bind(path).expect("a socket");
                listening.send(()).expect("somebody waits");
                let stopped = async { drop(stopped.await) };
                let server = Server::builder().add_service(AdminServer::new(fake));
                server.serve_with_incoming_shutdown(UnixListenerStream::new(listener), stopped).await.expect("served");
            });
        });
        listens.recv().expect("it listens");
        Self { socket, heard, stop: Some(stop), thread: Some(thread) }
    }

    pub(super) fn heard(&self) -> Heard {
        self.heard.lock().expect("nobody panicked").clone()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Fake {
    fn hear(&self, note: impl FnOnce(&mut Heard)) {
        note(&mut self.heard.lock().expect("nobody panicked"));
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Admin for Fake {
    async fn check(&self, request: Request<CheckRequest>) -> Answer<CheckReply> {
        self.hear(|heard| heard.check = Some(request.into_inner()));
        Ok(Response::new(self.replies.check.clone()))
    }

    async fn status(&self, _: Request<StatusRequest>) -> Answer<StatusReply> {
        Ok(Response::new(self.replies.status.clone()))
    }

    async fn switch(&self, request: Request<SwitchRequest>) -> Answer<SwitchReply> {
        self.hear(|heard| heard.switch = Some(request.into_inner()));
        Ok(Response::new(self.replies.switch.clone()))
    }

    async fn reload(&self, request: Request<ReloadRequest>) -> Answer<ReloadReply> {
        self.hear(|heard| heard.reload = Some(request.into_inner()));
        Ok(Response::new(self.replies.reload.clone()))
    }

    async fn explain(&self, request: Request<ExplainRequest>) -> Answer<ExplainReply> {
        self.hear(|heard| heard.explain = Some(request.into_inner()));
        Ok(Response::new(self.replies.explain.clone()))
    }

    async fn inspect(&self, request: Request<InspectRequest>) -> Answer<InspectReply> {
        let request = request.into_inner();
        self.hear(|heard| heard.inspect = Some(request.clone()));
        if request.op == "nonsense" {
            return Err(Status::invalid_argument("there is no operation \"nonsense\":\nexpected lists"));
        }
        Ok(Response::new(self.replies.inspect.clone()))
    }

    async fn pipeline(&self, _: Request<PipelineRequest>) -> Answer<PipelineReply> {
        Ok(Response::new(self.replies.pipeline.clone()))
    }

    async fn effective(&self, _: Request<EffectiveRequest>) -> Answer<EffectiveReply> {
        Ok(Response::new(self.replies.effective.clone()))
    }

    async fn lists(&self, _: Request<ListsRequest>) -> Answer<ListsReply> {
        Ok(Response::new(self.replies.lists.clone()))
    }

    async fn list_report(&self, request: Request<ListReportRequest>) -> Answer<ListReportReply> {
        self.hear(|heard| heard.list_report = Some(request.into_inner()));
        Ok(Response::new(self.replies.list_report.clone()))
    }

    type LookupStream = tokio_stream::Iter<std::vec::IntoIter<Result<LookupReply, Status>>>;

    async fn lookup(&self, request: Request<LookupRequest>) -> Answer<Self::LookupStream> {
        let request = request.into_inner();
        if request.subject.starts_with("10.") {
            return Err(Status::invalid_argument("10.0.0.1 is no address of the public Internet"));
        }
        self.hear(|heard| heard.lookup = Some(request));
        Ok(Response::new(tokio_stream::iter(self.replies.lookup.clone())))
    }

    async fn reputation_top(&self, request: Request<ReputationTopRequest>) -> Answer<ReputationTopReply> {
        self.hear(|heard| heard.reputation_top = Some(request.into_inner()));
        Ok(Response::new(self.replies.reputation_top.clone()))
    }

    async fn reputation_reset(&self, request: Request<ReputationResetRequest>) -> Answer<ReputationResetReply> {
        self.hear(|heard| heard.reputation_reset = Some(request.into_inner()));
        Ok(Response::new(self.replies.reputation_reset.clone()))
    }

    type ReputationExportStream = tokio_stream::Iter<std::vec::IntoIter<Result<ReputationExportReply, Status>>>;

    async fn reputation_export(
        &self,
        request: Request<ReputationExportRequest>,
    ) -> Answer<Self::ReputationExportStream> {
        self.hear(|heard| heard.reputation_export = Some(request.into_inner()));
        Ok(Response::new(tokio_stream::iter(self.replies.reputation_export.clone())))
    }

    async fn reputation_import(
        &self,
        request: Request<Streaming<ReputationImportRequest>>,
    ) -> Answer<ReputationImportReply> {
        let mut pieces = request.into_inner();
        while let Some(piece) = pieces.message().await? {
            self.hear(|heard| heard.reputation_import.push(piece));
        }
        Ok(Response::new(self.replies.reputation_import))
    }

    async fn exception_make(&self, request: Request<ExceptionMakeRequest>) -> Answer<ExceptionMakeReply> {
        let request = request.into_inner();
        if request.clients == "0.0.0.0/0" {
            return Err(Status::invalid_argument("clients 0.0.0.0/0: expected a net of /8 or smaller"));
        }
        self.hear(|heard| heard.exception_make = Some(request));
        Ok(Response::new(self.replies.exception_make.clone()))
    }

    async fn exception_pardon(&self, request: Request<ExceptionPardonRequest>) -> Answer<ExceptionPardonReply> {
        let request = request.into_inner();
        match request.decision_id.as_str() {
            "0000000000000000" => return Err(Status::not_found("no such decision is known (any more)")),
            "1111111111111111" => return Err(Status::failed_precondition("it refused nothing")),
            _ => self.hear(|heard| heard.exception_pardon = Some(request)),
        }
        Ok(Response::new(self.replies.exception_pardon.clone()))
    }

    async fn exception_list(&self, request: Request<ExceptionListRequest>) -> Answer<ExceptionListReply> {
        self.hear(|heard| heard.exception_list = Some(request.into_inner()));
        Ok(Response::new(self.replies.exception_list.clone()))
    }

    async fn exception_remove(&self, request: Request<ExceptionRemoveRequest>) -> Answer<ExceptionRemoveReply> {
        self.hear(|heard| heard.exception_remove = Some(request.into_inner()));
        Ok(Response::new(self.replies.exception_remove.clone()))
    }
}
