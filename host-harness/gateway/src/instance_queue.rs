//! What waits for an evaluator instance, and the task that deals with it.
//!
//! The task is polled by the request that posts to it, on that request's own thread, for a call takes microseconds:
//!
//! ```text
//!  post ─▶ waiting ─▶ at rest? polled here until nothing waits ─▶ at rest
//!                     │        └─ a call takes long, or an instance is replaced ─▶ a task of the runtime ─▶ at rest
//!                     └─ polled elsewhere: dealt with there
//! ```
//!
//! INVARIANT: a request is put in, and the task laid down, under one lock. So none waits for a task at rest.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;

use crate::instance_handle::Request;
use crate::pool::Lost;

/// The requests of one instance, in their order.
pub(crate) struct InstanceQueue {
    state: Mutex<State>,
    /// Whether the instance takes exchanges.
    pub(crate) live: AtomicBool,
    /// Requests not dealt with yet. A guest that loops collects some.
    waiting: AtomicUsize,
}

/// Deals with requests for as long as it is polled.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

struct State {
    waiting: VecDeque<Request>,
    phase: Phase,
    /// Wakes a task of the runtime that waits for a request.
    waker: Option<Waker>,
    /// How many requests are dealt with before others of the same thread have their turn.
    burst: usize,
}

enum Phase {
    /// Nothing polls the task.
    Rest(Task),
    /// It is polled. `asks` when it waits for a request and for nothing else.
    Polled { asks: bool },
    /// No handle is left, or the task has ended.
    Closed,
}

/// What a poll left of a task.
enum Left {
    /// There is nothing more to do here.
    Done,
    /// A request came just now.
    More(Task),
    /// It waits for something else.
    Pending(Task),
}

impl InstanceQueue {
    pub(crate) fn new() -> Arc<Self> {
        let state = State {
            waiting: VecDeque::new(),
            phase: Phase::Polled { asks: true },
            waker: None,
            burst: BURST,
        };
        let (live, waiting) = (AtomicBool::new(true), AtomicUsize::new(0));
        Arc::new(Self { state: Mutex::new(state), live, waiting })
    }

    /// Gives it its task.
    pub(crate) fn begin(&self, task: Task) {
        self.lock().phase = Phase::Rest(task);
    }

    /// How many requests are before a new one.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Has a request dealt with, here and now if the instance is free.
    pub(crate) fn post(self: &Arc<Self>, request: Request) -> Result<(), Lost> {
        if let Some(task) = self.put(request)? {
            self.run(task);
        }
        Ok(())
    }

    /// Has a request dealt with, but not here: for callers that hold a lock, or that ask for much. Without a runtime it
    /// waits for the next request.
    pub(crate) fn post_aside(self: &Arc<Self>, request: Request) -> Result<(), Lost> {
        let Some(task) = self.put(request)? else { return Ok(()) };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(Arc::clone(self).see_through(task))),
            Err(_none) => self.begin(task),
        }
        Ok(())
    }

    /// Gives the task if it is the caller's to poll.
    fn put(&self, request: Request) -> Result<Option<Task>, Lost> {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Closed) {
            return Err(Lost);
        }
        self.waiting.fetch_add(request.weight(), Ordering::Relaxed);
        state.waiting.push_back(request);
        if matches!(state.phase, Phase::Polled { .. }) {
            let waker = state.waker.take();
            drop(state);
            waker.into_iter().for_each(Waker::wake);
            return Ok(None);
        }
        match std::mem::replace(&mut state.phase, Phase::Polled { asks: false }) {
            Phase::Rest(task) => Ok(Some(task)),
            Phase::Polled { .. } | Phase::Closed => Ok(None),
        }
    }

    /// Polls the task until it rests. One that does not is seen through by the runtime.
    fn run(self: &Arc<Self>, mut task: Task) {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            match self.poll(task, &mut context) {
                Left::Done => return,
                Left::More(same) => task = same,
                Left::Pending(same) => {
                    // Without a runtime the gateway is gone, and the instance with it.
                    match Handle::try_current() {
                        Ok(runtime) => drop(runtime.spawn(Arc::clone(self).see_through(same))),
                        Err(_none) => self.end(),
                    }
                    return;
                }
            }
        }
    }

    /// Polls the task, as a task of the runtime, until it rests.
    async fn see_through(self: Arc<Self>, task: Task) {
        let mut task = Some(task);
        poll_fn(|context| {
            while let Some(polled) = task.take() {
                match self.poll(polled, context) {
                    Left::Done => {}
                    Left::More(same) => task = Some(same),
                    Left::Pending(same) => {
                        task = Some(same);
                        return Poll::Pending;
                    }
                }
            }
            Poll::Ready(())
        })
        .await;
    }

    fn poll(&self, mut task: Task, context: &mut Context<'_>) -> Left {
        let polled = catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(context)));
        if !matches!(polled, Ok(Poll::Pending)) {
            self.end();
            return Left::Done;
        }
        let mut state = self.lock();
        match (&state.phase, state.waiting.is_empty()) {
            (Phase::Polled { asks: true }, true) => {
                state.phase = Phase::Rest(task);
                Left::Done
            }
            (Phase::Polled { asks: true }, false) => Left::More(task),
            (Phase::Polled { asks: false } | Phase::Rest(_) | Phase::Closed, _) => {
                Left::Pending(task)
            }
        }
    }

    /// The next request; none when no handle is left. `rests` is whether the task may be laid down meanwhile.
    pub(crate) fn next(&self, rests: bool) -> impl Future<Output = Option<Request>> {
        poll_fn(move |context| {
            let mut state = self.lock();
            if state.burst > 0
                && let Some(request) = state.waiting.pop_front()
            {
                state.burst -= 1;
                if matches!(state.phase, Phase::Polled { .. }) {
                    state.phase = Phase::Polled { asks: false };
                }
                return Poll::Ready(Some(request));
            }
            if std::mem::replace(&mut state.burst, BURST) == 0 && !state.waiting.is_empty() {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if matches!(state.phase, Phase::Closed) {
                return Poll::Ready(None);
            }
            state.phase = Phase::Polled { asks: rests };
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
    }

    /// A request was dealt with.
    pub(crate) fn dealt(&self, weight: usize) {
        self.waiting.fetch_sub(weight, Ordering::Relaxed);
    }

    /// No handle is left: what waits is dealt with, and then the task ends.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        let phase = std::mem::replace(&mut state.phase, Phase::Closed);
        let waker = state.waker.take();
        // A task that rests holds this queue.
        drop(state);
        drop(phase);
        waker.into_iter().for_each(Waker::wake);
    }

    /// The task is gone, and with it all that waits.
    fn end(&self) {
        self.live.store(false, Ordering::Release);
        let mut state = self.lock();
        state.phase = Phase::Closed;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        drop(waiting);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Requests that are dealt with in one go, most of them of others, before the thread looks at its other work. Raised, a
/// thread can be busy with them for longer.
const BURST: usize = 32;
