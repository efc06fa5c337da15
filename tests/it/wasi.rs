//! Runs command components exactly as `wasmtime run` does.
//!
//! The setup matches the command line of wasmtime 48 (`src/commands/run.rs` in `wasmtime-cli`): the same linker,
//! the same stack, and the same meaning of `--dir`, `--env`, `-W fuel`, `-W timeout` and
//! `-W max-memory-size`.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, OptLevel, Store, StoreLimits, StoreLimitsBuilder, Trap};
use wasmtime_wasi::p2::bindings::{Command, LinkOptions};
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// The maximum number of bytes captured from a stream.
const CAPTURED: usize = 1 << 20;

/// An epoch that is never reached.
const NEVER: u64 = 1 << 60;

struct Host {
    wasi: WasiCtx,
    table: ResourceTable,
    limits: StoreLimits,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// The command, compiled with support for all flags.
struct Compiled {
    component: Component,
    linker: Linker<Host>,
}

fn compiled() -> &'static Compiled {
    static COMPILED: OnceLock<Compiled> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let file = std::env::temp_dir().join(format!("archipel-command-{}", std::process::id()));
        export(&file);
        let mut config = Config::new();
        config.consume_fuel(true).epoch_interruption(true);
        // Compile quickly: it runs only briefly.
        config.cranelift_opt_level(OptLevel::None);
        let engine = Engine::new(&config).unwrap();
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_with_options_async(&mut linker, &LinkOptions::default())
            .unwrap();
        let component = Component::from_file(&engine, &file).unwrap();
        std::fs::remove_file(file).unwrap();
        Compiled { component, linker }
    })
}

/// Exports the command, unoptimised, since optimising takes longer than all tests.
fn export(file: &Path) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_archipel"))
        .args(["guest", "export", "--command"])
        .arg(file)
        .env("ARCHIPEL_OPTIMISE", "0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// Returns the names of the command's imports and exports.
pub fn interfaces() -> (Vec<String>, Vec<String>) {
    let Compiled { component, linker } = compiled();
    let (ty, engine) = (component.component_type(), linker.engine());
    let imports = ty.imports(engine).map(|(name, _)| name.to_owned());
    (
        imports.collect(),
        ty.exports(engine)
            .map(|(name, _)| name.to_owned())
            .collect(),
    )
}

/// The flags of `wasmtime run`, and its standard input.
#[derive(Clone, Copy)]
pub struct Flags<'a> {
    pub dir: Option<(&'a Path, &'a str)>,
    pub env: &'a [(&'a str, &'a str)],
    pub stdin: &'a str,
    pub fuel: Option<u64>,
    pub timeout: Option<Duration>,
    pub memory: Option<usize>,
}

impl Flags<'_> {
    pub const NONE: Self = Flags {
        dir: None,
        env: &[],
        stdin: "",
        fuel: None,
        timeout: None,
        memory: None,
    };
}

/// The result of a run.
pub struct Ended {
    /// `exit N`, or wasmtime's error text of a trap.
    pub outcome: String,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// Runs `wasmtime run FLAGS python.wasm ARGUMENTS`.
pub fn run(flags: Flags<'_>, arguments: &[&str]) -> Ended {
    let (stdout, stderr) = (
        MemoryOutputPipe::new(CAPTURED),
        MemoryOutputPipe::new(CAPTURED),
    );
    let mut wasi = WasiCtxBuilder::new();
    wasi.arg("python.wasm").args(arguments).envs(flags.env);
    wasi.stdin(MemoryInputPipe::new(flags.stdin.to_owned()));
    wasi.stdout(stdout.clone()).stderr(stderr.clone());
    wasi.allow_blocking_current_thread(flags.timeout.is_none());
    if let Some((host, guest)) = flags.dir {
        wasi.preopened_dir(host, guest, FsPerms::ReadWrite).unwrap();
    }
    let mut limits = StoreLimitsBuilder::new();
    if let Some(bytes) = flags.memory {
        limits = limits.memory_size(bytes);
    }
    let host = Host {
        wasi: wasi.build(),
        table: ResourceTable::new(),
        limits: limits.build(),
    };
    let mut store = Store::new(compiled().linker.engine(), host);
    store.limiter(|host| &mut host.limits);
    store.set_fuel(flags.fuel.unwrap_or(u64::MAX)).unwrap();
    let ended = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(run_to_the_end(&mut store, flags.timeout));
    let outcome = match ended {
        Ok(Ok(())) => "exit 0".to_owned(),
        Ok(Err(())) => "exit 1".to_owned(),
        Err(error) => match (error.downcast_ref(), error.downcast_ref::<Trap>()) {
            (Some(I32Exit(status)), _) => format!("exit {status}"),
            (None, Some(trap)) => trap.to_string(),
            (None, None) => format!("{error:?}"),
        },
    };
    Ended {
        outcome,
        stdout: stdout.contents().to_vec(),
        stderr: String::from_utf8_lossy(&stderr.contents()).into_owned(),
    }
}

async fn run_to_the_end(
    store: &mut Store<Host>,
    timeout: Option<Duration>,
) -> wasmtime::Result<Result<(), ()>> {
    let Compiled { component, linker } = compiled();
    store.set_epoch_deadline(if timeout.is_some() { 1 } else { NEVER });
    if let Some(timeout) = timeout {
        let engine = store.engine().clone();
        std::thread::spawn(move || {
            std::thread::sleep(timeout);
            engine.increment_epoch();
        });
    }
    let run = async {
        let instance = linker.instantiate_async(&mut *store, component).await?;
        let command = Command::new(&mut *store, &instance)?;
        command.wasi_cli_run().call_run(&mut *store).await
    };
    tokio::time::timeout(timeout.unwrap_or(Duration::MAX), run)
        .await
        .unwrap_or_else(|_| Err(Trap::Interrupt.into()))
}
