//! Draws the measurements of the same run as SVG files.

use crate::Result;
use plotters::prelude::*;
use std::path::Path;
use std::time::Duration;

/// Times by place: a number, or the name of a program.
pub struct Series {
    pub name: String,
    pub points: Vec<(String, Duration)>,
}

impl Series {
    /// Creates a series of consecutive times.
    pub fn of(name: &str, times: Vec<Duration>) -> Self {
        let points = times.into_iter().enumerate();
        Series {
            name: name.to_owned(),
            points: points.map(|(n, time)| (n.to_string(), time)).collect(),
        }
    }

    pub fn times(&self) -> Vec<Duration> {
        self.points.iter().map(|(_, time)| *time).collect()
    }

    /// Returns the time at a place.
    pub fn at(&self, place: &str) -> Option<Duration> {
        let found = self.points.iter().find(|(name, _)| name == place)?;
        Some(found.1)
    }

    /// Returns the ratio of the times of this series and `other` at a place.
    pub fn ratio(&self, other: &Series, place: &str) -> Option<f64> {
        Some(self.at(place)?.as_secs_f64() / other.at(place)?.as_secs_f64())
    }

    /// Returns the points as numbers, with times in microseconds.
    fn numbers(&self) -> Vec<(f64, f64)> {
        let number = |(place, time): &(String, Duration)| Some((place.parse().ok()?, micros(time)));
        self.points.iter().filter_map(number).collect()
    }
}

/// The series to draw, ours first. Missing measurements are not drawn.
#[derive(Default)]
pub struct Plots {
    /// Lives.
    pub lives: Vec<Series>,
    /// Times to create one more, by the number that exist.
    pub crowd: Vec<Series>,
    /// Times to create each of a burst.
    pub burst: Vec<Series>,
    /// Times of round trips, by message size in bytes.
    pub sizes: Vec<Series>,
    /// Times of programs, native first.
    pub programs: Vec<Series>,
}

const SIZE: (u32, u32) = (800, 480);

fn micros(time: &Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Returns the percentiles of the samples.
fn distribution(series: &Series) -> Vec<(f64, f64)> {
    let mut sorted: Vec<f64> = series.times().iter().map(micros).collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1).max(1) as f64;
    let places = sorted.iter().enumerate();
    places
        .map(|(place, value)| (place as f64 / last * 100.0, *value))
        .filter(|(place, _)| *place <= 99.0)
        .collect()
}

/// Returns the medians of neighbouring points over the logarithm of their places. Groups of neighbours grow with
/// the place.
fn growth(series: &Series) -> Vec<(f64, f64)> {
    let points = series.numbers();
    let mut found = Vec::new();
    let mut rest = &points[..];
    while let Some((place, _)) = rest.first() {
        let count = (*place as usize / 10).clamp(1, rest.len());
        let (part, others) = rest.split_at(count);
        let mut values: Vec<f64> = part.iter().map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        found.push(((place + 1.0).log10(), values[values.len() / 2]));
        rest = others;
    }
    found
}

/// Returns throughputs in mebibytes a second over the binary logarithm of the bytes of a round trip.
fn throughput(series: &Series) -> Vec<(f64, f64)> {
    let rate =
        |(size, time): (f64, f64)| (size.log2(), 2.0 * size / f64::from(1 << 20) / time * 1e6);
    series.numbers().into_iter().map(rate).collect()
}

/// A line chart: its file, title and axes.
struct Lines<'a> {
    file: &'a str,
    title: &'a str,
    x: &'a str,
    y: &'a str,
    points: fn(&Series) -> Vec<(f64, f64)>,
}

impl Plots {
    /// Writes the charts to `folder`.
    pub fn draw(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut drawn = 0;
        for (lines, all) in [
            (
                Lines {
                    file: "lives.svg",
                    title: "create + run nothing + close",
                    x: "percentile",
                    y: "µs",
                    points: distribution,
                },
                &self.lives,
            ),
            (
                Lines {
                    file: "crowd.svg",
                    title: "create one more and run nothing, by the number alive",
                    x: "alive: 10 to the power of",
                    y: "µs",
                    points: growth,
                },
                &self.crowd,
            ),
            (
                Lines {
                    file: "burst.svg",
                    title: "create each of a burst",
                    x: "percentile",
                    y: "µs",
                    points: distribution,
                },
                &self.burst,
            ),
            (
                Lines {
                    file: "sizes.svg",
                    title: "round trips of bytes: throughput",
                    x: "size: 2 to the power of",
                    y: "MiB/s",
                    points: throughput,
                },
                &self.sizes,
            ),
        ] {
            if !all.is_empty() {
                lines.draw(folder, all)?;
                drawn += 1;
            }
        }
        if let [native, others @ ..] = &self.programs[..]
            && !others.is_empty()
        {
            bars(&folder.join("programs.svg"), native, others)?;
            drawn += 1;
        }
        if drawn > 0 {
            println!("{drawn} charts are in {}", folder.display());
        }
        Ok(())
    }
}

impl Lines<'_> {
    fn draw(&self, folder: &Path, all: &[Series]) -> Result<()> {
        let path = folder.join(self.file);
        let root = SVGBackend::new(&path, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let all: Vec<_> = all
            .iter()
            .map(|series| (&series.name, (self.points)(series)))
            .collect();
        let points = || all.iter().flat_map(|(_, points)| points);
        let right = points().map(|(x, _)| *x).fold(1.0, f64::max);
        let left = points().map(|(x, _)| *x).fold(right, f64::min);
        let top = points().map(|(_, y)| *y).fold(1.0, f64::max);
        let bottom = points().map(|(_, y)| *y).fold(top, f64::min);
        // The times of alternatives differ by orders of magnitude.
        let mut chart = ChartBuilder::on(&root)
            .caption(self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(70)
            .build_cartesian_2d(left..right, (bottom / 1.5..top * 4.0).log_scale())?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (n, (name, points)) in all.iter().enumerate() {
            let color = Palette99::pick(n).to_rgba();
            chart
                .draw_series(LineSeries::new(
                    points.iter().copied(),
                    color.stroke_width(2),
                ))?
                .label(name.as_str())
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2))
                });
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .draw()?;
        root.present()?;
        Ok(())
    }
}

/// Draws the ratios to native times of the programs.
fn bars(path: &Path, native: &Series, others: &[Series]) -> Result<()> {
    let programs: Vec<&String> = native.points.iter().map(|(name, _)| name).collect();
    let height = 80 + 28 * programs.len() as u32;
    let root = SVGBackend::new(path, (SIZE.0, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let all = others
        .iter()
        .flat_map(|series| programs.iter().filter_map(|p| series.ratio(native, p)));
    let highest = all.fold(1.0, f64::max);
    // Each program occupies one row for each bar, and an empty row.
    let rows = others.len() + 1;
    let name = |row: &usize| match row % rows == others.len() / 2 {
        true => programs
            .get(row / rows)
            .map_or(String::new(), |name| (*name).clone()),
        false => String::new(),
    };
    let mut chart = ChartBuilder::on(&root)
        .caption(
            "pyperformance programs: ratio to native time",
            ("sans-serif", 18),
        )
        .margin(12)
        .x_label_area_size(24)
        .y_label_area_size(200)
        .build_cartesian_2d(0.0..highest * 1.1, 0..programs.len() * rows)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(programs.len() * rows)
        .y_label_formatter(&name)
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (n, series) in others.iter().enumerate() {
        let color = Palette99::pick(n).to_rgba();
        let bars = programs.iter().enumerate().filter_map(|(place, program)| {
            let row = place * rows + n;
            let corners = [(0.0, row), (series.ratio(native, program)?, row + 1)];
            Some(Rectangle::new(corners, color.filled()))
        });
        chart
            .draw_series(bars)?
            .label(series.name.as_str())
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 16, y + 5)], color.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    root.present()?;
    Ok(())
}
