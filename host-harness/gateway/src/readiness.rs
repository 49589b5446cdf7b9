//! Whether the gateway can do its work, for what routes requests to it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::contract::{KeySource, Shadow};
use crate::drive::Driver;
use crate::upstream_pool::UpstreamConnections;

/// A view of a gateway from outside, also while it serves.
#[derive(Clone)]
pub struct Readiness {
    driver: Arc<Driver>,
}

impl Readiness {
    pub(crate) fn of(driver: Arc<Driver>) -> Self {
        Self { driver }
    }

    /// Whether requests sent here now will be decided.
    ///
    /// # Errors
    /// They will not, or soon not: the first reason that holds.
    pub fn check(&self) -> Result<(), NotReady> {
        if self.driver.shared.draining.load(Ordering::Acquire) {
            return Err(NotReady::Stopping);
        }
        if self.live_instances() == 0 {
            return Err(NotReady::NoInstance);
        }
        if !self.is_in_shadow() && self.key_sources().iter().any(|source| !source.usable) {
            return Err(NotReady::NoKeys);
        }
        Ok(())
    }

    /// Whether requests pass whatever is decided, keys or no keys.
    fn is_in_shadow(&self) -> bool {
        let until = self.shadow().and_then(|shadow| shadow.until);
        until.is_some_and(|until| self.driver.shared.clock.now().unix_ms < until)
    }

    /// How the keys of each issuer of the present policy stand, in the order of its document.
    #[must_use]
    pub fn key_sources(&self) -> Vec<KeySource> {
        let shared = &self.driver.shared;
        shared.fetches.pool_keys.sources(shared.clock.now())
    }

    /// What the present policy does not enforce.
    #[must_use]
    pub fn shadow(&self) -> Option<Shadow> {
        self.driver.pool().shadow()
    }

    /// Requests in flight, under whichever policy.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        let Driver { shared, limits, .. } = &*self.driver;
        limits.in_flight.saturating_sub(shared.tickets.available_permits())
    }

    /// Connections to the upstream, by what is sent on them.
    #[must_use]
    pub fn upstream_connections(&self) -> Vec<UpstreamConnections> {
        self.driver.connections.by_kind()
    }

    /// Evaluator instances of the present policy that are alive. The others are being replaced.
    #[must_use]
    pub fn live_instances(&self) -> usize {
        self.driver.pool().live()
    }
}

/// Why a gateway is not ready. Each reason has fixed words: no caller and no policy speaks in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReady {
    /// It was asked to stop, and finishes what is in flight.
    Stopping,
    /// No evaluator instance is alive: each trapped, and is being replaced.
    NoInstance,
    /// An issuer of the policy has no usable key: none came yet, or none for longer than the last may be
    /// used. Its requests are answered 503, unless the policy is in shadow.
    NoKeys,
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopping => "stopping",
            Self::NoInstance => "no living instance",
            Self::NoKeys => "no keys yet",
        })
    }
}

impl std::error::Error for NotReady {}
