//! Tests the plugin host example with good and bad plugins.

#[path = "../../examples/plugin_host/main.rs"]
#[expect(dead_code, reason = "its `main` reads standard input")]
mod example;

use crate::{root, runtime};
use archipel::LimitKind;
use example::host::{Event, Host, Outcome};
use example::services::Services;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A temporary copy of the plugins.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("archipel-plugins-{}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        for entry in std::fs::read_dir(root().join("examples/plugins")).unwrap() {
            let from = entry.unwrap().path();
            let to = folder.0.join(from.file_name().unwrap());
            std::fs::create_dir_all(&to).unwrap();
            for file in ["plugin.py", "policy.toml"] {
                std::fs::copy(from.join(file), to.join(file)).unwrap();
            }
        }
        folder
    }

    fn write(&self, file: impl AsRef<Path>, text: &str) {
        std::fs::write(self.0.join(file), text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Sends an event, and returns the outcomes by plugin.
fn send(host: &mut Host, kind: &str) -> BTreeMap<String, Outcome> {
    let reports = host.send(&Event::new(kind, "Ada"));
    let outcomes = reports.into_iter();
    outcomes
        .map(|report| (report.plugin, report.outcome))
        .collect()
}

fn answer(text: &str) -> Outcome {
    Outcome::Answered(text.to_owned())
}

#[test]
fn a_host_survives_its_plugins() {
    let folder = Folder::new();
    let log = Arc::new(Mutex::new(Vec::new()));
    let written = log.clone();
    let services = Services::new([("greeting", "Hello")], move |line| {
        written.lock().unwrap().push(line.to_owned());
    });
    let mut host = Host::new(runtime().clone(), services, &folder.0);
    assert_eq!(host.refresh().unwrap().len(), 6);
    assert!(
        host.refresh().unwrap().is_empty(),
        "unchanged plugins were reloaded"
    );

    let outcomes = send(&mut host, "greet");
    assert_eq!(outcomes["greeter"], answer("Hello, Ada!"));
    assert_eq!(outcomes["tally"], answer("greet: 1"));
    for quiet in ["looper", "hog", "flood", "crash"] {
        assert_eq!(outcomes[quiet], Outcome::Ignored, "{quiet}");
    }
    assert_eq!(*log.lock().unwrap(), ["greeter: greeting Ada"]);

    for round in 1..=3 {
        let outcomes = send(&mut host, "attack");
        let stopped_by = |plugin: &str| match &outcomes[plugin] {
            Outcome::Stopped(kind, _) => *kind,
            other => panic!("{plugin}: {other:?}"),
        };
        assert_eq!(stopped_by("looper"), LimitKind::Cpu);
        assert_eq!(stopped_by("flood"), LimitKind::Output);
        assert_eq!(outcomes["hog"], Outcome::Raised("MemoryError".to_owned()));
        assert!(
            matches!(outcomes["crash"], Outcome::Died(_)),
            "{outcomes:?}"
        );
        assert_eq!(outcomes["greeter"], Outcome::Ignored);
        assert_eq!(outcomes["tally"], answer(&format!("attack: {round}")));
    }
    let outcomes = send(&mut host, "greet");
    assert_eq!(outcomes["tally"], answer("greet: 2"));
    for bad in ["looper", "hog", "flood", "crash"] {
        assert_eq!(outcomes[bad], Outcome::Suspended, "{bad}");
    }

    // Changed plugins are reloaded, errors are reported, and deleted plugins are removed.
    folder.write("looper/plugin.py", "def handle(event): return 'better now'");
    folder.write("flood/policy.toml", "[limits]\noutptu = 3");
    folder.write("crash/policy.toml", "aliases = ['launch']");
    folder.write("greeter/plugin.py", "def handle(event): return 3");
    folder.write("hog/plugin.py", "log('who am I?')");
    std::fs::remove_dir_all(folder.0.join("tally")).unwrap();
    let changes = host.refresh().unwrap();
    assert_eq!(changes.len(), 6, "{changes:?}");
    assert_eq!(changes[0], "tally was removed");
    let outcomes = send(&mut host, "greet");
    assert_eq!(outcomes["looper"], answer("better now"));
    let wrong = |plugin: &str, text: &str| {
        let (Outcome::Refused(why) | Outcome::Raised(why)) = &outcomes[plugin] else {
            panic!("{plugin}: {outcomes:?}");
        };
        assert!(why.contains(text), "{plugin}: {why}");
    };
    wrong("flood", "line 2");
    wrong("crash", "launch");
    wrong("greeter", "expected a string, found the int 3");
    wrong("hog", "NameError");
    assert_eq!(outcomes.len(), 5);
    assert!(host.summary().starts_with("5 plugins"));
}
