//! The progress line on a terminal.

use std::io::Write;

/// A line on the terminal that the next one replaces. It is erased in the end.
#[derive(Default)]
pub struct Line {
    shown: bool,
}

impl Line {
    pub fn show(&mut self, text: &str) {
        eprint!("\r\x1b[Karchipel: {text} ...");
        let _ = std::io::stderr().flush();
        self.shown = true;
    }

    /// Erases the line.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            eprint!("\r\x1b[K");
            let _ = std::io::stderr().flush();
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.clear();
    }
}
