//! Times two pieces of work in turn, so that their ratio holds when the machine's speed drifts.

#![allow(dead_code, reason = "every bench uses its own part of this")]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Runs the two in turn for about a second and returns the median time of one run of each, in seconds.
pub(crate) fn pair<A, B>(mut subject: impl FnMut() -> A, mut baseline: impl FnMut() -> B) -> (f64, f64) {
    let mut subject = || drop(black_box(subject()));
    let mut baseline = || drop(black_box(baseline()));
    compare(|count| time(count, &mut subject), |count| time(count, &mut baseline))
}

/// The same for a subject that uses up what it works on: what `given` makes is made before the clock starts, and what
/// comes back is dropped after it stopped. Only for work beside which reading the clock twice is nothing.
pub(crate) fn pair_given<T, A, B>(
    mut given: impl FnMut() -> T,
    mut subject: impl FnMut(T) -> A,
    mut baseline: impl FnMut() -> B,
) -> (f64, f64) {
    let mut once = || {
        let (mut given, mut result) = (Some(given()), None);
        let spent = time(1, &mut || result = given.take().map(|given| black_box(subject(given))));
        drop(result);
        spent
    };
    let mut baseline = || drop(black_box(baseline()));
    compare(|count| (0..count).map(|_| once()).sum(), |count| (0..count).map(|_| time(1, &mut baseline)).sum())
}

/// The same where both use up what they work on.
pub(crate) fn pair_both_given<T, A, B>(
    given: impl Fn() -> T,
    mut subject: impl FnMut(T) -> A,
    mut baseline: impl FnMut(T) -> B,
) -> (f64, f64) {
    let once = |work: &mut dyn FnMut(T)| {
        let mut given = Some(given());
        time(1, &mut || {
            if let Some(given) = given.take() {
                work(given);
            }
        })
    };
    let mut subject = |given| drop(black_box(subject(given)));
    let mut baseline = |given| drop(black_box(baseline(given)));
    compare(|count| (0..count).map(|_| once(&mut subject)).sum(), |count| (0..count).map(|_| once(&mut baseline)).sum())
}

/// Samples both in turn. Each takes a count of runs and gives the time they took together.
fn compare(mut subject: impl FnMut(u32) -> Duration, mut baseline: impl FnMut(u32) -> Duration) -> (f64, f64) {
    let counts = (runs(&mut subject), runs(&mut baseline));
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        a.push(subject(counts.0).as_secs_f64() / f64::from(counts.0));
        b.push(baseline(counts.1).as_secs_f64() / f64::from(counts.1));
    }
    (median(&mut a), median(&mut b))
}

/// As many runs as take about a millisecond, so that the clock's own cost does not count.
fn runs(work: &mut dyn FnMut(u32) -> Duration) -> u32 {
    let mut count = 1;
    while work(count) <= Duration::from_millis(1) && count <= 1 << 24 {
        count *= 2;
    }
    count
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
