//! Work on many things, a thread for each worker.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Does something with each item; the results stand in the items' order.
pub(super) fn each<W: Send, T: Sync, R: Send>(
    workers: Vec<W>,
    items: &[T],
    doing: &str,
    progress: &mut Progress,
    act: impl Fn(&mut W, &T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        for mut worker in workers {
            let (sender, next, act) = (sender.clone(), &next, &act);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { return };
                    if sender.send((index, act(&mut worker, item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut results = Vec::with_capacity(items.len());
        loop {
            match receiver.recv_timeout(REDRAWN_EVERY) {
                Ok(result) => results.push(result),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            progress.saying(&format!("{doing} {} of {}", results.len(), items.len()));
        }
        results
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Often enough to look alive; more often, a terminal flickers.
const REDRAWN_EVERY: Duration = Duration::from_millis(200);

/// How far it is: a line on a terminal that is wiped at the end, elsewhere nothing.
pub(crate) struct Progress {
    begun: Instant,
    shown: Option<Instant>,
    on_terminal: bool,
}

impl Progress {
    pub(crate) fn on_terminal() -> Self {
        Self { begun: Instant::now(), shown: None, on_terminal: std::io::stderr().is_terminal() }
    }

    /// Says what is being done, once it takes longer than people wait without wondering.
    pub(crate) fn saying(&mut self, what: &str) {
        let now = Instant::now();
        let is_new = self.shown.is_none_or(|shown| now.duration_since(shown) >= REDRAWN_EVERY);
        if self.on_terminal && now.duration_since(self.begun) > UNSAID && is_new {
            eprint!("{WIPE}{what}");
            self.shown = Some(now);
        }
    }

    pub(crate) fn end(&self) {
        if self.shown.is_some() {
            eprint!("{WIPE}");
        }
    }
}

/// What ends within it needs no telling.
const UNSAID: Duration = Duration::from_secs(1);

/// Back to the line's begin, and erase it (ECMA-48 erase in line).
const WIPE: &str = "\r\u{1b}[2K";
