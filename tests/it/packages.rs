//! Tests packages from a folder and from a wheel, in the first interpreter and in its children.

use crate::runtime;
use archipel::policy::Access;
use archipel::{Output, Policy};
use std::path::{Path, PathBuf};
use std::process::Command;

const WHEEL: &str = "tiny_wheel-1.5-py3-none-any.whl";

/// Makes the wheel in the guest, compressed like real wheels, so that the host needs no tools.
const MAKE_WHEEL: &str = python!("packages/make_wheel.py");

/// Imports both packages in every kind of interpreter, and prints the results.
const IMPORTS: &str = python!("packages/imports.py");

const IMPORTED: &str = "\
tiny_folder.part tiny_wheel.part
1.5 a b
tiny_folder.part tiny_wheel.part
tiny_folder.part tiny_wheel.part
ModuleNotFoundError
ModuleNotFoundError
FileNotFoundError
FileNotFoundError
";

/// Creates a folder with one package in `installed` and another as a wheel in `wheels`.
fn packages(name: &str) -> PathBuf {
    let base =
        std::env::temp_dir().join(format!("archipel-packages-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&base);
    let (package, wheels) = (base.join("installed/tiny_folder"), base.join("wheels"));
    std::fs::create_dir_all(&package).unwrap();
    std::fs::create_dir_all(&wheels).unwrap();
    std::fs::write(package.join("__init__.py"), "from .part import answer").unwrap();
    std::fs::write(
        package.join("part.py"),
        "def answer():\n    return __name__",
    )
    .unwrap();
    let policy = Policy::new().dir(&wheels, "/wheels", Access::ReadWrite);
    let maker = runtime().interpreter().policy(policy.unwrap()).build();
    let source = format!("file = '/wheels/{WHEEL}'\n{MAKE_WHEEL}");
    maker.unwrap().exec(source).unwrap();
    base
}

fn with_children() -> Policy {
    Policy::new().children(8, 2).unwrap()
}

/// Runs the source under the policy, and returns its output.
fn printed(policy: Policy, source: &str) -> String {
    let output = Output::captured(1 << 16);
    let interpreter = runtime()
        .interpreter()
        .policy(policy)
        .stdout(output.clone())
        .build()
        .unwrap();
    interpreter.exec(source.to_owned()).unwrap();
    output.take().text()
}

#[test]
fn a_policy_provides_packages() {
    let base = packages("host");
    let policy = with_children()
        .dir(base.join("installed"), "/installed", Access::ReadOnly)
        .and_then(|policy| policy.dir(base.join("wheels"), "/wheels", Access::ReadOnly))
        .and_then(|policy| policy.path("/installed"))
        .and_then(|policy| policy.path(format!("/wheels/{WHEEL}")))
        .unwrap();
    assert_eq!(printed(policy, IMPORTS), IMPORTED);

    // The path alone grants nothing, so that a host can grant the files to some interpreters only.
    let policy = Policy::new().path("/installed").unwrap();
    let policy = policy.path(format!("/wheels/{WHEEL}")).unwrap();
    let source = "
for name in ['tiny_folder', 'tiny_wheel']:
    try: __import__(name)
    except ModuleNotFoundError as error: print(error)
";
    assert_eq!(
        printed(policy, source),
        "No module named 'tiny_folder'\nNo module named 'tiny_wheel'\n"
    );
    std::fs::remove_dir_all(&base).unwrap();
}

/// Returns the exit status, standard output and standard error of `archipel run`.
fn run(arguments: &[&str], code: &str) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_archipel"))
        .arg("run")
        .args(arguments)
        .args(["-c", code])
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_path_option_provides_packages() {
    let base = packages("command");
    let (installed, wheels) = (base.join("installed"), base.join("wheels"));
    let wheel = wheels.join(WHEEL);
    let (installed, wheels, wheel) = (text(&installed), text(&wheels), text(&wheel));
    // `--path` grants a folder itself, whereas a wheel needs a grant for its folder.
    let (status, out, err) = run(
        &["--path", installed, "--dir", wheels, "--path", wheel],
        IMPORTS,
    );
    assert_eq!((status, &*out, &*err), (Some(0), IMPORTED, ""));
    let granted = format!("{wheels}::/elsewhere");
    let (status, out, err) = run(
        &["--dir", &granted, "--path", wheel],
        "import tiny_wheel; print(tiny_wheel.__file__)",
    );
    let expected = format!("/elsewhere/{WHEEL}/tiny_wheel/__init__.py\n");
    assert_eq!((status, &*out, &*err), (Some(0), &*expected, ""));
    std::fs::remove_dir_all(&base).unwrap();
}

#[test]
fn a_path_without_a_grant_is_wrong_usage() {
    let base = packages("usage");
    let (installed, wheel) = (base.join("installed"), base.join("wheels").join(WHEEL));
    let missing = base.join("missing");
    let rows = [
        (&wheel, "not in a granted directory (grant its folder"),
        (&missing, "no such file or folder"),
    ];
    // The granted folder next to the wheel does not grant the wheel.
    for (path, why) in rows {
        let arguments = ["--path", text(&installed), "--path", text(path)];
        let (status, out, err) = run(&arguments, "print('ran')");
        let expected = format!("archipel: --path {}: {why}", path.display());
        assert_eq!((status, &*out), (Some(2), ""), "{err}");
        assert!(err.starts_with(&expected), "{err}");
    }
    std::fs::remove_dir_all(&base).unwrap();
}
