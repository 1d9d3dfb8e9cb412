//! Calls per second by the number of threads: a table, and a picture of it.
//!
//! `cargo run --release --bin throughput`, or with `-- --short`, or with numbers of threads, as in `-- 1 2 4 8 16 32`.
//! The picture is `throughput.svg` in the folder of this package.

use std::error::Error;

use plotters::prelude::*;
use ring_cache_benches::form::Form;
use ring_cache_benches::scenarios::Number;
use ring_cache_benches::table::{Measure, Row, Table};
use ring_cache_benches::who::Who;
use ring_cache_benches::workloads::{mixed, threads};

const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/throughput.svg");

/// The numbers of threads unless the arguments name others.
const THREADS: [u64; 5] = [1, 2, 4, 8, 16];

/// The lines of the picture.
const DRAWN: [(Who, &str, RGBColor); 7] = [
    (Who::Ring, "ring_cache", RGBColor(200, 30, 30)),
    (Who::Papaya, "papaya (no bound)", RGBColor(140, 140, 140)),
    (Who::QuickBorrowed, "quick_cache", RGBColor(30, 90, 200)),
    (Who::Schnellru, "schnellru in a mutex", RGBColor(20, 140, 60)),
    (Who::Cached, "cached", RGBColor(230, 140, 20)),
    (Who::ConcurrentCached, "concurrent_cached", RGBColor(120, 70, 20)),
    (Who::Moka, "moka", RGBColor(130, 50, 160)),
];

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let form = Form::asked();
    let threads = threads_of_arguments()?;
    let measure = |threads: &u64, what: &str| {
        let title: &'static str = format!("{threads} threads, {what} (million calls/s)").leak();
        Measure::more(title, 1)
    };
    let hits: Vec<Row> = threads
        .iter()
        .map(|count| threads::measure_on::<Number>(measure(count, "all hit"), *count, &form))
        .collect();
    let mixed: Vec<Row> = threads
        .iter()
        .map(|count| mixed::measure_on::<Number>(measure(count, "a new key every 128"), 128, *count, &form))
        .collect();
    let picture = SVGBackend::new(PICTURE, (1100, 460)).into_drawing_area();
    picture.fill(&WHITE)?;
    let halves = picture.split_evenly((1, 2));
    draw(&halves[0], "all calls hit", &threads, &hits)?;
    draw(&halves[1], "every 128th call has a new key", &threads, &mixed)?;
    picture.present()?;
    let mut table = Table::default();
    table.extend(hits);
    table.extend(mixed);
    println!("{table}\nThe picture: {PICTURE}");
    Ok(())
}

fn threads_of_arguments() -> Outcome<Vec<u64>> {
    let arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let threads: Vec<u64> = arguments
        .map(|argument| argument.parse())
        .collect::<Result<_, _>>()?;
    Ok(if threads.is_empty() {
        THREADS.to_vec()
    } else {
        threads
    })
}

/// Draws a line for each contender: calls per second over numbers of threads, which are equally far apart.
fn draw(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    threads: &[u64],
    rows: &[Row],
) -> Outcome<()> {
    let figures = rows.iter().flat_map(|row| DRAWN.map(|(who, ..)| row.figure(who)));
    let most = figures.flatten().fold(0.0, f64::max);
    // Leaves space for the names above the lines.
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(-0.2..threads.len() as f64 - 0.8, 0.0..most * 1.6)?;
    let label = |place: &f64| {
        let is_whole = (place - place.round()).abs() < 0.01;
        let count = threads
            .get(place.round() as usize)
            .filter(|_| is_whole && *place > -0.1);
        count.map(u64::to_string).unwrap_or_default()
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .max_light_lines(1)
        .y_label_formatter(&|millions: &f64| format!("{millions:.0}"))
        .x_labels(threads.len() * 2)
        .x_label_formatter(&label)
        .x_desc("threads")
        .y_desc("million calls per second")
        .draw()?;
    for (who, name, color) in DRAWN {
        let points = rows
            .iter()
            .enumerate()
            .filter_map(|(place, row)| Some((place as f64, row.figure(who)?)));
        let points: Vec<_> = points.collect();
        if points.is_empty() {
            continue;
        }
        let width = if who == Who::Ring { 3 } else { 2 };
        let style = color.stroke_width(width);
        let line = LineSeries::new(points, style).point_size(3);
        chart
            .draw_series(line)?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    Ok(())
}
