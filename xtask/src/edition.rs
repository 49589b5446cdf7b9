//! The editions: the components that are shipped, and what each may reach.

/// A crate that becomes a component.
pub(crate) struct Edition {
    /// The crate, and the name of its component.
    pub(crate) package: &'static str,
    /// It builds for wasm alone. The tests of the others run natively with the rest of the workspace.
    pub(crate) wasm_only: bool,
    /// The interfaces it may import, without their versions. A new one is a decision, not a
    /// by-product: `tests/tests/layering/artifact.rs` holds the same list.
    pub(crate) may_import: &'static [&'static str],
}

/// All of them, in the order in which they are built.
pub(crate) const EDITIONS: [Edition; 3] = [
    Edition { package: "linkgate-evaluator", wasm_only: true, may_import: &[] },
    Edition {
        package: "linkgate-proxy",
        wasm_only: false,
        may_import: &[
            "wasi:cli/environment",
            "wasi:cli/stderr",
            "wasi:cli/stdout",
            "wasi:clocks/monotonic-clock",
            "wasi:clocks/wall-clock",
            "wasi:http/outgoing-handler",
            "wasi:http/types",
            "wasi:io/error",
            "wasi:io/poll",
            "wasi:io/streams",
            "wasi:random/random",
        ],
    },
    Edition {
        package: "linkgate-middleware",
        wasm_only: true,
        may_import: &[
            "wasi:cli/environment",
            "wasi:cli/stderr",
            "wasi:cli/stdout",
            "wasi:cli/types",
            "wasi:clocks/monotonic-clock",
            "wasi:clocks/system-clock",
            "wasi:clocks/types",
            "wasi:http/client",
            "wasi:http/handler",
            "wasi:http/types",
            "wasi:random/random",
        ],
    },
];

/// What the suites run beside an edition, and nobody ships.
pub(crate) const COMPANIONS: [Edition; 1] = [Edition {
    package: "linkgate-next-handler",
    wasm_only: true,
    may_import: &[
        "wasi:cli/environment",
        "wasi:clocks/types",
        "wasi:http/client",
        "wasi:http/types",
    ],
}];

/// The arguments that leave what builds for wasm alone out of a cargo call on the workspace.
pub(crate) fn excluded() -> impl Iterator<Item = &'static str> {
    let excluded = EDITIONS.iter().chain(&COMPANIONS).filter(|edition| edition.wasm_only);
    excluded.flat_map(|edition| ["--exclude", edition.package])
}
