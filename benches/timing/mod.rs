//! Two pieces of work timed in turn, so that a ratio holds when the machine's speed drifts.

#![allow(dead_code, reason = "every bench uses its own part of this")]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Runs the two in turn for about a second and gives the median time of one run of each, in seconds.
pub(crate) fn pair<A, B>(mut subject: impl FnMut() -> A, mut baseline: impl FnMut() -> B) -> (f64, f64) {
    let runs = |f: &mut dyn FnMut()| {
        // As many runs as take about a millisecond, so that the clock's own cost does not count.
        let mut count = 1_u32;
        loop {
            let spent = time(count, f);
            if spent > Duration::from_millis(1) || count > 1 << 24 {
                return count;
            }
            count *= 2;
        }
    };
    let mut subject = || drop(black_box(subject()));
    let mut baseline = || drop(black_box(baseline()));
    let counts = (runs(&mut subject), runs(&mut baseline));
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        a.push(time(counts.0, &mut subject).as_secs_f64() / f64::from(counts.0));
        b.push(time(counts.1, &mut baseline).as_secs_f64() / f64::from(counts.1));
    }
    (median(&mut a), median(&mut b))
}

/// Prints one row: what was timed, both medians and their ratio.
pub(crate) fn row(name: &str, (subject, baseline): (f64, f64), aim: &str) {
    let micros = 1e6;
    println!(
        "{name:<52} {:>11.2} µs {:>11.2} µs   ratio {:>5.2}   {aim}",
        subject * micros,
        baseline * micros,
        subject / baseline
    );
}

/// Prints the head of a table.
pub(crate) fn head(what: &str) {
    println!("{what:<52} {:>14} {:>14}", "ours", "baseline");
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn time(count: u32, f: &mut dyn FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..count {
        f();
    }
    start.elapsed()
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
