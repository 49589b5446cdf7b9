//! A request's number and kind, carried in its `traceparent`, so that the gateway's record of it is
//! known again: <https://www.w3.org/TR/trace-context/>.

use super::kind::Kind;

/// Which request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) kind: Kind,
    /// From 1, for a parent id of zeros is none.
    pub(super) number: u64,
}

/// What each trace id of ours begins with: `load`.
const BEGINNING: &str = "6c6f6164";

impl Tag {
    pub(super) fn traceparent(self) -> String {
        let Self { kind, number } = self;
        format!("00-{BEGINNING}{:08x}{number:016x}-{number:016x}-01", kind.index())
    }

    /// Reads it out of a trace id.
    pub(super) fn of(trace_id: &str) -> Option<Self> {
        let rest = trace_id.strip_prefix(BEGINNING)?;
        let (kind, number) = rest.split_at_checked(8)?;
        let kind = usize::from_str_radix(kind, 16).ok()?;
        Some(Self { kind: *Kind::ALL.get(kind)?, number: u64::from_str_radix(number, 16).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_comes_back() {
        for kind in Kind::ALL {
            let tag = Tag { kind, number: 0xABCD_EF01 };
            let parent = tag.traceparent();
            let parts: Vec<&str> = parent.split('-').collect();
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 32, 16, 2]);
            assert_eq!(Tag::of(parts[1]), Some(tag));
        }
        assert_eq!(Tag::of("0af7651916cd43dd8448eb211c80319c"), None, "somebody else's");
    }
}
