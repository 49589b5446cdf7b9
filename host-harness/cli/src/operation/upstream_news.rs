//! Why the upstream does not answer, reported on standard error now and then.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use linkgate_gateway::Failure;

/// Between two lines. An outage fails every request for the same reason; raised, a second reason is
/// heard of later.
const EVERY: Duration = Duration::from_secs(10);

/// When a line was printed last, and how many were not.
#[derive(Default)]
pub(crate) struct UpstreamNews(Mutex<Printed>);

#[derive(Default)]
struct Printed {
    at: Option<Instant>,
    unprinted: u64,
}

impl UpstreamNews {
    /// A request without an answer. Gives the line to print, unless one was printed a moment ago.
    pub(crate) fn line(&self, failure: Failure, why: &str, now: Instant) -> Option<String> {
        let mut printed = self.0.lock().ok()?;
        if printed.at.is_some_and(|at| now.duration_since(at) < EVERY) {
            printed.unprinted += 1;
            return None;
        }
        let unprinted = std::mem::take(&mut printed.unprinted);
        printed.at = Some(now);
        let became = match failure {
            Failure::NotSent => "nothing was sent",
            Failure::Unknown => "sent, and its outcome is unknown",
        };
        let before =
            if unprinted == 0 { String::new() } else { format!("; {unprinted} more before it") };
        Some(format!("the upstream did not answer a request ({became}): {why}{before}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_a_line_now_and_then() {
        let (news, began) = (UpstreamNews::default(), Instant::now());
        let at =
            |seconds| news.line(Failure::NotSent, "refused", began + Duration::from_secs(seconds));
        let line = "the upstream did not answer a request (nothing was sent): refused";
        assert_eq!(at(0).as_deref(), Some(line));
        assert_eq!((at(1), at(9)), (None, None));
        assert_eq!(at(10), Some(format!("{line}; 2 more before it")));
        assert_eq!(at(20).as_deref(), Some(line));
    }
}
