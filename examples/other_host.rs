//! The beginnings of another host for the ordinary guest: what runs a script, with the other interfaces to be filled
//! in.  It uses nothing of this crate but `wit/`.
//!
//! `archipel guest export python.wasm && cargo run --example other_host python.wasm 'print(6 * 7)'`
//!
//! `docs/wasmtime.md` says what to add, and in which order.

use archipel::island::process;
use exports::archipel::island::guest::Script;
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, Result, Store, bail};
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

wasmtime::component::bindgen!({
    path: "wit",
    world: "island",
    imports: { default: trappable },
    exports: { default: async },
});

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let (ctx, table) = (&mut self.wasi, &mut self.table);
        WasiCtxView { ctx, table }
    }
}

impl process::Host for State {
    fn exit(&mut self, status: u8) -> Result<()> {
        Err(I32Exit(status.into()).into())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(guest), Some(source)) = (arguments.next(), arguments.next()) else {
        bail!("usage: other_host GUEST SOURCE");
    };
    let engine = Engine::default();
    let component = Component::from_file(&engine, guest)?;
    let mut linker = Linker::<State>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    process::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    // Whatever has no implementation ends the guest when it is called.
    linker.define_unknown_imports_as_traps(&component)?;

    let wasi = WasiCtxBuilder::new().inherit_stdio().build();
    let table = ResourceTable::new();
    let mut store = Store::new(&engine, State { wasi, table });
    let island = Island::instantiate_async(&mut store, &component, &linker).await?;
    let script = Script {
        source: source.into_bytes(),
        name: "<string>".to_owned(),
        directory: None,
        arguments: arguments.collect(),
    };
    let run = island.archipel_island_guest().call_run(&mut store, &script);
    let status = match run.await {
        Ok(status) => i32::from(status),
        Err(error) => error.downcast::<I32Exit>()?.0,
    };
    std::process::exit(status)
}
