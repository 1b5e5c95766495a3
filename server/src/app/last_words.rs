//! What did a mail server say before it hung up? All of it is read and handed over before the end of the connection is.
//!
//! A report may arrive together with the end of its connection: the mail server waits 100 ms for the reply, and on a
//! busy machine that passes before this core reads. h2 drops what it has read but not handed on when it meets the end,
//! or when it cannot write. So the end is told a few turns of the runtime later, and until then writes go nowhere.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Turns between the end and telling it. One lets h2 hand on the request, one lets its handler run; one to spare.
const TURNS: u8 = 3;

/// A stream whose end is told late.
pub(super) struct LastWords<S> {
    stream: S,
    turns: u8,
}

impl<S> LastWords<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, turns: TURNS }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LastWords<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let ended = match &read {
            Poll::Ready(Ok(())) => buf.filled().len() == before && buf.remaining() > 0,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if !ended || self.turns == 0 {
            return read;
        }
        self.turns -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LastWords<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        swallow(Pin::new(&mut self.stream).poll_write(cx, buf), buf.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        swallow(Pin::new(&mut self.stream).poll_flush(cx), ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        swallow(Pin::new(&mut self.stream).poll_shutdown(cx), ())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = bufs.iter().map(|buf| buf.len()).sum();
        swallow(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs), length)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// A peer that is gone reads nothing; that it is gone, reading says.
fn swallow<T>(written: Poll<io::Result<T>>, as_if: T) -> Poll<io::Result<T>> {
    match written {
        Poll::Ready(Err(error)) if is_gone(&error) => Poll::Ready(Ok(as_if)),
        other => other,
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected)
}
