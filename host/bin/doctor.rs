//! What the machine has of what Archipel needs or can make use of.

use crate::Failure;

/// Prints the report.
pub fn report() -> Result<u8, Failure> {
    println!("tools:");
    for tool in archipel::guest::survey() {
        let (mark, text) = match &tool.found {
            Ok(version) => ("ok     ", version),
            Err(why) => ("missing", why),
        };
        println!("  {mark}  {:<16} {text}; {}", tool.name, tool.purpose);
    }
    println!("guest:");
    match std::env::var_os("ARCHIPEL_GUEST").filter(|path| !path.is_empty()) {
        Some(path) => println!("  given by ARCHIPEL_GUEST: {}", path.display()),
        None => match archipel::default_cache_dir() {
            None => println!("  no cache folder: set ARCHIPEL_CACHE_DIR to one"),
            Some(folder) => {
                match archipel::guest::find(archipel::guest::Variant::Island, &folder) {
                    Some(built) => println!("  {}\n  {}", built.path.display(), built.optimised),
                    None => println!("  not built yet: the first run does that"),
                }
            }
        },
    }
    println!(
        "processors:\n  {}",
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    Ok(0)
}
