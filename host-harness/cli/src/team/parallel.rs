//! Work on many things, a thread for each worker.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::progress::Progress;

/// Does something with each item; the results are in the items' order.
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
        let mut drawn = Instant::now();
        loop {
            match receiver.recv_timeout(REDRAWN_EVERY) {
                Ok(result) => results.push(result),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if drawn.elapsed() >= REDRAWN_EVERY {
                progress.show(&format!("{doing} {} of {}", results.len(), items.len()));
                drawn = Instant::now();
            }
        }
        results
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Often enough to look alive; more often, a terminal flickers.
const REDRAWN_EVERY: Duration = Duration::from_millis(200);
