//! Word that a shared fetch has ended, for all tasks that wait for one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Who waits for news. Each waits in a task of its own.
#[derive(Default)]
pub(crate) struct News {
    waiting: RefCell<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// Counts the news so far: one who began to wait before the latest has it.
    told: u64,
    next_ticket: u64,
    /// INVARIANT: a waker is taken out before its task ends. To wake a task that has ended is a trap.
    wakers: BTreeMap<u64, Waker>,
}

impl News {
    /// Tells all that wait now.
    pub(crate) fn tell(&self) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.told = waiting.told.wrapping_add(1);
        let wakers = std::mem::take(&mut waiting.wakers);
        drop(waiting);
        wakers.into_values().for_each(Waker::wake);
    }

    /// Waits for the next news.
    pub(crate) fn next(&self) -> Next<'_> {
        let mut waiting = self.waiting.borrow_mut();
        let ticket = waiting.next_ticket;
        waiting.next_ticket = ticket.wrapping_add(1);
        Next { news: self, ticket, since: waiting.told }
    }
}

/// A wait for news.
pub(crate) struct Next<'n> {
    news: &'n News,
    ticket: u64,
    since: u64,
}

impl Future for Next<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.news.waiting.borrow_mut();
        if waiting.told != self.since {
            return Poll::Ready(());
        }
        waiting.wakers.insert(self.ticket, task.waker().clone());
        Poll::Pending
    }
}

impl Drop for Next<'_> {
    fn drop(&mut self) {
        let waker = self.news.waiting.borrow_mut().wakers.remove(&self.ticket);
        drop(waker);
    }
}
