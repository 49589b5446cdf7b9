//! Sets of header names, by which a driver knows what to hand over.
//!
//! Each line of each request is looked up: a search costs a few comparisons, however long the set is.

use std::borrow::Cow;

/// A set of header names. What a server behind the gate may take for one of them counts as one: names are
/// [`folded`].
#[derive(Clone, Debug, Default)]
pub struct HeaderNames {
    /// In order.
    names: Vec<Cow<'static, str>>,
    /// What a name may begin with instead. In order, and none begins another.
    prefixes: Vec<Cow<'static, str>>,
}

impl HeaderNames {
    /// Whether it has this name, in any spelling.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let name = folded(name);
        self.names.binary_search_by(|one| (**one).cmp(&*name)).is_ok()
            || after_prefix(&self.prefixes, &name).is_some()
    }

    /// The entries, as they were collected: a prefix ends in `*`.
    pub fn entries(&self) -> impl Iterator<Item = String> {
        let prefixes = self.prefixes.iter().map(|prefix| format!("{prefix}*"));
        self.names.iter().map(|name| (**name).to_owned()).chain(prefixes)
    }

    /// With these prefixes, too.
    pub(crate) fn and_prefixes(mut self, prefixes: &[&'static str]) -> Self {
        self.prefixes.extend(prefixes.iter().map(|prefix| Cow::Borrowed(*prefix)));
        self.ordered()
    }

    fn ordered(mut self) -> Self {
        self.names.sort_unstable();
        self.names.dedup();
        self.prefixes.sort_unstable();
        // Sorted, what a prefix begins comes right after it.
        self.prefixes.dedup_by(|next, prefix| next.starts_with(&**prefix));
        self
    }
}

impl<N: Into<Cow<'static, str>>> FromIterator<N> for HeaderNames {
    /// From folded names, where one that ends in `*` is a prefix.
    fn from_iter<I: IntoIterator<Item = N>>(entries: I) -> Self {
        let entries = entries.into_iter();
        let mut set = Self::default();
        set.names.reserve(entries.size_hint().0);
        for entry in entries {
            let entry = entry.into();
            match entry.strip_suffix('*') {
                Some(prefix) => set.prefixes.push(Cow::Owned(prefix.to_owned())),
                None => set.names.push(entry),
            }
        }
        set.ordered()
    }
}

/// What comes after the prefix that a name begins with. The prefixes are in order, and none begins another:
/// then only the last one that is not after the name can begin it.
pub(crate) fn after_prefix<'n, P: AsRef<str>>(prefixes: &[P], name: &'n str) -> Option<&'n str> {
    let before = prefixes.partition_point(|prefix| prefix.as_ref() <= name).checked_sub(1)?;
    name.strip_prefix(prefixes.get(before)?.as_ref())
}

/// A header name as the laxest reader takes it: in lower case, all but letters and digits a `-`.
pub(crate) fn folded(name: &str) -> Cow<'_, str> {
    let is_folded = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if name.bytes().all(is_folded) {
        return Cow::Borrowed(name);
    }
    let fold = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    Cow::Owned(name.chars().map(fold).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(entries: &[&str]) -> HeaderNames {
        entries.iter().map(|entry| (*entry).to_owned()).collect()
    }

    #[test]
    fn a_name_is_found_folded() {
        let names = set(&["x-original-*", "content-type"]);
        for (name, expected) in [
            ("content-type", true),
            ("Content_Type", true),
            ("x-original-", true),
            ("x_original_anything", true),
            ("content-types", false),
            ("x-origin", false),
            ("", false),
        ] {
            assert_eq!(names.has(name), expected, "{name}");
        }
    }

    #[test]
    fn each_entry_is_found_however_many_there_are() {
        let names = set(&["a-*", "a-b", "a-b-*", "a", "ab", "b-*", "c-d-*", "c-d-e", "z"]);
        for (name, expected) in [
            ("a", true),
            ("a-", true),
            ("a-x", true),
            ("a-b", true),
            ("a-b-c", true),
            ("ab", true),
            ("abc", false),
            ("b", false),
            ("b-x", true),
            ("c-d", false),
            ("c-d-e", true),
            ("c-d-f", true),
            ("c-e", false),
            ("z", true),
            ("zz", false),
        ] {
            assert_eq!(names.has(name), expected, "{name}");
        }
        let entries: Vec<String> = names.entries().collect();
        assert_eq!(entries, ["a", "a-b", "ab", "c-d-e", "z", "a-*", "b-*", "c-d-*"]);
        assert!(!set(&[]).has("a") && set(&["*"]).has("a"));
    }
}
