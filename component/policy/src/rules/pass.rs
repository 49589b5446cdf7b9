//! Which paths are passed on.

/// The segments of each `pass` prefix.
///
/// INVARIANT: none begins with another, as the policy's reader demands.
#[derive(Default)]
pub(crate) struct PassPrefixes(Vec<Vec<String>>);

impl FromIterator<Vec<String>> for PassPrefixes {
    fn from_iter<I: IntoIterator<Item = Vec<String>>>(prefixes: I) -> Self {
        let mut sorted: Vec<Vec<String>> = Vec::new();
        for prefix in prefixes {
            sorted.insert(sorted.partition_point(|other| *other < prefix), prefix);
        }
        Self(sorted)
    }
}

impl PassPrefixes {
    /// Whether a path begins with one of them. Only the last that is not behind the path can be its beginning: what is
    /// between the two begins with it as well.
    pub(crate) fn cover(&self, path: &[impl AsRef<str>]) -> bool {
        let segments = || path.iter().map(AsRef::as_ref);
        let is_behind = |prefix: &Vec<String>| prefix.iter().map(String::as_str).gt(segments());
        let candidates = self.0.partition_point(|prefix| !is_behind(prefix));
        let last = candidates.checked_sub(1).and_then(|at| self.0.get(at));
        last.is_some_and(|prefix| {
            prefix.len() <= path.len()
                && prefix.iter().zip(segments()).all(|(own, sent)| own == sent)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(path: &str) -> Vec<&str> {
        path.split('/').skip(1).collect()
    }

    #[test]
    fn a_path_is_covered_by_the_prefix_that_it_begins_with_and_by_no_other() {
        let written = ["/b", "/a/b", "/a/d", "/a.b", "/ab", "/.well-known", "/m/n/o"];
        let of = |path: &str| segments(path).into_iter().map(str::to_owned).collect::<Vec<_>>();
        let prefixes: PassPrefixes = written.into_iter().map(of).collect();
        let parts = ["a", "b", "c", "d", "ab", "a.b", ".well-known", "m", "n", "o", "z", ""];
        let mut paths: Vec<String> = vec![String::new()];
        for _ in 0..4 {
            let longer = paths.iter().flat_map(|path| parts.map(|part| format!("{path}/{part}")));
            paths = longer.chain([String::new()]).collect();
        }
        let mut covered = 0;
        for path in &paths {
            let path = segments(path);
            let expected = written.iter().any(|prefix| path.starts_with(&segments(prefix)));
            assert_eq!(prefixes.cover(&path), expected, "{path:?}");
            covered += usize::from(expected);
        }
        assert!(covered > 1000 && covered < paths.len(), "{covered} of {}", paths.len());
        assert!(!PassPrefixes::default().cover(&["a"]), "none covers nothing");
    }
}
