//! Word that a shared fetch has ended, for all tasks that wait for one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// The tasks that wait for the end of a shared fetch.
#[derive(Default)]
pub(crate) struct Notify {
    waiting: RefCell<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// Counts the fetches that ended: a task that began to wait before the latest is woken.
    ended: u64,
    next_ticket: u64,
    /// INVARIANT: a waker is taken out before its task ends. To wake a task that has ended is a trap.
    wakers: BTreeMap<u64, Waker>,
}

impl Notify {
    /// Wakes all that wait now.
    pub(crate) fn notify_all(&self) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.ended = waiting.ended.wrapping_add(1);
        let wakers = std::mem::take(&mut waiting.wakers);
        drop(waiting);
        wakers.into_values().for_each(Waker::wake);
    }

    /// Waits for the next end of a fetch.
    pub(crate) fn next(&self) -> Next<'_> {
        let mut waiting = self.waiting.borrow_mut();
        let ticket = waiting.next_ticket;
        waiting.next_ticket = ticket.wrapping_add(1);
        Next { notify: self, ticket, since: waiting.ended }
    }
}

/// A wait for the end of a fetch.
pub(crate) struct Next<'n> {
    notify: &'n Notify,
    ticket: u64,
    since: u64,
}

impl Future for Next<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.notify.waiting.borrow_mut();
        if waiting.ended != self.since {
            return Poll::Ready(());
        }
        waiting.wakers.insert(self.ticket, task.waker().clone());
        Poll::Pending
    }
}

impl Drop for Next<'_> {
    fn drop(&mut self) {
        let waker = self.notify.waiting.borrow_mut().wakers.remove(&self.ticket);
        drop(waker);
    }
}
