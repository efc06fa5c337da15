//! Tests numpy in an image: scalars as values, and random numbers.
//!
//! The wheel of numpy must be in the wheelhouse, because building it takes ten minutes. Without it, the harness leaves
//! the tests out, and says so. With `ARCHIPEL_SCIENCE=1` they run, and fail without it.

use crate::runtime;
use archipel::policy::{Clock, Random};
use archipel::{Image, ImageBuilder, Interpreter, Policy, Value};
use archipel_guest::packages;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

const NAME: &str = "archipel-numpy-tests";

/// Returns whether the wheelhouse has the wheel of numpy.
fn has_wheel() -> bool {
    let cache = archipel::default_cache_dir().unwrap();
    let recipe = packages::find("numpy", None).unwrap();
    packages::built(recipe, &cache).is_some()
}

/// Returns whether the tests are to run.
pub fn runs() -> bool {
    std::env::var("ARCHIPEL_SCIENCE").is_ok_and(|wanted| wanted == "1") || has_wheel()
}

fn image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| {
        assert!(
            has_wheel(),
            "the wheelhouse has no wheel of numpy (run `archipel package build numpy`)"
        );
        let builder = ImageBuilder::new().packages(["numpy"]).name(NAME);
        builder.build().unwrap()
    })
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
