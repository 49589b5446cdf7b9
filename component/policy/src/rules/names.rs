//! Names of the policy that those of a request are looked up among.

use std::collections::BTreeSet;

/// Names in a tree: a thousand of them are ten comparisons, whatever is looked up.
#[derive(Default)]
pub(crate) struct Names {
    first: Option<String>,
    all: BTreeSet<String>,
}

impl FromIterator<String> for Names {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        let mut all = Self::default();
        for name in names {
            all.first.get_or_insert_with(|| name.clone());
            all.all.insert(name);
        }
        all
    }
}

impl Names {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    pub(crate) fn find(&self, name: &str) -> Option<&String> {
        self.all.get(name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The first, as the document has them.
    pub(crate) fn first(&self) -> Option<&String> {
        self.first.as_ref()
    }
}
