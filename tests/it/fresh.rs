//! Tests what differs between interpreters although they start from one snapshot.

use crate::runtime;
use archipel::{Policy, Value};

/// E-9: It searches the snapshot for entropy that all interpreters would share.
///
/// Outcome: OK.
#[test]
fn each_interpreter_has_its_own_entropy() {
    let sources = [
        "import random; x = random.random()",
        "import random; x = random.getrandbits(64)",
        "import random; x = random.Random().random()",
        "import uuid; x = str(uuid.uuid4())",
        "import uuid; x = str(uuid.uuid1())",
        "import secrets; x = secrets.token_hex()",
        "import os; x = os.urandom(16)",
        "import tempfile; x = next(tempfile._get_candidate_names())",
    ];
    for source in sources {
        let values: Vec<_> = (0..3)
            .map(|_| {
                let interpreter = runtime().interpreter().build().unwrap();
                interpreter.exec(source).unwrap();
                interpreter.eval::<Value>("x").unwrap()
            })
            .collect();
        assert!(
            values[0] != values[1] && values[1] != values[2] && values[0] != values[2],
            "{source}: {values:?}"
        );
    }
}

#[test]
fn clocks_show_the_present() {
    let interpreter = runtime().interpreter().build().unwrap();
    interpreter.exec("import time").unwrap();
    let now = || {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs_f64()
    };
    let before = now();
    let seen = interpreter
        .eval::<Value>("time.time()")
        .unwrap()
        .as_f64()
        .unwrap();
    assert!((before - 1.0..=now() + 1.0).contains(&seen), "{seen}");
    let times = "[time.monotonic(), time.perf_counter(), time.process_time()]";
    let later = format!("[a <= b for a, b in zip({times}, {times})]");
    assert_eq!(
        interpreter.eval::<Value>(later).unwrap().to_string(),
        "[True, True, True]"
    );
}

#[test]
fn the_environment_contains_only_granted_variables() {
    let policy = Policy::new().env("ISLAND", "h\u{e9}").unwrap();
    let granted = runtime().interpreter().policy(policy).build().unwrap();
    let nothing = runtime().interpreter().build().unwrap();
    for (interpreter, expected) in [(granted, "{'ISLAND': 'hé'}"), (nothing, "{}")] {
        interpreter.exec("import os, sys").unwrap();
        let environment = interpreter.eval::<Value>("dict(os.environ)").unwrap();
        assert_eq!(environment.to_string(), expected);
        assert_eq!(
            interpreter.eval::<Value>("sys.argv").unwrap().to_string(),
            "['']"
        );
    }
}

/// E-9: It searches the snapshot for the environment, random state and paths of the build.
///
/// Outcome: OK.
#[test]
fn the_snapshot_contains_no_paths_of_the_build() {
    let interpreter = runtime().interpreter().build().unwrap();
    interpreter.exec("import os, sys, json").unwrap();
    let paths = interpreter
        .eval::<Value>(
            "[m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', None)]",
        )
        .unwrap();
    for path in paths.as_list().unwrap() {
        let path = path.as_str().unwrap();
        let known = ["/python/", "/world/", "/bundled/", "/0/"];
        assert!(known.iter().any(|root| path.starts_with(root)), "{path}");
    }
}
