//! A run as a picture: a bar a row, grouped by work, in SVG without anything else.

use std::fmt::Write as _;

use super::host::HostKind;
use super::report::Report;
use super::row::Row;
use super::work::Work;
use crate::issuer::Algorithm;
use crate::svg::{picture, text};

/// What is drawn. Hosts that verify in wasm, or make an instance a request, are ten times as wide as the others: the
/// table has them.
const WORKS: [Work; 5] = [
    Work::Pass,
    Work::Again,
    Work::First(Algorithm::Rs256),
    Work::First(Algorithm::Es256),
    Work::Link,
];

/// Lengths are in pixels.
const WIDTH: f64 = 900.0;
const BAR: f64 = 16.0;
const GAP: f64 = 5.0;
/// Of the names to the left, and of the figures to the right.
const LEFT: f64 = 300.0;
const RIGHT: f64 = 110.0;

/// The rows of the most connections.
pub(super) fn svg(report: &Report) -> String {
    let most = report.connections().into_iter().max().unwrap_or(0);
    let drawn = |row: &&Row| {
        let is_wide = matches!(row.kind, HostKind::Serve(_));
        row.connections == most && !is_wide && row.cost().is_some()
    };
    let rows: Vec<&Row> = report.rows.iter().filter(drawn).collect();
    let widest =
        rows.iter().filter_map(|row| row.cost()).map(|(_, _, most)| most).fold(1.0, f64::max);
    let scale = (WIDTH - LEFT - RIGHT) / widest;
    let mut body = String::new();
    let mut y = BAR + GAP;
    text(
        &mut body,
        0.0,
        y,
        "bold",
        &format!(
            "Processor time a request in us, {most} connections: median of rounds, least to most"
        ),
    );
    for work in WORKS {
        let group: Vec<&&Row> = rows.iter().filter(|row| row.work == work).collect();
        if group.is_empty() {
            continue;
        }
        y += 2.0 * (BAR + GAP);
        text(&mut body, 0.0, y, "bold", work.name());
        for row in group {
            y += BAR + GAP;
            bar(&mut body, y, scale, row);
        }
    }
    let height = y + BAR;
    picture(WIDTH, height, &body)
}

/// A row: its name, its bar, a line from its least to its most, and its figure.
fn bar(body: &mut String, y: f64, scale: f64, row: &Row) {
    let Some((us, least, most)) = row.cost() else { return };
    let (top, middle) = (y - BAR * 0.75, y - BAR * 0.25);
    let [width, from, to] = [us, least, most].map(|us| us * scale);
    text(body, 10.0, y, "normal", row.kind.name());
    let _ = writeln!(
        body,
        "<rect x=\"{LEFT}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{}\"/>\n\
         <line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\" stroke=\"#222222\"/>",
        colour(row.kind),
        LEFT + from,
        LEFT + to,
    );
    text(body, LEFT + to + 6.0, y, "normal", &format!("{us:.1}"));
}

/// Ours, others' checks, and hosts without a check.
fn colour(kind: HostKind) -> &'static str {
    match kind {
        HostKind::Gateway | HostKind::Serve(_) => "#2f6db5",
        HostKind::Envoy(filter) if filter.is_ours() => "#2f6db5",
        HostKind::Envoy(filter) if filter.is_check() => "#d08b3c",
        HostKind::HaProxy { has_rule: true } => "#d08b3c",
        HostKind::Envoy(_) | HostKind::HaProxy { has_rule: false } => "#b8b8b8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::envoy::Filter;

    #[test]
    fn bars_are_drawn_to_one_scale() {
        let row = |kind, us: [f64; 3]| {
            let mut row = Row::new(kind, Work::Pass, 64);
            row.us = us.to_vec();
            row
        };
        let rows = vec![
            row(HostKind::Envoy(Filter::None), [20.0, 25.0, 30.0]),
            row(HostKind::Gateway, [50.0, 80.0, 98.0]),
        ];
        let svg = svg(&Report { rows, ..Report::default() });
        // 490 pixels are 98 us.
        assert!(svg.contains("width=\"125.0\" height=\"16\" fill=\"#b8b8b8\""), "{svg}");
        assert!(svg.contains("width=\"400.0\" height=\"16\" fill=\"#2f6db5\""), "{svg}");
        assert!(svg.contains("x1=\"550.0\" x2=\"790.0\""), "{svg}");
    }
}
