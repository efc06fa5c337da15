//! Times pyperformance programs in an interpreter and in native Python, with `cpu.py` in both.

use crate::plots::Series;
use crate::{Result, micros, peers, python, row};
use archipel::policy::Access;
use archipel::{Output, Policy, Runtime};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const SCRIPT: &str = include_str!("cpu.py");

const PYPERFORMANCE: &str = "1.13.0";

/// The programs, each with its arguments.
const PROGRAMS: [&str; 17] = [
    "richards",
    "deltablue",
    "nbody",
    "fannkuch",
    "spectral_norm",
    "float",
    "chaos",
    "raytrace",
    "json_loads",
    "json_dumps",
    "pickle:--pure-python:pickle",
    "unpack_sequence",
    "regex_compile",
    "regex_effbot",
    "go",
    "hexiom",
    "nqueens",
];

/// Returns the folder of the pyperformance programs, and installs them with pip if necessary.
fn programs() -> Result<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let folder = folder.join(format!("pyperformance-{PYPERFORMANCE}"));
    let programs = folder.join("pyperformance/data-files/benchmarks");
    if !programs.exists() {
        let output = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--no-deps"])
            .args(["--disable-pip-version-check", "--target"])
            .arg(&folder)
            .arg(format!("pyperformance=={PYPERFORMANCE}"))
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
    }
    Ok(programs)
}

/// Prints a row for each program, or for some if `quick`, and the geometric mean. Returns the times of native
/// Python, of Archipel, and of others.
pub fn cpu(runtime: &Runtime, quick: bool) -> Result<Vec<Series>> {
    let folder = match programs() {
        Ok(folder) => folder,
        Err(error) => {
            println!("cannot install pyperformance: {error}");
            return Ok(Vec::new());
        }
    };
    let script = std::env::temp_dir().join(format!("archipel-cpu-{}.py", std::process::id()));
    std::fs::write(&script, SCRIPT)?;
    let programs = if quick { &PROGRAMS[..3] } else { &PROGRAMS[..] };
    let [mut natively, mut in_ours] = ["natively", "ours"].map(|name| Series::of(name, Vec::new()));
    for program in programs {
        let (output, errors) = (Output::captured(1 << 16), Output::captured(1 << 16));
        let interpreter = runtime
            .interpreter()
            .policy(Policy::new().dir(&folder, "/programs", Access::ReadOnly)?)
            .stdout(output.clone())
            .stderr(errors.clone())
            .build()?;
        let arguments = ["/programs".to_owned(), (*program).to_owned()];
        let status = interpreter.run(SCRIPT, "cpu.py", arguments)?;
        assert!(status == 0, "{}", errors.take().text());
        let ours = figure(&output.take().text())?;
        let native = Command::new(python()?)
            .arg("-I")
            .arg(&script)
            .arg(&folder)
            .arg(program)
            .output()?;
        let native = figure(&String::from_utf8(native.stdout)?)?;
        let ratio = ours.as_secs_f64() / native.as_secs_f64();
        row(
            &format!("pyperformance {program} | native"),
            micros(ours),
            micros(native),
            ratio,
        );
        natively.points.push(((*program).to_owned(), native));
        in_ours.points.push(((*program).to_owned(), ours));
    }
    let mut all = vec![natively, in_ours];
    all.extend(peers::programs(&script, &folder, programs)?);
    std::fs::remove_file(&script)?;
    for series in &all[1..] {
        let ratio = |(program, _): &(String, Duration)| series.ratio(&all[0], program);
        let ratios: Vec<f64> = series.points.iter().filter_map(ratio).collect();
        let logarithms: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
        row(
            &format!(
                "geometric mean of {} programs, {} | native",
                ratios.len(),
                series.name
            ),
            String::new(),
            String::new(),
            (logarithms / ratios.len() as f64).exp(),
        );
    }
    Ok(all)
}

/// Parses the time in the first line.
fn figure(text: &str) -> Result<Duration> {
    let line = text.lines().next().ok_or("a program printed nothing")?;
    let nanos = line.rsplit(' ').next().ok_or("a figure is missing")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}
