//! The editions: the components that are shipped, and what each may reach.

/// A crate that becomes an artifact.
pub(crate) struct Edition {
    /// The crate, and the name of its artifact.
    pub(crate) package: &'static str,
    /// The contract that it implements, for people who look into the file.
    pub(crate) world: &'static str,
    /// What it becomes.
    pub(crate) form: Form,
    /// What it is compiled for.
    pub(crate) wants: Wants,
    /// How its own tests are run.
    pub(crate) tests: Tests,
    /// What it is built for: an artifact each.
    pub(crate) builds: &'static [Arithmetic],
    /// The interfaces it may import, without their versions; of a module, its imports. A new one is a
    /// decision, not a by-product: `tests/tests/layering/artifact.rs` holds the same list.
    pub(crate) may_import: &'static [&'static str],
}

/// What an edition becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A component, in which what std calls of WASI is answered by us.
    Component,
    /// A component, in which it is passed on to the host by the stock adapter for `wasi:http/proxy`.
    StockComponent,
    /// A core module, for hosts of proxy-wasm.
    Module,
}

/// What an edition is compiled for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    /// Few bytes: an instance of it serves many requests, and its host optimises by itself.
    Size,
    /// Few instructions and few pages. V8 optimises little of what LLVM left undone; and where each request has an
    /// instance of its own, all code is cold, and calls that were compiled into their callers touch less of it.
    Speed,
}

/// What arithmetic an artifact asks of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    /// That of every host.
    Portable,
    /// The wide-arithmetic proposal of WebAssembly: products of 128 bits. A host without it refuses the artifact.
    Wide,
}

impl Arithmetic {
    /// What rustc is given. The libraries of cryptography choose the width of their numbers by the target, and for
    /// wasm32 not well (docs/performance.md has figures): where a product of 64 bits is the widest, `crypto-bigint`
    /// takes words that are too long, and where there is one of 128, `curve25519-dalek` takes words that are too short.
    pub(crate) const fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Portable => &["--cfg=cpubits=\"32\""],
            Self::Wide => {
                &["-Ctarget-feature=+wide-arithmetic", "--cfg=curve25519_dalek_bits=\"64\""]
            }
        }
    }

    /// What the artifact's name ends with.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::Portable => "",
            Self::Wide => "-wide",
        }
    }

    /// Proposals beyond the standard that a host has to know, by their names in `wasmtime -W`.
    pub(crate) const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Portable => &[],
            Self::Wide => &["wide-arithmetic"],
        }
    }
}

/// For any host.
const ANY: &[Arithmetic] = &[Arithmetic::Portable];

/// For any host, and for one that is known to take more. Each edition that has both takes longer to build and to ship:
/// the hosts of the others take no such module by default, so they go without.
const BOTH: &[Arithmetic] = &[Arithmetic::Portable, Arithmetic::Wide];

/// How the tests beside an edition's code are run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tests {
    /// It builds for wasm alone, and has none.
    None,
    /// With the rest of the workspace.
    Workspace,
    /// By a call of their own: natively, its library does not link.
    Alone,
}

/// All of them, in the order in which they are built.
pub(crate) const EDITIONS: [Edition; 4] = [
    Edition {
        package: "linkgate-evaluator",
        world: "linkgate:policy/gate@0.2.0",
        form: Form::Component,
        wants: Wants::Size,
        tests: Tests::None,
        builds: BOTH,
        may_import: &[],
    },
    Edition {
        package: "linkgate-proxy",
        world: "wasi:http/proxy@0.2",
        form: Form::Component,
        wants: Wants::Speed,
        tests: Tests::Workspace,
        builds: ANY,
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
        world: "wasi:http/middleware@0.3.0",
        form: Form::Component,
        wants: Wants::Size,
        tests: Tests::None,
        builds: ANY,
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
    Edition {
        package: "linkgate-envoy",
        world: "proxy-wasm 0.2.1",
        form: Form::Module,
        wants: Wants::Speed,
        tests: Tests::Alone,
        builds: ANY,
        may_import: ENVOY,
    },
];

/// What Envoy offers a filter of proxy-wasm 0.2.1, and of WASI what std asks for. The crate declares
/// more of it than is ever called.
const ENVOY: &[&str] = &[
    "env.proxy_add_header_map_value",
    "env.proxy_call_foreign_function",
    "env.proxy_close_stream",
    "env.proxy_continue_stream",
    "env.proxy_define_metric",
    "env.proxy_dequeue_shared_queue",
    "env.proxy_done",
    "env.proxy_enqueue_shared_queue",
    "env.proxy_get_buffer_bytes",
    "env.proxy_get_current_time_nanoseconds",
    "env.proxy_get_header_map_pairs",
    "env.proxy_get_header_map_value",
    "env.proxy_get_property",
    "env.proxy_get_shared_data",
    "env.proxy_get_status",
    "env.proxy_grpc_call",
    "env.proxy_grpc_cancel",
    "env.proxy_grpc_close",
    "env.proxy_grpc_send",
    "env.proxy_grpc_stream",
    "env.proxy_http_call",
    "env.proxy_increment_metric",
    "env.proxy_log",
    "env.proxy_record_metric",
    "env.proxy_register_shared_queue",
    "env.proxy_remove_header_map_value",
    "env.proxy_replace_header_map_value",
    "env.proxy_resolve_shared_queue",
    "env.proxy_send_local_response",
    "env.proxy_set_buffer_bytes",
    "env.proxy_set_effective_context",
    "env.proxy_set_header_map_pairs",
    "env.proxy_set_property",
    "env.proxy_set_shared_data",
    "env.proxy_set_tick_period_milliseconds",
    "wasi_snapshot_preview1.clock_time_get",
    "wasi_snapshot_preview1.environ_get",
    "wasi_snapshot_preview1.environ_sizes_get",
    "wasi_snapshot_preview1.fd_write",
    "wasi_snapshot_preview1.proc_exit",
    "wasi_snapshot_preview1.random_get",
];

/// What the suites run beside an edition, and no release holds.
pub(crate) const COMPANIONS: [Edition; 3] = [NEXT_HANDLER, PROFILE_API, VERIFIER];

/// What every edition verifies with, by itself: it is compiled as they are.
const VERIFIER: Edition = Edition {
    package: "linkgate-verifier",
    world: "linkgate:verifier/verifier",
    form: Form::Component,
    wants: Wants::Size,
    tests: Tests::Workspace,
    builds: BOTH,
    may_import: &[],
};

/// An upstream on waki, for people who want to see two components.
const PROFILE_API: Edition = Edition {
    package: "linkgate-profile-api",
    world: "wasi:http/proxy@0.2",
    form: Form::StockComponent,
    wants: Wants::Size,
    tests: Tests::Workspace,
    builds: ANY,
    may_import: &[
        "wasi:cli/stderr",
        "wasi:cli/stdin",
        "wasi:cli/stdout",
        "wasi:http/types",
        "wasi:io/error",
        "wasi:io/poll",
        "wasi:io/streams",
        "wasi:random/random",
    ],
};

const NEXT_HANDLER: Edition = Edition {
    package: "linkgate-next-handler",
    world: "wasi:http/service@0.3.0",
    form: Form::Component,
    wants: Wants::Size,
    tests: Tests::None,
    builds: ANY,
    may_import: &[
        "wasi:cli/environment",
        "wasi:clocks/types",
        "wasi:http/client",
        "wasi:http/types",
    ],
};

/// The arguments that leave what links for wasm alone out of a cargo call on the workspace.
pub(crate) fn excluded() -> impl Iterator<Item = &'static str> {
    let all = EDITIONS.iter().chain(&COMPANIONS);
    let excluded = all.filter(|edition| edition.tests != Tests::Workspace);
    excluded.flat_map(|edition| ["--exclude", edition.package])
}

/// Those whose tests want a call of their own.
pub(crate) fn tested_alone() -> impl Iterator<Item = &'static Edition> {
    EDITIONS.iter().filter(|edition| edition.tests == Tests::Alone)
}
