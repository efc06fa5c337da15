//! Preparation of runtimes, with its progress on a terminal.

use crate::Failure;
use crate::line::Line;
use crate::options::Options;
use archipel::{
    Error, Image, Interpreter, LimitKind, Limits, Output, Policy, Progress, Runtime, RuntimeBuilder,
};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Creates a runtime with room for one interpreter and its children, and that interpreter. Its output
/// goes to the standard streams.
pub fn interpreter(
    options: &Options,
    policy: Policy,
    limits: Limits,
) -> Result<Interpreter, Failure> {
    let room = options.room(&policy, 1);
    let image = options.image()?;
    let interpreter = runtime(&limits, image, |builder| builder.max_interpreters(room))?
        .interpreter()
        .policy(policy)
        .limits(limits)
        .stdout(Output::host_stdout())
        .stderr(Output::host_stderr())
        .build()?;
    Ok(interpreter)
}

/// Creates a runtime with the settings that `set` makes, and shows the steps of its preparation. It
/// counts fuel if `limits` needs that. The default image is the guest in `ARCHIPEL_GUEST`, or the standard one.
pub fn runtime(
    limits: &Limits,
    image: Option<Image>,
    set: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
) -> Result<Runtime, Failure> {
    let builder = set(shown(limits));
    if let Some(image) = image {
        return Ok(builder.image(image).build()?);
    }
    let Some(path) = given_guest() else {
        return Ok(builder.build()?);
    };
    let runtime = Image::open(path).and_then(|image| builder.image(image).build());
    runtime.map_err(of_given)
}

/// Names the variable in an error about the guest in `ARCHIPEL_GUEST`.
pub fn of_given(error: Error) -> Failure {
    match error {
        Error::Guest(_) => Failure::failed(format!("ARCHIPEL_GUEST: {}", crate::describe(&error))),
        other => other.into(),
    }
}

/// Returns the path in `ARCHIPEL_GUEST`, unless that is unset or empty.
pub fn given_guest() -> Option<PathBuf> {
    let path = std::env::var_os("ARCHIPEL_GUEST")?;
    (!path.is_empty()).then(|| path.into())
}

/// Returns a builder that shows the steps of the preparation.
fn shown(limits: &Limits) -> RuntimeBuilder {
    let terminal = std::io::stderr().is_terminal();
    let mut line = Line::default();
    let counted = Runtime::builder().fuel(limits.get(LimitKind::Fuel).is_some());
    counted.progress(move |progress| match progress {
        Progress::Build(what) if terminal => line.show(what),
        Progress::Compile if terminal => line.show("compiling the guest for this machine"),
        Progress::Damaged(why) => {
            line.clear();
            eprintln!("archipel: the compiled guest in the cache is rebuilt: {why}");
        }
        Progress::NoCache if terminal => {
            line.clear();
            eprintln!("archipel: cannot use the cache folder, so starting takes longer");
        }
        _ => {}
    })
}
