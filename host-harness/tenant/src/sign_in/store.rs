//! Values that were handed out, each good until a time.

use std::collections::BTreeMap;

/// How many are kept of a kind. More than one person at a page makes; without a limit a client could fill the memory.
const KEPT: usize = 1_024;

/// Values by the text that names them. `Debug` is the owner's to write: names are secrets.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Store<T> {
    entries: BTreeMap<String, Entry<T>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Entry<T> {
    value: T,
    until_unix_s: u64,
}

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new() }
    }
}

impl<T> Store<T> {
    /// Keeps `value`, in place of an earlier one of that name. Of too many, the one that ends first goes.
    pub(super) fn put(&mut self, name: String, value: T, now_unix_s: u64, lifetime_s: u64) {
        self.entries.retain(|_, entry| entry.until_unix_s > now_unix_s);
        if self.entries.len() >= KEPT {
            let first = self.entries.iter().min_by_key(|(_, entry)| entry.until_unix_s);
            if let Some(name) = first.map(|(name, _)| name.clone()) {
                self.entries.remove(&name);
            }
        }
        let until_unix_s = now_unix_s.saturating_add(lifetime_s);
        self.entries.insert(name, Entry { value, until_unix_s });
    }

    pub(super) fn get(&self, name: &str, now_unix_s: u64) -> Option<&T> {
        let entry = self.entries.get(name)?;
        (entry.until_unix_s > now_unix_s).then_some(&entry.value)
    }

    pub(super) fn get_mut(&mut self, name: &str, now_unix_s: u64) -> Option<&mut T> {
        let entry = self.entries.get_mut(name)?;
        (entry.until_unix_s > now_unix_s).then_some(&mut entry.value)
    }

    /// The value, which is then gone: what is good once.
    pub(super) fn take(&mut self, name: &str, now_unix_s: u64) -> Option<T> {
        let entry = self.entries.remove(name)?;
        (entry.until_unix_s > now_unix_s).then_some(entry.value)
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.entries.remove(name);
    }

    pub(super) fn values(&self, now_unix_s: u64) -> impl Iterator<Item = &T> {
        let entries = self.entries.values();
        entries.filter(move |entry| entry.until_unix_s > now_unix_s).map(|entry| &entry.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_there_until_its_time_and_is_taken_once() {
        let mut store = Store::default();
        store.put("a".to_owned(), 1, 100, 60);
        assert_eq!(
            (store.get("a", 159), store.get("a", 160), store.get("b", 100)),
            (Some(&1), None, None)
        );
        assert_eq!((store.take("a", 159), store.take("a", 159)), (Some(1), None));
        store.put("b".to_owned(), 2, 100, 60);
        assert_eq!(store.take("b", 160), None, "too late");
    }

    #[test]
    fn of_too_many_the_one_that_ends_first_goes() {
        let mut store = Store::default();
        for number in 0..=KEPT {
            store.put(number.to_string(), number, 100, 60 + number as u64);
        }
        assert_eq!((store.get("0", 100), store.get("1", 100)), (None, Some(&1)));
        assert_eq!(store.values(100).count(), KEPT);
    }
}
