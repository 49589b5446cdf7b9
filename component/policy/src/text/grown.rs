//! Small maps and sets, made without a sort.

/// A map or set of these, put in one after the other. What `collect` does instead, sorting them first, is faster for
/// thousands, and is a sort of its own, 5 KB of wasm, for each type.
pub(crate) fn grown<C: Default + Extend<T>, T>(items: impl IntoIterator<Item = T>) -> C {
    let mut grown = C::default();
    grown.extend(items);
    grown
}
