//! What is printed of a run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitStatus;
use std::time::Duration;

use crate::machine;
use crate::quantile::Durations;
use crate::table::{aligned, row};

use super::account::{Account, Tally};
use super::churn::Written;

/// All that is known of a run.
pub(super) struct Report {
    pub(super) account: Account,
    pub(super) connections: usize,
    pub(super) length: Duration,
    /// How the gateway ended.
    pub(super) ended: ExitStatus,
    pub(super) stopped_in: Duration,
    pub(super) decisions: usize,
    pub(super) fired: BTreeMap<String, u64>,
    pub(super) written: Written,
    /// The gateway's own, before it was stopped.
    pub(super) metrics: String,
    /// Of the gateway, in KiB, evenly over the run.
    pub(super) resident_kib: Vec<u64>,
}

/// Shorter runs say nothing of memory: the allocator has not settled.
const FLAT_AFTER: Duration = Duration::from_secs(30);

/// By how much of itself memory may have grown from the second quarter of a run to the last, in
/// percent. A leak of 100 bytes a request would be more within a minute.
const FLAT_PERCENT: u64 = 10;

/// Whatever the percentage, this much is noise: a burst's buffers, in KiB.
const FLAT_NOISE_KIB: u64 = 8 << 10;

impl Report {
    /// What is wrong, if anything.
    pub(super) fn failures(&self) -> Vec<String> {
        let Account { wrong, lost, .. } = self.account;
        let (taken, refused) = self.reloads();
        let mut failures = Vec::new();
        let mut expect = |holds: bool, what: String| {
            if !holds {
                failures.push(what);
            }
        };
        expect(wrong == 0, format!("expected no wrong decision, found {wrong}"));
        expect(lost == 0, format!("expected no lost request, found {lost}"));
        // On a busy machine one file may be replaced by the next before it is read.
        for (what, found, written) in [
            ("policies taken over", taken, self.written.good),
            ("refused", refused, self.written.broken),
        ] {
            let least = written / 2;
            expect(found >= least, format!("expected at least {least} {what}, found {found}"));
        }
        expect(self.ended.success(), format!("it ended with {}", self.ended));
        let dropped = self.metric("linkgate_log_lines_dropped_total");
        expect(dropped == 0, format!("{dropped} decisions found no place in the log"));
        if self.length >= FLAT_AFTER
            && let Some((early, late)) = self.quarters()
        {
            let most = early + (early * FLAT_PERCENT / 100).max(FLAT_NOISE_KIB);
            expect(late <= most, format!("memory has grown from {early} KiB to {late} KiB"));
        }
        failures
    }

    /// The table, and the facts below it.
    pub(super) fn text(&mut self) -> String {
        let mut rows = vec![row([
            "request", "asked", "right", "injected", "504", "cut", "lost", "wrong", "p50", "p99",
            "max",
        ])];
        let mut all = Durations::default();
        for (kind, tally) in &mut self.account.tallies {
            all.extend(&tally.durations);
            let counts = counts(tally);
            rows.push(line(&kind.name(), counts, &mut tally.durations));
        }
        let sums = [0, 1, 2, 3, 4, 5, 6].map(|nth| {
            self.account.sum(|tally| counts(tally).get(nth).copied().unwrap_or_default())
        });
        rows.push(line("all", sums, &mut all));
        format!("{}\n{}", aligned(&rows), self.facts())
    }

    fn facts(&self) -> String {
        let asked = self.account.sum(|tally| tally.asked);
        let rate = u64::try_from(u128::from(asked) * 1000 / self.length.as_millis().max(1));
        let (taken, refused) = self.reloads();
        let [first, second] = self.account.max_ages;
        let Account { wrong, lost, never_begun, not_connected, .. } = self.account;
        let faults: Vec<String> =
            self.fired.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let rows = [
            ("machine", machine::line()),
            (
                "load",
                format!(
                    "{} connections for {:.0} s: {asked} requests, {} a second",
                    self.connections,
                    self.length.as_secs_f64(),
                    rate.unwrap_or_default()
                ),
            ),
            ("wrong decisions", wrong.to_string()),
            ("lost requests", lost.to_string()),
            ("decision log", format!("{} lines", self.decisions)),
            ("faults that hit", faults.join(", ")),
            (
                "policy files",
                format!(
                    "{} good, {} broken; {taken} taken over (the first included), {refused} refused",
                    self.written.good, self.written.broken
                ),
            ),
            ("preflights", format!("{first} by the one document, {second} by the other")),
            (
                "SIGTERM",
                format!(
                    "ended in {:.2} s; {never_begun} requests never begun, {not_connected} not connected",
                    self.stopped_in.as_secs_f64()
                ),
            ),
            ("memory", self.memory()),
        ];
        let mut text = String::new();
        for (name, fact) in rows {
            let _ = writeln!(text, "{name:<16} {fact}");
        }
        text
    }

    fn memory(&self) -> String {
        let at = |place: usize| self.resident_kib.get(place).copied();
        let last = self.resident_kib.len().saturating_sub(1);
        let most = self.resident_kib.iter().max();
        match (at(0), at(last / 2), at(last), most) {
            (Some(start), Some(middle), Some(end), Some(most)) => format!(
                "{} MiB at the start, {} in the middle, {} at the end, {} at most",
                start >> 10,
                middle >> 10,
                end >> 10,
                most >> 10
            ),
            _ => "unknown: there is no /proc".to_owned(),
        }
    }

    /// The means of the second and of the last quarter.
    fn quarters(&self) -> Option<(u64, u64)> {
        let quarter = self.resident_kib.len() / 4;
        let mean = |from: usize| {
            let part = self.resident_kib.get(from..from + quarter)?;
            part.iter().sum::<u64>().checked_div(quarter as u64)
        };
        Some((mean(quarter)?, mean(self.resident_kib.len().checked_sub(quarter)?)?))
    }

    fn reloads(&self) -> (u64, u64) {
        let of = |result| self.metric(&format!("linkgate_reloads_total{{result=\"{result}\"}}"));
        (of("ok"), of("refused"))
    }

    fn metric(&self, name: &str) -> u64 {
        let value =
            self.metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or_default()
    }
}

fn counts(tally: &Tally) -> [u64; 7] {
    let Tally { asked, right, injected, unanswered, cut, lost, wrong, .. } = *tally;
    [asked, right, injected, unanswered, cut, lost, wrong]
}

fn line(name: &str, counts: [u64; 7], durations: &mut Durations) -> Vec<String> {
    let mut cells = vec![name.to_owned()];
    cells.extend(counts.map(|count| count.to_string()));
    cells.extend([500, 990, 1000].map(|permille| durations.text(permille)));
    cells
}
