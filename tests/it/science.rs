//! Tests numpy, pandas and matplotlib in images: scalars as values, random numbers, a chart, and an example.
//!
//! The wheels must be in the wheelhouse, because building them takes half an hour. Without them, the harness leaves the
//! tests out, and says so. With `ARCHIPEL_SCIENCE=1` they run, and fail without them.

use crate::cli::{self, text};
use crate::{root, runtime};
use archipel::policy::{Clock, Random};
use archipel::{Image, ImageBuilder, Interpreter, Policy, Value};
use archipel_guest::packages;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// The name of the image with pandas and matplotlib.
const SCIENCE: &str = "archipel-science-tests";

/// The recipes whose wheels the images contain.
const RECIPES: [&str; 6] = [
    "numpy",
    "pandas",
    "matplotlib",
    "contourpy",
    "kiwisolver",
    "pillow",
];

/// Returns the recipes whose wheels the wheelhouse lacks.
fn missing() -> Vec<&'static str> {
    let cache = archipel::default_cache_dir().unwrap();
    let is_missing = |name: &&str| {
        let recipe = packages::find(name, None).unwrap();
        packages::built(recipe, &cache).is_none()
    };
    RECIPES.into_iter().filter(is_missing).collect()
}

/// Returns whether the tests are to run.
pub fn runs() -> bool {
    std::env::var("ARCHIPEL_SCIENCE").is_ok_and(|wanted| wanted == "1") || missing().is_empty()
}

/// Builds an image with these packages.
fn build(packages: &[&str], name: &str) -> Image {
    let missing = missing();
    assert!(
        missing.is_empty(),
        "the wheelhouse has no wheels of these (run `archipel package build NAME`): {missing:?}"
    );
    let builder = ImageBuilder::new().packages(packages.iter().copied());
    builder.name(name).build().unwrap()
}

fn image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| build(&["numpy"], "archipel-numpy-tests"))
}

fn science() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| build(&["numpy", "pandas", "matplotlib"], SCIENCE))
}

fn interpreter(image: &Image, policy: Policy) -> Interpreter {
    let builder = runtime().interpreter().image(image);
    builder.policy(policy).build().unwrap()
}

#[test]
fn scalars_of_numpy_are_values_in_each_direction() {
    let image = image();
    let interpreter = interpreter(image, Policy::new().children(4, 1).unwrap());
    interpreter.exec(python!("science/scalars.py")).unwrap();
    interpreter.exec("import numpy as np").unwrap();
    for (source, expected) in [
        ("np.float64(1.5)", Value::from(1.5)),
        ("np.int64(-3)", Value::from(-3)),
        ("np.uint64(2 ** 64 - 1)", Value::from(u64::MAX)),
        ("np.bool_(True)", Value::from(true)),
    ] {
        let value: Value = interpreter.eval(source).unwrap();
        let scalar = value.as_array().unwrap();
        assert!(scalar.is_scalar());
        assert_eq!(scalar.item(), Some(expected), "{source}");
    }
}

/// Returns what an interpreter draws from each source of random numbers.
fn drawn(interpreter: &Interpreter) -> Vec<String> {
    interpreter
        .exec("import random, uuid, numpy as np")
        .unwrap();
    let sources =
        "[np.random.rand(), np.random.default_rng().random(), uuid.uuid4(), random.random()]";
    interpreter
        .eval(format!("[str(number) for number in {sources}]"))
        .unwrap()
}

#[test]
fn random_numbers_of_numpy_differ_unless_a_seed_is_given() {
    let image = image();
    let first = interpreter(image, Policy::new());
    let copy = first.fork().unwrap();
    let others = [
        drawn(&first),
        drawn(&copy),
        drawn(&interpreter(image, Policy::new())),
    ];
    for at in 0..others[0].len() {
        let [a, b, c] = [&others[0][at], &others[1][at], &others[2][at]];
        assert!(a != b && b != c && a != c, "{others:?}");
    }
    let seeded = || {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let policy = Policy::new().clock(Clock::Frozen(time)).unwrap();
        drawn(&interpreter(image, policy.random(Random::Seeded(7))))
    };
    let once = seeded();
    assert_eq!(once, seeded());
    assert!(once.iter().zip(&others[0]).all(|(a, b)| a != b));
}

#[test]
fn matplotlib_draws_a_chart_without_any_grant() {
    let interpreter = interpreter(science(), Policy::new());
    interpreter.exec(python!("science/chart.py")).unwrap();
    let picture: Vec<u8> = interpreter.eval("picture").unwrap();
    // The size follows the signature and the first chunk's header.
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert_eq!(picture[16..24], [0, 0, 1, 44, 0, 0, 0, 200]);
    assert!(picture.len() > 5_000);
}

#[test]
fn the_sales_example_draws_a_chart_of_an_untrusted_formula() {
    science();
    let folder = cli::folder("sales");
    let grants = [
        format!("{}::/sales", root().join("examples/sales").display()),
        format!("{}::/out:rw", folder.display()),
    ];
    let script = root().join("examples/sales/report.py");
    let script = script.to_str().unwrap();
    let report = |formula: &str| {
        let command = [
            "run", "--image", SCIENCE, "--dir", &grants[0], "--dir", &grants[1],
        ];
        let output = cli::archipel(&[&command[..], &[script, formula]].concat(), "");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let printed = report("units * price");
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 5, "{printed}");
    assert_eq!(lines[0], "east: 11642.00 in 6 months");
    assert_eq!(lines[4], "wrote sales.png");
    let chart = folder.join("sales.png");
    assert!(std::fs::read(&chart).unwrap().starts_with(b"\x89PNG"));
    std::fs::remove_file(&chart).unwrap();
    for (formula, told) in [
        ("open('/sales/east.csv').read()", "FileNotFoundError"),
        ("[0 for _ in iter(int, 1)]", "limit exceeded: cpu"),
    ] {
        let printed = report(formula);
        assert_eq!(printed.lines().count(), 4, "{printed}");
        assert!(printed.lines().all(|line| line.contains(told)), "{printed}");
    }
    assert!(!chart.exists());
    std::fs::remove_dir_all(folder).unwrap();
}
