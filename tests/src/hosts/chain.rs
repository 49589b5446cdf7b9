//! Components chained into one, as an operator of the middleware edition does.

use std::path::Path;

use linkgate_cases::Trouble;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, plug};

/// A component that is `first` with what it imports of `next` taken from there.
///
/// # Errors
/// A file is not there, or the two do not fit.
pub fn chained(first: &Path, next: &Path) -> Result<Vec<u8>, Trouble> {
    let mut graph = CompositionGraph::new();
    let mut add = |name: &str, file: &Path| {
        let told =
            |error: &dyn std::fmt::Display| Trouble::new(error.to_string()).at(file.display());
        let bytes = std::fs::read(file).map_err(|error| told(&error))?;
        let package = Package::from_bytes(name, None, bytes, graph.types_mut())
            .map_err(|error| told(&error))?;
        graph.register_package(package).map_err(|error| told(&error))
    };
    let socket = add("first", first)?;
    let plugged = add("next", next)?;
    plug(&mut graph, vec![plugged], socket).map_err(|error| Trouble::new(error.to_string()))?;
    graph.encode(EncodeOptions::default()).map_err(|error| Trouble::new(error.to_string()))
}
