//! Pictures, in SVG without anything else.

use std::fmt::Write as _;

/// A picture of this size, in pixels.
pub(crate) fn picture(width: f64, height: f64, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

/// Names hold no character that XML reads.
pub(crate) fn text(body: &mut String, x: f64, y: f64, weight: &str, what: &str) {
    let _ = writeln!(
        body,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-weight=\"{weight}\" fill=\"#222222\">{what}</text>"
    );
}
