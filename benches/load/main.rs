//! The load programme: what holds while there is much of everything, for long, and at the worst moments.
//!
//! `cargo bench --bench load -- --size 100` is the long form, and a size of 1, the default, takes seconds.
//! Names after the options choose among the parts.  It exits with 1 when anything is wrong that is not a
//! matter of timing; `docs/reliability.md` has the figures.

// Its parts lie beside it, and the tests have the same ones.
#[path = "programme.rs"]
mod programme;

use programme::{Report, Size};
use std::process::ExitCode;

fn main() -> ExitCode {
    let (size, only) = match arguments() {
        Ok(read) => read,
        Err(why) => {
            eprintln!("load: {why}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::default();
    programme::run(size, &only, &mut report);
    println!("\n{}", report.conclusion());
    ExitCode::from(u8::from(report.is_wrong()))
}

/// The size, and the parts that are wanted; none for all of them.
fn arguments() -> Result<(Size, Vec<String>), String> {
    let (mut size, mut only) = (Size::SHORT, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // Cargo says so to every bench target.
            "--bench" => {}
            "--size" => {
                let given = arguments.next().unwrap_or_default();
                size = given.parse().map(Size).map_err(|_| {
                    format!(
                        "--size {given:?} is not a number: 1 is the short form, 100 the long one"
                    )
                })?;
            }
            part if programme::PARTS.iter().any(|(name, _)| *name == part) => {
                only.push(argument);
            }
            other => {
                let parts: Vec<_> = programme::PARTS.iter().map(|(name, _)| *name).collect();
                return Err(format!(
                    "{other:?} is no part of the programme; these are: {}",
                    parts.join(", ")
                ));
            }
        }
    }
    Ok((size, only))
}
