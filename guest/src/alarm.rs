//! Finds the words of memory that make CPython check for signals, so that the host can raise an exception in a
//! guest.
//!
//! A signal consists of three words of memory: one records that this signal arrived, one that any signal arrived,
//! and one bit of the third makes the evaluation loop check the other two. Long-running C code, such as a regular
//! expression, checks by itself. All three words have fixed addresses in CPython's static state. Its layout is
//! published in a table for debuggers (PEP 768); words that the table lacks are recognised by their content.

use crate::snapshot::Snapshot;
use anyhow::{Context, Result, ensure};

/// The marker at the start of CPython's static state and its table of offsets.
const COOKIE: &[u8] = b"xdebugpy";

/// The version of the table: any micro version of 3.14.
const VERSION: (usize, u64) = (1, 0x030e);

// Indices into the table, which consists of 64-bit words.
const RUNTIME_SIZE: usize = 3;
const INTERPRETERS: usize = 5;
const THREADS: usize = 9;
const NEXT_THREAD: usize = 24;
const INTERPRETER_OF_THREAD: usize = 25;
const BREAKER: usize = 89;

/// The number of entries in the table of signals, including the unused entry 0.
const SIGNALS: u32 = 65;

/// The size of an entry of the table of signals: a flag and a handler.
const ENTRY: u32 = 8;

/// The words between them: no wakeup descriptor, and the flag that warns when its buffer is full.
const WAKEUP: [u32; 2] = [u32::MAX, 1];

/// The addresses of two ranges of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// The word whose bits the evaluation loop checks.
    pub(crate) breaker: u32,
    /// The entry of the last signal, number 64, and the words that follow it.
    pub(crate) signal: u32,
}

impl Alarm {
    /// Finds the words in `memory`.
    ///
    /// # Errors
    ///
    /// Returns an error if CPython's state is missing or does not have the layout of this version.
    pub(crate) fn find(memory: &Snapshot<'_>) -> Result<Alarm> {
        let base = memory
            .find(COOKIE)
            .context("CPython's state is not in the guest's memory")?;
        let offset = |index: usize| {
            let low = memory.word(base.wrapping_add(8 * index as u32))?;
            let high = memory.word(base.wrapping_add(8 * index as u32 + 4))?;
            (high == 0).then_some(low)
        };
        let at = |object: u32, index: usize| memory.word(object.wrapping_add(offset(index)?));
        ensure!(
            offset(VERSION.0).is_some_and(|version| u64::from(version) >> 16 == VERSION.1),
            "CPython is not version 3.14"
        );
        let thread = || {
            let interpreter = at(base, INTERPRETERS)?;
            let thread = at(interpreter, THREADS)?;
            let breaker = thread.wrapping_add(offset(BREAKER)?);
            let own = at(thread, INTERPRETER_OF_THREAD)? == interpreter;
            let only = at(thread, NEXT_THREAD)? == 0;
            // No signal is pending in a snapshot.
            (own && only && memory.word(breaker)? & 0xff == 0).then_some(breaker)
        };
        let breaker = thread().context("CPython's only thread was not found")?;
        let size = offset(RUNTIME_SIZE).context("CPython's state is too large")?;
        let mut tables = (base..base.saturating_add(size))
            .step_by(4)
            .filter(|table| is_table(memory, *table));
        let table = tables
            .next()
            .context("CPython's table of signals was not found")?;
        ensure!(
            tables.next().is_none(),
            "CPython's table of signals occurs twice"
        );
        Ok(Alarm {
            breaker,
            signal: table + ENTRY * (SIGNALS - 1),
        })
    }
}

/// Returns whether CPython's table of signals is at `table`: no signal is pending, all have handlers, and the usual
/// words follow it.
fn is_table(memory: &Snapshot<'_>, table: u32) -> bool {
    let word = |place: u32| memory.word(table.wrapping_add(place));
    let handler = |signal: u32| word(ENTRY * signal + 4);
    let end = ENTRY * SIGNALS;
    let usual = handler(1);
    (0..SIGNALS).all(|signal| {
        word(ENTRY * signal) == Some(0) && handler(signal).is_some_and(|h| (h == 0) == (signal == 0))
    }) && [word(end), word(end + 4)] == WAKEUP.map(Some)
        && word(end + 8) == Some(0)
        && word(end + 12) == usual
        // The handler of the last signal belongs to the guest's library, so it differs.
        && handler(SIGNALS - 1) != usual
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u32 = 1024;
    const SIZE: u32 = 4096;
    const INTERPRETER: u32 = BASE + 1000;
    const THREAD: u32 = BASE + 2000;
    const TABLE: u32 = BASE + 2500;

    /// Returns a memory that contains the words to be found.
    fn memory() -> Vec<u8> {
        let mut bytes = vec![0; SIZE as usize];
        let mut set = |address: u32, word: u32| {
            let place = (address - BASE) as usize;
            bytes[place..place + 4].copy_from_slice(&word.to_le_bytes());
        };
        for (index, word) in [
            (VERSION.0, 0x030e_05f0),
            (RUNTIME_SIZE, SIZE),
            (INTERPRETERS, 800),
            (THREADS, 60),
            (NEXT_THREAD, 4),
            (INTERPRETER_OF_THREAD, 8),
            (BREAKER, 12),
        ] {
            set(BASE + 8 * index as u32, word);
        }
        set(BASE + 800, INTERPRETER);
        set(INTERPRETER + 60, THREAD);
        set(THREAD + 8, INTERPRETER);
        set(THREAD + 12, 0x4500);
        for signal in 1..SIGNALS {
            let handler = if signal == SIGNALS - 1 { 77 } else { 99 };
            set(TABLE + ENTRY * signal + 4, handler);
        }
        let end = TABLE + ENTRY * SIGNALS;
        set(end, WAKEUP[0]);
        set(end + 4, WAKEUP[1]);
        set(end + 12, 99);
        bytes[..COOKIE.len()].copy_from_slice(COOKIE);
        bytes
    }

    fn find(bytes: &[u8]) -> Result<Alarm> {
        let (first, second) = bytes.split_at(2048);
        Alarm::find(&Snapshot::new(vec![(BASE + 2048, second), (BASE, first)]))
    }

    #[test]
    fn find_returns_the_addresses_of_both_ranges() {
        let found = Alarm {
            breaker: THREAD + 12,
            signal: TABLE + 64 * ENTRY,
        };
        assert_eq!(find(&memory()).unwrap(), found);
    }

    #[test]
    fn a_changed_word_is_an_error() {
        let changes = [
            (BASE, "CPython's state"),
            (BASE + 10, "not version 3.14"),
            (BASE + 800, "only thread"),
            (THREAD + 4, "only thread"),
            (THREAD + 8, "only thread"),
            (THREAD + 12, "only thread"),
            (TABLE, "table of signals"),
            (TABLE + 5 * ENTRY, "table of signals"),
            (TABLE + 65 * ENTRY, "table of signals"),
            (TABLE + 65 * ENTRY + 12, "table of signals"),
        ];
        for (address, error) in changes {
            let mut bytes = memory();
            bytes[(address - BASE) as usize] ^= 2;
            let text = find(&bytes).unwrap_err().to_string();
            assert!(text.contains(error), "{address}: {text}");
        }
    }
}
