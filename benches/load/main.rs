//! The load programme: checks invariants with large numbers, over long times, and at the worst moments.
//!
//! `cargo bench --bench load -- --size 100` is the long form. A size of 1, the default, takes seconds. Names after
//! the options select parts. The exit status is 1 if any check that does not concern timing fails.
//! `docs/reliability.md` has the figures.

// The integration tests include the same file.
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

/// Returns the size and the selected parts; an empty list selects all.
fn arguments() -> Result<(Size, Vec<String>), String> {
    let (mut size, mut only) = (Size::SHORT, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // Cargo passes this to every bench target.
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
                    "{other:?} is not a part of the programme (the parts are {})",
                    parts.join(", ")
                ));
            }
        }
    }
    Ok((size, only))
}
