//! The editions, and what their hosts can do.

use linkgate_policy::Abilities;

/// The editions that there are, by what they are called in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Edition {
    /// For a gateway that embeds it, such as `linkgate serve`
    Evaluator,
    /// For hosts of `wasi:http/proxy` 0.2
    Proxy,
    /// For chains of WASI 0.3 handlers
    Middleware,
    /// For Envoy, and what is built on it
    Envoy,
}

impl Edition {
    const ALL: [Self; 4] = [Self::Evaluator, Self::Proxy, Self::Middleware, Self::Envoy];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Evaluator => "evaluator",
            Self::Proxy => "proxy",
            Self::Middleware => "middleware",
            Self::Envoy => "envoy",
        }
    }

    /// The one that a file calls itself.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|edition| edition.name() == name)
    }

    /// What its hosts can do, which decides what policies it can carry out.
    pub(crate) const fn abilities(self) -> Abilities {
        match self {
            Self::Evaluator => Abilities::ALL,
            Self::Proxy | Self::Middleware => Abilities::NONE,
            Self::Envoy => Abilities { serialises: false, ..Abilities::ALL },
        }
    }
}
