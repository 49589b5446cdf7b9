//! Calls of the host, in the domain's words.
//!
//! The crate's calls panic on a status that has no meaning for them. That is a trap, and a trap fails
//! closed: the instance ends, and Envoy answers its streams by itself.

use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType};

/// Lines of a message, in the order in which the host has them.
pub(crate) type Lines = Vec<(String, Vec<u8>)>;

pub(crate) const METHOD: &str = ":method";
pub(crate) const PATH: &str = ":path";
pub(crate) const STATUS: &str = ":status";
pub(crate) const AUTHORITY: &str = ":authority";

/// No second attempt, whatever a route or a cluster says of retries. The router takes the line off.
pub(crate) const ONCE: (&str, &str) = ("x-envoy-max-retries", "0");

/// Makes `context` the one that the next calls are about. `false` when there is none of that number.
pub(crate) fn enter(context: u32) -> bool {
    hostcalls::set_effective_context(context).is_ok()
}

/// The header lines of a message; none where the host has none at hand.
pub(crate) fn lines(of: MapType) -> Lines {
    hostcalls::get_map_bytes(of).unwrap_or_default()
}

/// The value of the header lines of that name; nothing where there is none.
pub(crate) fn value(of: MapType, name: &str) -> Option<Vec<u8>> {
    hostcalls::get_map_value_bytes(of, name).ok().flatten()
}

/// Replaces all header lines of a message.
pub(crate) fn set_lines(of: MapType, lines: Vec<(&str, &[u8])>) {
    let _ = hostcalls::set_map_bytes(of, lines);
}

/// Removes all lines of that name.
pub(crate) fn remove_line(of: MapType, name: &str) {
    let _ = hostcalls::remove_map_value(of, name);
}

/// Adds a line.
pub(crate) fn add_line(of: MapType, name: &str, value: &[u8]) {
    let _ = hostcalls::add_map_value_bytes(of, name, value);
}

/// The first `max` bytes of a body that the host holds.
pub(crate) fn body(of: BufferType, max: usize) -> Vec<u8> {
    hostcalls::get_buffer(of, 0, max).ok().flatten().unwrap_or_default()
}

/// Puts these bytes in the place of the body that the host holds.
pub(crate) fn set_body(of: BufferType, bytes: &[u8]) {
    let _ = hostcalls::set_buffer(of, 0, usize::MAX, bytes);
}

/// An attribute of the stream.
pub(crate) fn attribute(path: &[&str]) -> Option<Vec<u8>> {
    hostcalls::get_property(path.to_vec()).ok().flatten()
}

/// An attribute that is a number.
pub(crate) fn number(path: &[&str]) -> Option<u64> {
    attribute(path)?.try_into().ok().map(u64::from_le_bytes)
}

/// Has the root's tick come after so many milliseconds, and again and again.
pub(crate) fn tick_every(milliseconds: u64) {
    let _ = hostcalls::set_tick_period(Duration::from_millis(milliseconds));
}

/// Writes a line for the operator.
pub(crate) fn log(level: LogLevel, text: &str) {
    let _ = hostcalls::log(level, text);
}
