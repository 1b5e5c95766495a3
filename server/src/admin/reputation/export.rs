//! Everything that is remembered, piece by piece: a page of memory is copied when the reader wants more, and no sooner.

use super::{ROWS_MAX, row};
use crate::{
    recall::{Recall, Table},
    state::Standing,
};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio_stream::Stream;
use tollgate_proto::v1;
use tonic::Status;

/// Messages of at most [`ROWS_MAX`] rows.
pub(in crate::admin) struct Export {
    recall: Arc<Recall>,
    kind: Option<String>,
    below: Option<f32>,
    now: u64,
    page: usize,
    /// Of pages that were copied, what is yet to be sent.
    rows: std::vec::IntoIter<v1::Reputation>,
}

impl Export {
    pub(in crate::admin) fn start(
        recall: Arc<Recall>,
        request: &v1::ReputationExportRequest,
        now: u64,
    ) -> Result<Self, Status> {
        let kind = super::kind(&request.kind)?.map(str::to_owned);
        let below = request.below.map(|below| below as f32);
        Ok(Self { recall, kind, below, now, page: 0, rows: Vec::new().into_iter() })
    }

    fn next_page(&mut self) {
        let page = self.recall.standings.page(self.page);
        self.page += 1;
        let rows = page.iter().filter(|(subject, _)| self.kind.as_deref().is_none_or(|kind| subject.kind() == kind));
        let rows = rows.map(|(subject, standing)| row(subject, standing, self.now));
        let rows = rows.filter(|row| self.below.is_none_or(|below| row.reputation < below));
        self.rows = rows.collect::<Vec<_>>().into_iter();
    }
}

impl Stream for Export {
    type Item = Result<v1::ReputationExportReply, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.rows.len() == 0 {
            if self.page >= Table::<Standing>::PAGES {
                return Poll::Ready(None);
            }
            self.next_page();
            if self.rows.len() == 0 {
                // Others on this thread come in between pages in which nothing is.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        let rows = self.rows.by_ref().take(ROWS_MAX).collect();
        Poll::Ready(Some(Ok(v1::ReputationExportReply { rows })))
    }
}
