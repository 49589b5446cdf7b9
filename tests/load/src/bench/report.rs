//! The tables of a run.

use std::fmt::Write as _;

use super::call::Price;
use super::host::HostKind;
use super::row::{Over, Row};
use super::target;
use super::warm::{self, Warm};
use super::work::Work;
use crate::table::{aligned, row};

/// A run, measured.
#[derive(Default)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    pub(super) machine: String,
    pub(super) method: String,
    /// Resident memory at the end, in KiB.
    pub(super) memory: Vec<(HostKind, Option<u64>)>,
    /// What hosts cost before they are warm.
    pub(super) warm: Vec<Warm>,
    /// What calls of Envoy cost.
    pub(super) calls: Vec<Price>,
}

impl Report {
    /// The targets, then a table for each number of connections.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for connections in self.connections() {
            let _ = writeln!(text, "{}", self.table(connections));
        }
        let _ = writeln!(text, "{}", target::table(self));
        if !self.warm.is_empty() {
            let _ = writeln!(text, "{}", warm::table(&self.warm));
        }
        if !self.calls.is_empty() {
            let _ = writeln!(text, "{}", self.calls());
        }
        let _ = write!(text, "{}", self.legend());
        text
    }

    /// The numbers of connections, in the order of the run.
    pub(super) fn connections(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.rows.iter().map(|row| row.connections).collect();
        all.dedup();
        all
    }

    pub(super) fn row(&self, kind: HostKind, work: Work, connections: usize) -> Option<&Row> {
        let wanted = (kind, work, connections);
        self.rows.iter().find(|row| (row.kind, row.work, row.connections) == wanted)
    }

    /// A row over its host's baseline.
    pub(super) fn over(&self, row: &Row) -> Option<Over> {
        let (kind, work) = row.kind.baseline(row.work);
        row.over(self.row(kind, work, row.connections)?)
    }

    fn table(&self, connections: usize) -> String {
        let title = if connections == 1 {
            "1 connection".to_owned()
        } else {
            format!("{connections} connections")
        };
        let mut rows = vec![row([&title, "CPU us", "from-to", "ratio", "over", "a second", "p50"])];
        rows.extend(
            self.rows
                .iter()
                .filter(|row| row.connections == connections)
                .map(|row| self.cells(row)),
        );
        aligned(&rows)
    }

    fn cells(&self, measured: &Row) -> Vec<String> {
        let name = format!("{}: {}", measured.kind.name(), measured.work.name());
        let Some((us, least, most)) = measured.cost() else {
            return vec![name, "not offered".to_owned()];
        };
        let over = self.over(measured);
        let cell = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        vec![
            name,
            format!("{us:.1}"),
            format!("{least:.0}-{most:.0}"),
            cell(over.map(|over| format!("{:.2}", over.ratio))),
            cell(over.map(|over| format!("{:+.1}", over.us))),
            cell(measured.rate().map(|rate| format!("{rate:.0}"))),
            measured.answers.clone().text(500),
        ]
    }

    fn calls(&self) -> String {
        let mut rows = vec![row(["a call of Envoy by a proxy-wasm filter", "us", "from-to"])];
        rows.extend(self.calls.iter().map(|price| {
            let (us, least, most) = price.us;
            vec![price.name.to_owned(), format!("{us:.2}"), format!("{least:.2}-{most:.2}")]
        }));
        aligned(&rows)
    }

    fn legend(&self) -> String {
        let memory = self.memory.iter().map(|(kind, kib)| {
            let mib = kib.map_or("-".to_owned(), |kib| (kib >> 10).to_string());
            format!("{} {mib}", kind.name())
        });
        format!(
            "CPU us    user and system time of the host's process a request, median of the rounds\n\
             from-to   its least and its most of any round\n\
             ratio     to the host's baseline, and over, in us more than it: medians of the rounds' own\n\
             baseline  the same requests through Envoy without a filter, through HAProxy without a rule; of the gateway and\n          \
             `wasmtime serve`, what they pass\n\
             machine   {}\n\
             method    {}\n\
             memory    MiB at the end: {}\n",
            self.machine,
            self.method,
            memory.collect::<Vec<_>>().join(", "),
        )
    }
}
