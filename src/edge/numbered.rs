//! Values by number.

/// A list, for values of which there are few at a time, as many as requests wait: a tree takes 2 KiB of upload
/// for each kind of value.
pub(super) struct Numbered<T> {
    next: u32,
    values: Vec<(u32, T)>,
}

impl<T> Numbered<T> {
    pub(super) const fn new() -> Self {
        Self { next: 0, values: Vec::new() }
    }

    /// A number that no value has, and none will have before some four thousand million others.
    pub(super) const fn number(&mut self) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    /// Puts a value where none is.
    pub(super) fn put(&mut self, number: u32, value: T) {
        self.values.push((number, value));
    }

    pub(super) fn take(&mut self, number: u32) -> Option<T> {
        let place = self.values.iter().position(|(each, _)| *each == number)?;
        Some(self.values.swap_remove(place).1)
    }
}
