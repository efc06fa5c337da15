//! What the process holds of the system's.

/// A look at the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Held {
    /// Bytes of memory that are in no file.
    pub memory: u64,
    /// Open files, sockets and the like.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
}

impl Held {
    /// What is held now.  Where the system has no files that tell it, nothing is.
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

    /// How much more memory there is than there was `before`.
    pub fn more_memory(&self, before: &Held) -> u64 {
        self.memory.saturating_sub(before.memory)
    }
}

/// Bytes for people to read.
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
