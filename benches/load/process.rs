//! The system resources that the process holds.

/// A measurement of the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Held {
    /// Anonymous memory, in bytes.
    pub memory: u64,
    /// Open descriptors.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
}

impl Held {
    /// Measures the process. Without `/proc`, all values are zero.
    pub fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let entries = |folder| std::fs::read_dir(folder).map_or(0, Iterator::count);
        Held {
            memory: number("RssAnon:").unwrap_or(0) << 10,
            descriptors: entries("/proc/self/fd"),
            threads: entries("/proc/self/task"),
        }
    }

    /// Returns the growth of memory since `before`.
    pub fn more_memory(&self, before: &Held) -> u64 {
        self.memory.saturating_sub(before.memory)
    }
}

/// Formats a number of bytes.
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
