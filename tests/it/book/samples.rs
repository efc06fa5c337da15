//! The Rust samples of the book that are in no example, as programs.

use archipel::policy::Access;
use archipel::{
    AliasError, Error, ErrorKind, Image, ImageBuilder, Interpreter, Limits, Policy, Runtime, Value,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The sample of the README and of "Getting started".
pub fn first_host() -> Result {
    let runtime = archipel::Runtime::new()?;
    let interpreter = runtime.interpreter().build()?;
    interpreter.exec("x = 6 * 7")?;
    assert_eq!(interpreter.eval::<i64>("x")?, 42);
    Ok(())
}

pub fn first_call() -> Result {
    let runtime = archipel::Runtime::new()?;
    let interpreter = runtime.interpreter().build()?;
    interpreter.exec("def area(width, height): return width * height")?;
    let area: f64 = interpreter.call("area", (2, 3.5))?;
    assert_eq!(area, 7.0);
    Ok(())
}

pub fn settings_of_a_runtime() -> Result<Runtime> {
    let runtime = Runtime::builder()
        .workers(4)
        .max_interpreters(200)
        .prewarmed(16)
        .progress(|progress| eprintln!("{progress:?}"))
        .build()?;
    Ok(runtime)
}

/// The samples of "Deployment", which fail where they run, because the files are not a guest.
pub fn given_guests() -> [Result<Runtime>; 2] {
    const PYTHON: &[u8] = b"not a guest";
    let opened = || {
        let image = Image::open("python.wasm")?;
        let runtime = Runtime::builder().image(image).build()?;
        Ok(runtime)
    };
    let included = || {
        let image = Image::from_bytes(PYTHON)?;
        let runtime = Runtime::builder().image(image).build()?;
        Ok(runtime)
    };
    [opened(), included()]
}

/// The first sample of "Images", in Rust.
pub fn two_images(runtime: &Runtime) -> Result<[Interpreter; 2]> {
    let tools = Image::open("tools.wasm")?;
    let plain = runtime.interpreter().build()?;
    let with_tools = runtime.interpreter().image(&tools).build()?;
    Ok([plain, with_tools])
}

/// The second sample of "Images", in Rust.
pub fn built_image() -> Result<Image> {
    let tools = ImageBuilder::new()
        .packages(["attrs==26.1.0", "click"])
        .import("attr")
        .name("tools")
        .build()?;
    Ok(tools)
}

/// The sample of "Untrusted code".
pub fn plugin(runtime: &Runtime, settings: BTreeMap<String, String>) -> Result<Interpreter> {
    let interpreter = runtime
        .interpreter()
        .name("plugin")
        .policy(Policy::new().alias("settings.get", move |call| {
            let (name,): (String,) = call.arguments()?;
            match settings.get(&name) {
                Some(value) => Ok(value.as_str().into()),
                None => Err(AliasError::new("no such setting")),
            }
        })?)
        .limits(
            Limits::new()
                .cpu(Duration::from_secs(1))
                .memory(64 << 20)
                .output(1 << 20),
        )
        .build()?;
    Ok(interpreter)
}

/// The sample of "Packages", with its directories in `folder`.
pub fn packages(folder: &Path) -> Result<Policy> {
    let policy = Policy::new()
        .dir(folder.join("packages"), "/packages", Access::ReadOnly)?
        .dir(folder.join("wheels"), "/wheels", Access::ReadOnly)?
        .path("/packages")?
        .path("/wheels/attrs-26.1.0-py3-none-any.whl")?;
    Ok(policy)
}

async fn shout(runtime: &Runtime, text: &str) -> archipel::Result<Value> {
    let interpreter = runtime.interpreter().build_async().await?;
    interpreter
        .exec_async("def shout(text): return text.upper()")
        .await?;
    interpreter.call_async("shout", (text,)).await
}

pub fn asynchronous(runtime: &Runtime) -> Result {
    assert_eq!(pollster::block_on(shout(runtime, "hello"))?, "HELLO");
    Ok(())
}

pub fn errors(runtime: &Runtime) -> Result {
    let interpreter = runtime.interpreter().build()?;
    let error = interpreter.exec("1 / 0").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Raised);
    assert!(error.is_recoverable());
    if let Error::Raised(raised) = &error {
        assert_eq!(raised.name, "ZeroDivisionError");
        eprintln!("{}", raised.traceback);
    }
    Ok(())
}
