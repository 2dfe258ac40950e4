//! Nothing grows faster than its input.
//!
//! Every public entry that takes text, bytes or a collection is a row of a table: its name, the number of units of the
//! smallest input, a function that creates a hostile input of a number of units, and one that runs the entry on it. The
//! work is counted at two, four and eight times that size, and timed at one and eight times, because a scan that
//! allocates nothing shows only in the time.
//!
//! `cargo test --test attack growth -- --nocapture` prints the table.

#![allow(
    clippy::ptr_arg,
    clippy::redundant_closure,
    clippy::redundant_closure_for_method_calls,
    clippy::type_complexity,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::needless_for_each,
    reason = "rows of a table, whose inputs are made as they are written down"
)]

mod cache;
mod config;
mod environment;
mod failure;
mod names;
mod profiles;
mod request;
mod select;
mod status;
mod stream;

use std::hint::black_box;
use std::time::Duration;

/// One entry and one shape of hostile input for it.
pub(crate) struct Row {
    name: String,
    /// The units of the smallest input.
    size: usize,
    prepare: Box<Prepare>,
}

/// From a number of units to a run on an input of so many.
type Prepare = dyn Fn(usize) -> Box<dyn FnMut()>;

/// A row: the entry and the shape, the units of the smallest input, how an input is made, and how the entry is run on it.
pub(crate) fn row<I: 'static, T: 'static>(
    name: &str,
    size: usize,
    input: impl Fn(usize) -> I + 'static,
    run: impl Fn(&I) -> T + Copy + 'static,
) -> Row {
    let prepare = move |units| {
        let input = input(units);
        let run = move || drop(black_box(run(black_box(&input))));
        Box::new(run) as Box<dyn FnMut()>
    };
    Row { name: name.to_owned(), size, prepare: Box::new(prepare) }
}

/// What `made` gives for so many numbers, one behind the other.
pub(crate) fn many(units: usize, made: impl Fn(usize) -> String) -> String {
    (0..units).map(made).collect()
}

/// Without the comma at its start, as the first member of a list.
pub(crate) fn rest(text: &str) -> &str {
    text.get(1..).unwrap_or_default()
}

/// What a run took.
struct Work {
    allocations: u64,
    bytes: u64,
    time: Duration,
}

impl Row {
    fn work(&self, times: usize) -> Work {
        work(&mut (self.prepare)(self.size * times))
    }

    /// Runs the row and says what grows faster than the input.
    fn excess(&self) -> Option<String> {
        // What is made once in a process belongs to no input, and what is made for every input to none in particular.
        (self.prepare)(1)();
        let none = work(&mut (self.prepare)(1));
        let works = [1, 2, 4, 8].map(|times| self.work(times));
        let [one, .., eight] = &works;
        let allocations = steepness(none.allocations, works.each_ref().map(|work| work.allocations));
        let bytes = steepness(none.bytes, works.each_ref().map(|work| work.bytes));
        let (mut least, mut most) = (one.time, eight.time);
        // Others use the caches too: a run that took long is tried again, and the quickest of each size counts.
        for _ in 0..TRIES {
            if slope(least, most) <= STEEPEST_TIME {
                break;
            }
            (least, most) = (least.min(self.work(1).time), most.min(self.work(8).time));
        }
        let time = slope(least, most);
        println!("{:<58} {allocations:>5.2} {bytes:>5.2} {time:>6.1} {:>8.1} ms", self.name, most.as_secs_f64() * 1e3);
        let found = [
            (allocations > STEEPEST_COUNT, format!("allocations grow by {allocations:.2} where 2 is linear")),
            (bytes > STEEPEST_COUNT, format!("allocated bytes grow by {bytes:.2} where 2 is linear")),
            (HAS_TIME && time > STEEPEST_TIME, format!("8 times the input takes {time:.1} times as long")),
        ];
        let found: Vec<String> = found.into_iter().filter(|(is_steep, _)| *is_steep).map(|(_, what)| what).collect();
        (!found.is_empty()).then(|| format!("{}: {}", self.name, found.join(", ")))
    }
}

fn work(run: &mut dyn FnMut()) -> Work {
    let start = spent();
    let counted = allocation_counter::measure(run);
    let time = spent().saturating_sub(start);
    Work { allocations: counted.count_total, bytes: counted.bytes_total, time }
}

/// Whether a time is this thread's alone. On Windows it is the clock's, so that what others do counts too, and only allocations
/// and bytes tell.
const HAS_TIME: bool = cfg!(unix);

/// The time that this thread has had on a processor: others use the machine too.
#[cfg(unix)]
fn spent() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

#[cfg(not(unix))]
fn spent() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

/// How often a time that looks steep is measured again.
const TRIES: usize = 6;

/// A quadratic count has 4, a linear one 2; sorting and growing buffers a little more.
const STEEPEST_COUNT: f64 = 2.5;

/// A quadratic time has 64, a linear one 8.
const STEEPEST_TIME: f64 = 24.0;

/// Counts that are smaller than this are noise.
const FEW: u64 = 64;

/// By what doubling multiplies a count, without what the smallest input costs: the smaller one of the last two steps, because
/// a buffer that grows makes a single one look steep.
#[expect(clippy::cast_precision_loss, reason = "counts of this size are exact")]
fn steepness(none: u64, counts: [u64; 4]) -> f64 {
    let [_, two, four, eight] = counts.map(|count| count.saturating_sub(none).max(FEW) as f64);
    (eight / four).min(four / two)
}

fn slope(least: Duration, most: Duration) -> f64 {
    // Below a tenth of a millisecond the clock and the caches are measured.
    most.as_secs_f64() / least.as_secs_f64().max(1e-4)
}

/// Runs all rows, and names each that is too steep.
pub(crate) fn check(rows: &[Row]) {
    let found: Vec<String> = rows.iter().filter_map(Row::excess).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_driver_sees_what_is_quadratic() {
    let texts = |units: usize| -> Vec<String> { (0..units).map(|n| n.to_string()).collect() };
    let copies = row("copies", 50, texts, |texts| (0..texts.len()).map(|_| texts.clone()).collect::<Vec<_>>());
    assert!(copies.excess().is_some_and(|found| found.contains("allocations") && found.contains("bytes")));
    let scans = row("scans", 500, texts, |texts| texts.iter().filter(|text| texts.iter().any(|t| t == *text)).count());
    let slow = scans.excess();
    assert!(!HAS_TIME || slow.is_some_and(|found| found.contains("as long") && !found.contains("allocat")));
    let joined = row("joined", 500, texts, |texts| texts.join(","));
    assert_eq!(joined.excess(), None);
}
