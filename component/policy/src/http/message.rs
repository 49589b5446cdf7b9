//! The parts of a message: header lines, heads, replies and the edits to a head.

use zeroize::Zeroize;

/// Header lines, found by name.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'a>(&'a [Header]);

impl<'a> Lines<'a> {
    pub(crate) fn of(head: &'a Head) -> Self {
        Self(&head.headers)
    }

    /// The values of all lines of this name, in order.
    pub(crate) fn all(self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .iter()
            .filter(move |line| line.name.eq_ignore_ascii_case(name))
            .map(|line| line.value.as_slice())
    }

    pub(crate) fn has(self, name: &'a str) -> bool {
        self.all(name).next().is_some()
    }

    /// The value of the one line of this name; nothing when there are several.
    pub(crate) fn sole(self, name: &'a str) -> Option<&'a [u8]> {
        let mut values = self.all(name);
        values.next().filter(|_| values.next().is_none())
    }
}

/// One header line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Field name, lower case.
    pub name: String,
    /// Field value.
    pub value: Vec<u8>,
}

impl Header {
    /// A header line from text.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.as_bytes().to_vec() }
    }
}

/// The head of a request as received, with the lines of [`Policy::wanted_headers`] alone.
///
/// [`Policy::wanted_headers`]: crate::Policy::wanted_headers
#[derive(Clone)]
pub struct Head {
    /// Method, in the case received.
    pub method: String,
    /// Request target exactly as received (RFC 9112 section 3.2).
    pub target: Vec<u8>,
    /// Header lines in the order received.
    pub headers: Vec<Header>,
    /// IP address of the peer of the client's connection, with or without its port. Nothing where the host
    /// does not know it.
    pub peer: Option<String>,
}

impl std::fmt::Debug for Head {
    /// Header values stay out: one of them is a credential.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Head").field("method", &self.method).finish_non_exhaustive()
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        for header in &mut self.headers {
            header.value.zeroize();
        }
    }
}

/// Changes to the head of a message: first the removals, then the additions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderEdits {
    /// Names to remove; one that ends in `*` is a prefix.
    pub remove: Vec<String>,
    /// Lines to add.
    pub append: Vec<Header>,
}

impl HeaderEdits {
    /// The lines with the edits made. Names in lower case.
    #[must_use]
    pub fn applied(self, lines: Vec<Header>) -> Vec<Header> {
        let mut lines = self.kept(lines);
        lines.extend(self.append);
        lines
    }

    /// Whether there is nothing to edit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.append.is_empty()
    }

    /// The lines that are not removed. Names in lower case.
    #[must_use]
    pub fn kept(&self, lines: Vec<Header>) -> Vec<Header> {
        let removed = |line: &Header| {
            self.remove.iter().any(|name| match name.strip_suffix('*') {
                Some(prefix) => line.name.starts_with(prefix),
                None => line.name == *name,
            })
        };
        lines.into_iter().filter(|line| !removed(line)).collect()
    }
}

/// A reply of the policy's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// The complete list of headers, but for the framing.
    pub headers: Vec<Header>,
    /// The body; empty where the status has none.
    pub body: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_removed_by_name_or_by_prefix() {
        let lines = ["access-control-allow-origin", "access-control-max-age", "vary", "vary-not"]
            .map(|name| Header::new(name, "x"));
        let edits = HeaderEdits {
            remove: vec!["access-control-*".to_owned(), "vary".to_owned()],
            append: Vec::new(),
        };
        let kept = edits.kept(lines.into());
        let names: Vec<&str> = kept.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, ["vary-not"]);
    }
}
