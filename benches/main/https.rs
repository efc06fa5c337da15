//! The costs of HTTPS beside native Python, measured with `https.py` in both.

#[path = "../../tests/it/tls/authorities.rs"]
#[expect(
    clippy::unwrap_used,
    reason = "shared with tests, which fail by panicking"
)]
mod authorities;
#[path = "../../tests/it/tls/servers.rs"]
#[expect(
    clippy::unwrap_used,
    reason = "shared with tests, which fail by panicking"
)]
mod servers;

use crate::Result;
use crate::surface::beside;
use archipel::{Policy, Runtime};
use servers::Servers;

/// The figures: names and descriptions.
const ROWS: [(&str, &str); 4] = [
    ("request", "HTTPS request on a new connection | native"),
    ("kept", "the same on an open connection | native"),
    ("bulk", "receiving 1 MiB of a large response | native"),
    (
        "together",
        "one of 100 connections at once in asyncio | native",
    ),
];

/// Prints a row for each figure.
pub fn https(runtime: &Runtime, quick: bool) -> Result<()> {
    let servers = Servers::start();
    let [ports @ .., authority] = &servers.arguments()[..] else {
        return Err("the servers have no authority".into());
    };
    let port = ports.iter().find_map(|item| item.strip_prefix("http="));
    let port = port.ok_or("there is no HTTPS server")?.to_owned();
    let length = if quick { "quick" } else { "full" };
    let arguments = [port, length.to_owned(), authority.clone()];
    let policy = Policy::new().net("localhost:*")?;
    beside(runtime, policy, include_str!("https.py"), &arguments, &ROWS)
}
