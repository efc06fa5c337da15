//! Properties of random policies.

use super::*;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

const DIRS: [&str; 4] = ["a", "a/b", "a/b/c", "d"];
const NET: [&str; 8] = [
    "10.0.0.0/8:*",
    "10.0.0.0/8:80",
    "10.1.0.0/16:80",
    "10.1.2.3:80",
    "10.1.2.3:*",
    "[::1]:80",
    "example.org:80",
    "example.org:*",
];
const ENV: [(&str, &str); 3] = [("A", "1"), ("A", "2"), ("B", "1")];
const MODULES: [&str; 5] = ["os", "os.path", "json", "json.decoder", "socket"];

/// Returns a folder with the directories to grant, which exists until the process ends.
fn base() -> &'static Path {
    static BASE: OnceLock<PathBuf> = OnceLock::new();
    BASE.get_or_init(|| {
        let base = std::env::temp_dir().join(format!("archipel-model-{}", std::process::id()));
        for dir in DIRS {
            std::fs::create_dir_all(base.join(dir)).unwrap();
        }
        base.canonicalize().unwrap()
    })
}

fn clock() -> impl Strategy<Value = Clock> {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(5);
    select(vec![
        Clock::Real,
        Clock::Offset(1),
        Clock::Offset(2),
        Clock::Frozen(time),
    ])
}

fn modules() -> impl Strategy<Value = Modules> {
    let some = || subsequence(MODULES.to_vec(), 0..=3);
    (some(), proptest::option::of(some())).prop_map(|(hide, only)| {
        let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        Modules {
            hide: names(hide),
            only: only.map(names),
        }
    })
}

fn policy() -> impl Strategy<Value = Policy> {
    let dir = (
        select(DIRS.to_vec()),
        any::<bool>(),
        proptest::option::of(0_u64..3),
    );
    let rest = (
        any::<bool>(),
        select(vec![
            Random::Real,
            Random::Seeded(1),
            Random::Seeded(u64::MAX),
        ]),
        (0_u32..4, 0_u32..4),
        subsequence(vec!["log", "kv.get"], 0..=2),
        subsequence(vec!["plain", "science"], 0..=2),
    );
    (
        proptest::collection::vec(dir, 0..3),
        subsequence(NET.to_vec(), 0..=4),
        subsequence(ENV.to_vec(), 0..=2),
        (clock(), modules()),
        rest,
    )
        .prop_map(
            |(dirs, net, env, (clock, modules), (stdin, random, children, aliases, images))| {
                let mut policy = Policy::new().clock(clock).unwrap().random(random);
                policy = policy.children(children.0, children.1).unwrap();
                policy.modules = modules;
                policy.stdin = stdin;
                for (place, (dir, write, quota)) in dirs.into_iter().enumerate() {
                    let access = if write {
                        Access::ReadWrite
                    } else {
                        Access::ReadOnly
                    };
                    let quota = quota.filter(|_| write);
                    let (host, guest) = (base().join(dir), format!("/{place}"));
                    // Grants that conflict with earlier ones are omitted.
                    policy = policy
                        .clone()
                        .grant_dir(&host, guest, access, quota)
                        .unwrap_or(policy);
                }
                for destination in net {
                    policy = policy.net(destination).unwrap();
                }
                for (name, value) in env {
                    policy = policy.env(name, value).unwrap();
                }
                for image in images {
                    policy = policy.image(image).unwrap();
                }
                for alias in aliases {
                    policy = policy.wants_alias(alias).unwrap();
                }
                policy
            },
        )
}

/// Asks a policy many questions. Each positive answer is a grant.
fn answers(policy: &Policy) -> Vec<(String, bool)> {
    let mut answers = Vec::new();
    for dir in DIRS {
        let path = base().join(dir).join("file");
        let has = |grant: &&DirGrant| path.starts_with(&grant.host);
        let writable = |grant: &&DirGrant| has(grant) && grant.access == Access::ReadWrite;
        answers.push((
            format!("read {dir}"),
            policy.dirs.iter().any(|grant| has(&grant)),
        ));
        for bytes in 0..4 {
            let mut dirs = policy.dirs.iter().filter(writable);
            let can = dirs.any(|grant| grant.quota().is_none_or(|quota| bytes <= quota));
            answers.push((format!("write {bytes} to {dir}"), can));
        }
    }
    for address in [
        "10.1.2.3:80",
        "10.1.2.3:81",
        "10.9.9.9:80",
        "11.0.0.1:80",
        "[::1]:80",
    ] {
        let parsed: SocketAddr = address.parse().unwrap();
        let can = policy.net.iter().any(|net| net.has_address(parsed));
        answers.push((format!("connect {address}"), can));
    }
    for port in [80, 81] {
        let mut named = policy.net.iter().filter(|net| net.has_name("example.org"));
        answers.push((format!("name {port}"), named.any(|net| net.has_port(port))));
    }
    for (name, value) in ENV {
        let has = policy.env.get(name).is_some_and(|own| own == value);
        answers.push((format!("{name}={value}"), has));
    }
    for module in [
        "os",
        "os.path",
        "os.path.x",
        "json",
        "json.decoder",
        "socket",
        "sys",
    ] {
        answers.push((format!("import {module}"), policy.sees_module(module)));
    }
    for number in 1..4 {
        let count = policy
            .children
            .is_some_and(|children| children.count >= number);
        let depth = policy
            .children
            .is_some_and(|children| children.depth >= number);
        answers.push((format!("{number} children"), count));
        answers.push((format!("{number} generations"), depth));
    }
    answers.push(("stdin".to_owned(), policy.stdin));
    answers.push(("real time".to_owned(), policy.clock == Clock::Real));
    answers.push(("real random".to_owned(), policy.random == Random::Real));
    for image in ["plain", "science"] {
        let granted = policy.images.contains(image);
        answers.push((format!("the image {image}"), granted));
    }
    for alias in ["log", "kv.get"] {
        answers.push((alias.to_owned(), policy.aliases.contains(alias)));
    }
    answers
}

fn check_granted(child: &Policy, parent: &Policy) {
    for ((question, child), (_, parent)) in answers(child).into_iter().zip(answers(parent)) {
        assert!(!child || parent, "{question}");
    }
}

/// A policy with some grants of another, or of a third.
fn mixed() -> impl Strategy<Value = (Policy, Policy)> {
    (
        policy(),
        policy(),
        proptest::collection::vec(any::<bool>(), 8),
    )
        .prop_map(|(parent, other, own)| {
            let mut child = parent.clone();
            if own[0] {
                child.dirs = other.dirs;
            }
            if own[1] {
                child.net = other.net;
            }
            if own[2] {
                child.env = other.env;
            }
            if own[3] {
                child.clock = other.clock;
            }
            if own[4] {
                child.random = other.random;
            }
            if own[5] {
                child.children = other.children;
            }
            if own[6] {
                child.modules = other.modules;
            }
            if own[7] {
                child.stdin = other.stdin;
                child.images = other.images;
            }
            (child, parent)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_policy_includes_itself_and_its_child_policies(policy in policy()) {
        prop_assert_eq!(policy.within(&policy), Ok(()));
        for trusted in [false, true] {
            prop_assert_eq!(policy.of_child(trusted).within(&policy), Ok(()));
        }
        prop_assert!(policy.diff(&policy).is_empty());
    }

    #[test]
    fn grants_of_an_included_policy_are_grants_of_the_parent((child, parent) in mixed()) {
        if child.within(&parent).is_ok() {
            check_granted(&child, &parent);
        }
    }

    #[test]
    fn within_is_transitive((child, parent) in mixed(), other in policy(), flip in any::<bool>()) {
        let (a, b, c) = if flip { (child, parent, other) } else { (other, child, parent) };
        if a.within(&b).is_ok() && b.within(&c).is_ok() {
            prop_assert_eq!(a.within(&c), Ok(()));
        }
    }

    #[test]
    fn written_profiles_are_read_back(policy in policy()) {
        let profile = Profile { policy, ..Profile::default() };
        let text = profile.to_toml().unwrap();
        let read = Profile::from_toml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        prop_assert_eq!(&read, &profile, "{}", text);
        prop_assert!(profile.policy.diff(&read.policy).is_empty());
    }

    #[test]
    fn any_file_is_read_or_refused_in_one_line(text in ".{0,200}", key in "[a-z_.\"\\[\\]]{1,12}", value in ".{0,40}") {
        for text in [text.clone(), format!("{key} = {value}"), format!("[{key}]\n{value}")] {
            if let Err(error) = Profile::from_toml(&text) {
                prop_assert!(!error.to_string().contains('\n'), "{}", error);
            }
        }
        let keys = [
            "args", "path", "stdin", "net", "aliases", "pass_env", "clock", "random", "children",
            "images", "env", "dirs", "modules", "limits", "limits.cpu", "dirs.\"/x\"", "clock.frozen",
        ];
        let quoted = format!("{value:?}");
        for key in keys {
            for value in [value.as_str(), &quoted, &format!("[{quoted}]"), "-1", "1e999", "nan"] {
                let text = format!("\n{key} = {value}");
                if let Err(error) = Profile::from_toml(&text) {
                    let error = error.to_string();
                    prop_assert!(error.starts_with("policy, line "), "{}", error);
                    prop_assert!(!error.contains(['\n', '\0']), "{}", error);
                }
            }
        }
        let _ = text.parse::<Destination>();
    }
}

#[test]
fn file_errors_name_the_line_and_the_key() {
    let rows = [
        (
            "\n\nnett = []",
            "line 3: `nett`: unknown field `nett`, expected one of",
        ),
        ("net = 3", "line 1: `net`: invalid type: integer `3`"),
        (
            "net = [\n  \"a.b\",\n]",
            "`net`: cannot grant connections to \"a.b\": it has no port",
        ),
        (
            "[limits]\nmemory = \"64MB!\"",
            "line 2: `limits.memory`: \"64MB!\"",
        ),
        (
            "[limits]\nmemory = 0",
            "line 2: `limits.memory`: invalid memory limit",
        ),
        ("[limits]\ncpu = \"-1s\"", "line 2: `limits.cpu`"),
        (
            "[limits]\ncpu = nan",
            "line 2: `limits.cpu`: NaN: out of range",
        ),
        ("[limits]\nfuel = -1", "line 2: `limits.fuel`"),
        (
            "[limits]\nwat = 1",
            "line 2: `limits.wat`: unknown field `wat`",
        ),
        (
            "[dirs]\n\"/x\" = { host = \"/proc\" }",
            "line 2: `dirs./x`: cannot grant the directory",
        ),
        (
            "[dirs]\n\"/x\" = { host = \"/no/such\" }",
            "it does not exist",
        ),
        (
            "[dirs]\n\"/x\" = { host = \"/tmp\", access = \"wr\" }",
            "line 2: `dirs./x.access`: unknown variant",
        ),
        ("[env]\n\"A=B\" = \"x\"", "line 2: `env.A=B`: cannot set"),
        ("random = { seeded = -1 }", "line 1: `random.seeded`"),
        (
            "clock = { frozen = \"now\" }",
            "line 1: `clock.frozen`: invalid value",
        ),
        (
            "clock = { offset = 999999999999999 }",
            "line 1: `clock`: a clock cannot be set",
        ),
        (
            "children = { count = 2000000 , depth = 1 }",
            "at most a million",
        ),
        (
            "aliases = [\"class\"]",
            "line 1: `aliases`: \"class\" is not a valid name for an alias",
        ),
        (
            "modules = { hide = [\"a b\"] }",
            "line 1: `modules`: \"a b\" is not a valid name for a module",
        ),
        ("stdin = true\nstdin = true", "line 2"),
        ("= 1", "line 1"),
    ];
    for (text, expected) in rows {
        let error = Profile::from_toml(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
        assert!(error.starts_with("policy, line "), "{error}");
    }
}

#[test]
fn a_request_is_granted_within_the_parents_policy_only() {
    let parent = Policy::new()
        .dir_with_quota(base().join("a"), "/a", 100)
        .and_then(|policy| policy.dir(base().join("d"), "/d", Access::ReadOnly))
        .and_then(|policy| policy.env("A", "1")?.net("10.0.0.0/8:80")?.children(4, 2))
        .and_then(|policy| policy.clock(Clock::Offset(5))?.hide_module("socket"))
        .unwrap();
    let ask = |text: &str| {
        let request: Request = serde_json::from_str(text).unwrap();
        parent.narrowed(&request).map_err(|error| match error {
            crate::Error::Denied(denial) => denial.text,
            other => panic!("{other:?}"),
        })
    };
    let granted = [
        (r#"{}"#, "clock +5 seconds\nno module socket"),
        (r#"{"dirs": {"/d": "ro"}}"#, "as \"/d\", read-only"),
        (
            r#"{"dirs": {"/x": {"from": "/a/b", "access": "rw"}}}"#,
            "as \"/x\", read-write, at most 100",
        ),
        (
            r#"{"dirs": {"/a": {"access": "rw", "quota": 10}}}"#,
            "at most 10 written",
        ),
        (r#"{"env": {"A": null}}"#, "environment \"A\" = \"1\""),
        (
            r#"{"net": ["10.1.0.0/16:80"]}"#,
            "connect to 10.1.0.0/16:80",
        ),
        (
            r#"{"clock": {"frozen": 5}, "random": {"seeded": 1}}"#,
            "random seeded with 1",
        ),
        (r#"{"children": 4}"#, "children 4, generations 1"),
        (
            r#"{"modules": {"hide": ["json"]}}"#,
            "no module json\nno module socket",
        ),
        (r#"{"args": ["x"], "path": ["/d"]}"#, "arguments [\"x\"]"),
    ];
    for (text, shown) in granted {
        let policy = ask(text).unwrap();
        assert!(policy.to_string().contains(shown), "{text}: {policy}");
        assert_eq!(policy.within(&parent), Ok(()));
    }
    let denied = [
        (
            r#"{"dirs": {"/e": "ro"}}"#,
            "\"/e\" is not granted to the parent",
        ),
        (r#"{"dirs": {"/dd": "ro"}}"#, "is not granted"),
        (r#"{"dirs": {"/d": "rw"}}"#, "read-only for the parent"),
        (r#"{"dirs": {"/a/../d": "ro"}}"#, "must be absolute"),
        (r#"{"dirs": {"/a/none": "ro"}}"#, "it does not exist"),
        (
            r#"{"dirs": {"/a": {"access": "rw", "quota": 101}}}"#,
            "exceeds the parent's",
        ),
        (
            r#"{"dirs": {"/x": {"from": "/a", "access": "rw"}, "/y": {"from": "/a/b"}}}"#,
            "overlaps with /x",
        ),
        (r#"{"env": {"A": "2"}}"#, "\"A\" with that value"),
        (r#"{"env": {"B": null}}"#, "not set in the parent"),
        (r#"{"net": ["10.0.0.0/7:80"]}"#, "10.0.0.0/7:80 exceeds"),
        (r#"{"net": ["example.org:80"]}"#, "example.org:80 exceeds"),
        (r#"{"clock": "real"}"#, "clock setting `real` exceeds"),
        (r#"{"children": {"count": 4, "depth": 2}}"#, "2 generations"),
        (r#"{"children": 5}"#, "5 children"),
        (r#"{"stdin": true}"#, "standard input exceeds"),
        (r#"{"images": ["science"]}"#, "the image science exceeds"),
        (r#"{"images": ["../x"]}"#, "not a valid name of an image"),
    ];
    let host = base().to_str().unwrap();
    for (text, why) in denied {
        let error = ask(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
        assert!(!error.contains(host), "{error}");
    }
}

#[test]
fn links_do_not_lead_out_of_a_granted_directory() {
    let inside = base().join("a");
    let links = [("out", "../d"), ("up", ".."), ("loop", "loop"), ("in", "b")];
    for (link, target) in links {
        let _ = std::fs::remove_file(inside.join(link));
        std::os::unix::fs::symlink(target, inside.join(link)).unwrap();
    }
    let parent = Policy::new().dir(&inside, "/a", Access::ReadWrite).unwrap();
    let ask = |from: &str| {
        let mut request = Request::default();
        request.dirs.insert(from.to_owned(), DirRequest::default());
        parent.of_child(true).narrowed(&request)
    };
    for link in ["/a/out", "/a/up", "/a/loop", "/a/up/d"] {
        assert!(ask(link).is_err(), "{link}");
    }
    let policy = ask("/a/in").unwrap();
    assert_eq!(policy.dirs[0].host, inside.join("b"));
    for (link, _) in links {
        std::fs::remove_file(inside.join(link)).unwrap();
    }
}

#[test]
fn a_childs_quota_counts_for_the_parent_too() {
    let parent = Policy::new()
        .dir_with_quota(base().join("d"), "/d", 10)
        .unwrap();
    let mut request = Request::default();
    let rw = DirRequest {
        access: Access::ReadWrite,
        quota: Some(8),
        ..DirRequest::default()
    };
    request.dirs.insert("/d".to_owned(), rw);
    let child = parent.narrowed(&request).unwrap();
    let quota = |policy: &Policy| -> Arc<Quota> { policy.dirs[0].quota.clone().unwrap() };
    assert_eq!(quota(&child).write(8), Ok(()));
    assert_eq!(quota(&parent).write(3), Err(QuotaExceeded));
    let fresh = parent.clone().with_new_quotas();
    assert_eq!(quota(&fresh).write(10), Ok(()));
}
