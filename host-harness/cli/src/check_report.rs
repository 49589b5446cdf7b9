//! What `linkgate check` tells, in three forms.

pub(crate) mod github;
pub(crate) mod human;
pub(crate) mod json;

use crate::document::{Document, Finding, Severity};

/// A document, and what is to be said of it.
pub(crate) struct Checked {
    pub(crate) document: Document,
    pub(crate) findings: Vec<Finding>,
    /// Warnings that the document accepts by `allow`.
    pub(crate) accepted: Vec<Finding>,
}

impl Checked {
    pub(crate) fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    pub(crate) fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}
