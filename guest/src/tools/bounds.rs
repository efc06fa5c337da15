//! Bounds on making a snapshot, in which code of packages and set-up scripts runs.
//!
//! That code runs in a WebAssembly instance that `componentize-py` makes. It has no network and no environment, and of
//! the file system only copies of the guest's modules in temporary folders, which it can write to. So its time, its
//! memory and the size of these folders are bounded here.

use super::check_output;
use anyhow::{Context, Result, bail};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The time between two checks.
const CHECK: Duration = Duration::from_millis(50);

/// The number of checks of the time for each one of the disk.
const DISK_CHECK: u32 = 10;

/// The most output that is kept, in bytes.
const OUTPUT: u64 = 1 << 20;

/// The start of a message for the user in the output of the guest.
const MESSAGE: &str = "ImageError: ";

/// The memory that componentize-py itself takes, in bytes: it compiles the guest.
const COMPILER: u64 = 2 << 30;

/// The bounds on a snapshot.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(crate) time: Duration,
    /// The memory of the guest, in bytes.
    pub(crate) memory: u64,
    /// The folder in which the guest's modules are, and in which temporary folders are created.
    pub(crate) folder: PathBuf,
    /// The largest size of that folder, in bytes.
    pub(crate) disk: u64,
}

/// Ends a child process when it is dropped.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // Both have no effect on a process that has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Bounds {
    /// Runs `command`, which is componentize-py, within the bounds.
    ///
    /// # Errors
    ///
    /// Returns an error, in one line, if the command fails or exceeds a bound.
    pub(super) fn run(&self, mut command: Command) -> Result<()> {
        let temporary = self.folder.join("temporary");
        std::fs::create_dir_all(&temporary)?;
        let most = self.memory.saturating_add(COMPILER);
        command
            .env("TMPDIR", &temporary)
            .env("SNAPSHOT_MEMORY", most.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = Guard(command.spawn().context("cannot start componentize-py")?);
        let stdout = child.0.stdout.take().map(read);
        let stderr = child.0.stderr.take().map(read);
        let status = self.watch(&mut child.0)?;
        drop(child);
        let joined = |reader: Option<thread::JoinHandle<Vec<u8>>>| {
            reader
                .and_then(|reader| reader.join().ok())
                .unwrap_or_default()
        };
        let output = Output {
            status,
            stdout: joined(stdout),
            stderr: joined(stderr),
        };
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        match message(&said) {
            Some(message) => bail!("{message}"),
            None => check_output("componentize-py", &output).context("cannot make the snapshot"),
        }
    }

    /// Waits for the end of `child` within the bounds.
    fn watch(&self, child: &mut Child) -> Result<std::process::ExitStatus> {
        let begun = Instant::now();
        for check in 0_u32.. {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if begun.elapsed() > self.time {
                bail!(
                    "making the snapshot took longer than {} s: an import or the set-up script does not end (raise it \
                     with --timeout)",
                    self.time.as_secs()
                );
            }
            if check % DISK_CHECK == 0 && size(&self.folder) > self.disk {
                bail!(
                    "making the snapshot wrote more than {} MiB of files (remove them from the set-up script)",
                    self.disk >> 20
                );
            }
            thread::sleep(CHECK);
        }
        bail!("componentize-py does not end")
    }
}

/// Reads a pipe to its end, and keeps the start.
fn read(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        // What was read before an error is kept.
        let _ = (&mut pipe).take(OUTPUT).read_to_end(&mut kept);
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        kept
    })
}

/// Returns the size of the files in a folder, in bytes. Files that disappear count as empty.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        // A file also takes space of its own.
        Ok(metadata) => metadata.len().saturating_add(512),
        Err(_) => 0,
    });
    sizes.fold(0, u64::saturating_add)
}

/// Returns the guest's message to the user, without control characters.
fn message(said: &str) -> Option<String> {
    if said.contains("MemoryError") || said.contains("memory allocation of") {
        return Some(
            "making the snapshot ran out of memory (raise it with --max-memory, or import less)"
                .to_owned(),
        );
    }
    let (_, after) = said.rsplit_once(MESSAGE)?;
    let line = after.lines().next().unwrap_or_default();
    let plain = line.chars().filter(|c| !c.is_control());
    Some(plain.take(1000).collect())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn bounded(script: &str, time: Duration, disk: u64) -> Result<()> {
        let folder = tempfolder(script);
        let bounds = Bounds {
            time,
            memory: 1 << 30,
            folder: folder.clone(),
            disk,
        };
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(&folder);
        let outcome = bounds.run(command);
        std::fs::remove_dir_all(&folder).unwrap();
        outcome
    }

    fn tempfolder(script: &str) -> PathBuf {
        let name = format!("archipel-bounds-{}-{}", std::process::id(), script.len());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_program_that_ends_well_is_accepted() {
        bounded("yes | head -c 3000000; exit 0", MINUTE, 1 << 20).unwrap();
    }

    #[test]
    fn a_program_that_exceeds_a_bound_is_ended() {
        let short = Duration::from_millis(200);
        let error = bounded("exec sleep 600", short, 1 << 20).unwrap_err();
        assert!(error.to_string().contains("--timeout"), "{error}");
        let script = "head -c 3000000 /dev/zero > file; exec sleep 600";
        let error = bounded(script, MINUTE, 1 << 20).unwrap_err();
        assert!(error.to_string().contains("more than 1 MiB"), "{error}");
    }

    #[test]
    fn the_message_of_a_guest_is_one_plain_line() {
        let script =
            "printf 'Traceback\\n_island.image.ImageError: cannot \\033import\\nx\\n' >&2; exit 1";
        let error = bounded(script, MINUTE, 1 << 20).unwrap_err().to_string();
        assert_eq!(error, "cannot import");
    }
}
