//! A run as a picture: what a request costs and what the gateway holds, by how many there are of each thing.

use std::fmt::Write as _;

use super::many::{Many, Thing};
use crate::round::spread;
use crate::svg::{picture, text};

/// Lengths are in pixels: of a panel's curves, of what is left of and between them, and of a line of text.
const WIDTH: f64 = 220.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 50.0;
const GAP: f64 = 60.0;
const TOP: f64 = 60.0;
const LINE: f64 = 18.0;

const COLOURS: [&str; 5] = ["#2f6db5", "#d08b3c", "#3c8f4f", "#8a4fb0", "#b04f4f"];

/// A panel: its title, and the value of a row.
type Panel = (&'static str, fn(&Many) -> Option<f64>);

const PANELS: [Panel; 3] = [
    ("passed, CPU us a request", |many| Some(spread(many.passed_us.clone())?.0)),
    ("refused, CPU us a request", |many| Some(spread(many.refused_us.clone())?.0)),
    ("resident memory, MiB", |many| many.resident_mib.parse().ok()),
];

/// Panels side by side, and below them which colour is what.
pub(super) fn svg(all: &[Many]) -> String {
    let mut body = String::new();
    for (nth, panel) in (0_u8..).zip(PANELS) {
        draw(&mut body, LEFT + f64::from(nth) * (WIDTH + GAP), panel, all);
    }
    let mut y = TOP + HEIGHT + 3.0 * LINE;
    for (thing, colour) in Thing::ALL.into_iter().zip(COLOURS) {
        let _ = writeln!(
            body,
            "<rect x=\"{LEFT}\" y=\"{:.1}\" width=\"20\" height=\"4\" fill=\"{colour}\"/>",
            y - 6.0
        );
        text(&mut body, LEFT + 30.0, y, "normal", thing.name());
        y += LINE;
    }
    picture(LEFT + 3.0 * (WIDTH + GAP), y, &body)
}

fn draw(body: &mut String, left: f64, (title, value): Panel, all: &[Many]) {
    let highest = all.iter().filter_map(value).fold(1.0, f64::max);
    let across = |count: usize| {
        let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        left + count.log10() / 3.0 * WIDTH
    };
    let up = |value: f64| TOP + HEIGHT - value / highest * HEIGHT;
    text(body, left, TOP - LINE, "bold", title);
    let _ = writeln!(
        body,
        "<rect x=\"{left:.1}\" y=\"{TOP}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"none\" stroke=\"#b8b8b8\"/>"
    );
    text(body, left - 40.0, TOP + 10.0, "normal", &format!("{highest:.0}"));
    text(body, left - 40.0, TOP + HEIGHT, "normal", "0");
    for count in [1, 10, 100, 1000] {
        text(body, across(count) - 6.0, TOP + HEIGHT + LINE, "normal", &count.to_string());
    }
    for (thing, colour) in Thing::ALL.into_iter().zip(COLOURS) {
        let rows = all.iter().filter(|many| many.thing == thing);
        let points = rows
            .filter_map(|many| Some(format!("{:.1},{:.1}", across(many.count), up(value(many)?))));
        let points = points.collect::<Vec<_>>().join(" ");
        let _ = writeln!(
            body,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_goes_from_one_to_the_other_side() {
        let many = |count, us| Many::of(Thing::Issuers, count, us);
        let svg = svg(&[many(1, 50.0), many(1000, 100.0)]);
        // The highest is at the top of a panel, and half of it half-way up.
        assert!(svg.contains("points=\"50.0,150.0 270.0,60.0\""), "{svg}");
    }
}
