//! The figures as pictures: SVG files, drawn of what was measured in the same run.

use crate::Result;
use plotters::prelude::*;
use std::path::Path;
use std::time::Duration;

/// What there is to draw.  What was not measured is not drawn.
#[derive(Default)]
pub struct Plots {
    /// The lives of interpreters.
    pub lives: Vec<Duration>,
    /// How long creating one takes, by how many there are.
    pub crowd: Vec<(usize, Duration)>,
    /// How long creating each of a burst takes, in ascending order.
    pub burst: Vec<Duration>,
    /// How long a message there and back takes, by its size in bytes.
    pub sizes: Vec<(usize, Duration)>,
    /// How much slower a program is than natively.
    pub programs: Vec<(String, f64)>,
}

const SIZE: (u32, u32) = (800, 400);

fn micros(time: &Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Which of the samples, in ascending order, is where: hundredths and values.
fn distribution(samples: &[Duration]) -> Vec<(f64, f64)> {
    let mut sorted: Vec<f64> = samples.iter().map(micros).collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1).max(1) as f64;
    let places = sorted.iter().enumerate();
    places
        .map(|(place, value)| (place as f64 / last * 100.0, *value))
        .collect()
}

impl Plots {
    /// Writes the pictures to `folder`.
    pub fn draw(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut drawn = 0;
        let mut lines = |name: &str, title: &str, x: &str, y: &str, points: Vec<(f64, f64)>| {
            if points.len() > 1 {
                drawn += 1;
                line(&folder.join(name), title, x, y, &points)?;
            }
            Ok::<_, Box<dyn std::error::Error>>(())
        };
        lines(
            "lives.svg",
            "create + exec('pass') + close",
            "percentile",
            "µs",
            // The slowest say more of the machine than of us, and would leave no room for the others.
            distribution(&self.lives)
                .into_iter()
                .filter(|(place, _)| *place <= 99.0)
                .collect(),
        )?;
        lines(
            "crowd.svg",
            "create + exec('pass'), by how many interpreters live",
            "interpreters",
            "µs",
            self.crowd
                .iter()
                .map(|(count, time)| (*count as f64, micros(time)))
                .collect(),
        )?;
        lines(
            "burst.svg",
            "create, interpreters ready ahead of need, in a burst",
            "percentile",
            "µs",
            distribution(&self.burst),
        )?;
        lines(
            "sizes.svg",
            "bytes to another interpreter and back: throughput",
            "size: 2 to the power of",
            "MiB/s",
            self.sizes
                .iter()
                .map(|(size, time)| {
                    let mebibytes = 2.0 * *size as f64 / f64::from(1 << 20);
                    ((*size as f64).log2(), mebibytes / time.as_secs_f64())
                })
                .collect(),
        )?;
        if !self.programs.is_empty() {
            drawn += 1;
            bars(
                &folder.join("programs.svg"),
                "times as long as natively",
                &self.programs,
            )?;
        }
        if drawn > 0 {
            println!("{drawn} pictures are in {}", folder.display());
        }
        Ok(())
    }
}

fn line(path: &Path, title: &str, x: &str, y: &str, points: &[(f64, f64)]) -> Result<()> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let last = points.iter().map(|(x, _)| *x).fold(0.0, f64::max);
    let first = points.iter().map(|(x, _)| *x).fold(last, f64::min);
    let highest = points.iter().map(|(_, y)| *y).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(60)
        .build_cartesian_2d(first..last, 0.0..highest * 1.1)?;
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .light_line_style(TRANSPARENT)
        .draw()?;
    chart.draw_series(LineSeries::new(
        points.iter().copied(),
        BLUE.stroke_width(2),
    ))?;
    root.present()?;
    Ok(())
}

fn bars(path: &Path, title: &str, values: &[(String, f64)]) -> Result<()> {
    let root = SVGBackend::new(path, (SIZE.0, 60 + 24 * values.len() as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let highest = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let name = |n: &usize| {
        values
            .get(*n)
            .map_or(String::new(), |(name, _)| name.clone())
    };
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(24)
        .y_label_area_size(200)
        .build_cartesian_2d(0.0..highest * 1.1, 0..values.len())?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(values.len())
        .y_label_formatter(&name)
        .light_line_style(TRANSPARENT)
        .draw()?;
    chart.draw_series(values.iter().enumerate().map(|(n, (_, value))| {
        Rectangle::new([(0.0, n), (*value, n + 1)], BLUE.mix(0.6).filled())
    }))?;
    root.present()?;
    Ok(())
}
