//! The `doctor` command: which tools and which guest this machine has.

use crate::Failure;
use archipel::Limits;
use archipel_guest::Variant;

/// Prints the report.
pub fn report() -> Result<u8, Failure> {
    println!("tools:");
    for tool in archipel_guest::survey() {
        let (mark, text) = match &tool.found {
            Ok(version) => ("ok     ", version),
            Err(why) => ("missing", why),
        };
        println!("  {mark}  {:<16} {text}; {}", tool.name, tool.purpose);
    }
    println!("guest:");
    match crate::prepare::given_guest() {
        Some(path) => {
            println!("  given by ARCHIPEL_GUEST: {}", path.display());
            println!("  {}", python());
        }
        None => match archipel::default_cache_dir() {
            None => println!("  no cache folder (set ARCHIPEL_CACHE_DIR)"),
            Some(folder) => match archipel_guest::find(Variant::Island, &folder) {
                Some(built) => {
                    println!("  {}\n  {}", built.path.display(), built.optimised);
                    println!("  {}", python());
                }
                None => println!(
                    "  not built yet (the first run, or `archipel guest build`, builds it)"
                ),
            },
        },
    }
    println!(
        "processors:\n  {}",
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    Ok(0)
}

/// Returns the guest's CPython version, or the reason why it is unknown.
fn python() -> String {
    let asked = || -> Result<String, Failure> {
        let runtime = crate::prepare::runtime(&Limits::new(), None, |builder| builder)?;
        Ok(runtime.interpreter().build()?.eval(VERSION)?)
    };
    asked().unwrap_or_else(|Failure { message, .. }| {
        format!("cannot ask the guest for its version: {message}")
    })
}

const VERSION: &str = "__import__('platform').python_implementation() + ' ' + __import__('platform').python_version()";
