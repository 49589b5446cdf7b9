//! Answers on HTTP/2, and clients that stop taking them.
//!
//! Each stream has a window of its own, and a client that opens it no further can hold an answer for
//! ever on a connection that is well. hyper then waits for room and asks for no more of the answer,
//! so nothing below the answer can tell. What can is the task in which hyper sends it:
//!
//! ```text
//!  hyper: asks for a chunk ─▶ waits for room in the window ─▶ asks for the next, or has sent the last
//!                             └─── bounded here: too long, and the stream is dropped, which resets it
//! ```

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::Executor;
use tokio::task::spawn;
use tokio::task_local;

use crate::pace::Pace;
use crate::settings::Limits;

/// Runs the streams of a connection.
#[derive(Clone)]
pub(crate) struct Streams {
    limits: Limits,
}

impl Streams {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits }
    }
}

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let room = Room { pace: Pace::new(&self.limits), awaited_for: None };
        spawn(ROOM.scope(RefCell::new(room), Bounded(Box::pin(stream))));
    }
}

/// The room that a client makes for its answer.
struct Room {
    pace: Pace,
    /// Bytes of the chunk that hyper was given last, until it asks for the next.
    awaited_for: Option<usize>,
}

task_local! {
    /// Of the stream whose task is running.
    static ROOM: RefCell<Room>;
}

/// hyper asks for more: there was room for all it had. Without effect outside of HTTP/2.
pub(crate) fn asked_for_more() {
    let _outside = ROOM.try_with(|room| {
        let room = &mut *room.borrow_mut();
        if let Some(bytes) = room.awaited_for.take() {
            room.pace.moved(bytes);
        }
    });
}

/// hyper was given a chunk, and will wait for room. Without effect outside of HTTP/2.
pub(crate) fn given(bytes: usize) {
    let _outside = ROOM.try_with(|room| room.borrow_mut().awaited_for = Some(bytes));
}

struct Bounded<F>(Pin<Box<F>>);

impl<F: Future> Future for Bounded<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        ROOM.with(|room| {
            let room = &mut *room.borrow_mut();
            if room.awaited_for.is_some() { room.pace.wait(cx) } else { Poll::Pending }
        })
    }
}
