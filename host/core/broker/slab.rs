//! A slab whose keys are never reused.

/// The "no slot" value in linked structures. No slot has this index.
pub(super) const NIL: u32 = u32::MAX;

/// The key of one value in a [`Slab`]. It stays unique after the value is removed.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub(super) struct Key {
    pub(super) index: u32,
    generation: u32,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    next_free: u32,
    value: Option<T>,
}

/// A vector whose vacant slots are filled again with a new generation.
#[derive(Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: u32,
    len: usize,
}

impl<T> Slab<T> {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: NIL,
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns whether `more` values can be inserted. Only the width of an index limits this.
    pub(super) fn has_room(&self, more: usize) -> bool {
        more <= (NIL as usize).saturating_sub(self.slots.len())
    }

    /// Stores a value. Drops it and returns `None` if every index is in use.
    pub(super) fn insert(&mut self, value: T) -> Option<Key> {
        if let Some(slot) = self.slots.get_mut(self.free as usize) {
            let index = self.free;
            self.free = slot.next_free;
            slot.value = Some(value);
            self.len += 1;
            return Some(Key {
                index,
                generation: slot.generation,
            });
        }
        let index = u32::try_from(self.slots.len()).ok().filter(|&i| i != NIL)?;
        self.slots.push(Slot {
            generation: 0,
            next_free: NIL,
            value: Some(value),
        });
        self.len += 1;
        Some(Key {
            index,
            generation: 0,
        })
    }

    /// Iterates over all values and their keys, in index order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        (0..).zip(&self.slots).filter_map(|(index, slot)| {
            let generation = slot.generation;
            let value = slot.value.as_ref()?;
            Some((Key { index, generation }, value))
        })
    }

    pub(super) fn get(&self, key: Key) -> Option<&T> {
        let slot = self.slots.get(key.index as usize)?;
        if slot.generation == key.generation {
            slot.value.as_ref()
        } else {
            None
        }
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.index as usize)?;
        if slot.generation == key.generation {
            slot.value.as_mut()
        } else {
            None
        }
    }

    /// Returns the value at an index that the caller knows to be current.
    pub(super) fn at(&self, index: u32) -> Option<&T> {
        self.slots.get(index as usize)?.value.as_ref()
    }

    /// Returns the value at an index that the caller knows to be current.
    pub(super) fn at_mut(&mut self, index: u32) -> Option<&mut T> {
        self.slots.get_mut(index as usize)?.value.as_mut()
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let slot = self.slots.get(key.index as usize)?;
        if slot.generation == key.generation {
            self.remove_at(key.index)
        } else {
            None
        }
    }

    pub(super) fn remove_at(&mut self, index: u32) -> Option<T> {
        let slot = self.slots.get_mut(index as usize)?;
        let value = slot.value.take()?;
        self.len -= 1;
        // A slot whose generations are exhausted is never filled again: wrapping around would make an old key
        // valid for a new value.
        if let Some(generation) = slot.generation.checked_add(1) {
            slot.generation = generation;
            slot.next_free = self.free;
            self.free = index;
        }
        Some(value)
    }
}
