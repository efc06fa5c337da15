//! The start of another host for the standard guest: it runs a script, and leaves the other interfaces to be
//! implemented.  It uses nothing of this crate but `wit/`.
//!
//! `archipel guest export python.wasm && cargo run --example other_host python.wasm 'print(6 * 7)'`
//!
//! `docs/wasmtime.md` lists what to add, and in which order.

use self::archipel::island::process;
use exports::archipel::island::guest::Script;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable, ResourceType};
use wasmtime::error::Context;
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
    fn take_interruption(&mut self) -> Result<Option<process::Interruption>> {
        Ok(None)
    }

    fn exit(&mut self, status: u8) -> Result<()> {
        Err(I32Exit(status.into()).into())
    }
}

/// Makes every import without an implementation end the guest that calls it.
fn refuse_the_rest(linker: &mut Linker<State>, component: &Component) -> Result<()> {
    let engine = linker.engine().clone();
    let ours = |name: &str| name.starts_with("archipel:") && !name.contains("/process@");
    for (name, item) in component.component_type().imports(&engine) {
        let ComponentItem::ComponentInstance(interface) = item.ty else {
            continue;
        };
        if !ours(name) {
            continue;
        }
        let mut instance = linker.instance(name)?;
        for (name, item) in interface.exports(&engine) {
            let missing = format!("this host has no {name}");
            match item.ty {
                ComponentItem::ComponentFunc(_) => {
                    instance.func_new(name, move |_, _, _, _| bail!("{missing}"))?;
                }
                // The descriptors that locks are for are those of WASI.
                ComponentItem::Resource(_) if name == "descriptor" => {}
                ComponentItem::Resource(_) => {
                    instance.resource(name, ResourceType::host::<()>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
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
    refuse_the_rest(&mut linker, &component)?;

    let wasi = WasiCtxBuilder::new().inherit_stdio().build();
    let table = ResourceTable::new();
    let mut store = Store::new(&engine, State { wasi, table });
    let instance = linker.instantiate_async(&mut store, &component).await?;
    let script = Script {
        source: source.into_bytes(),
        name: "<string>".to_owned(),
        directory: None,
        arguments: arguments.collect(),
    };
    // With all imports implemented, this is `Island::instantiate_async` and `call_run`.
    let exported = |store: &mut Store<_>, of: Option<&_>, name| {
        let found = instance.get_export_index(store, of, name);
        found.with_context(|| format!("this guest has no {name}"))
    };
    let interface = exported(&mut store, None, "archipel:island/guest@0.1.0")?;
    let run = exported(&mut store, Some(&interface), "run")?;
    let run = instance.get_typed_func::<(&Script,), (u8,)>(&mut store, run)?;
    let status = match run.call_async(&mut store, (&script,)).await {
        Ok((status,)) => i32::from(status),
        Err(error) => error.downcast::<I32Exit>()?.0,
    };
    std::process::exit(status)
}
