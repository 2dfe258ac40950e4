//! Processes that take the same thing again and again without a pause, and how long each of them waits for it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test stops where something is wrong, and looks at clocks from outside"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How many processes there are where somebody gives them time.
const PROCESSES: usize = 32;
/// How long they go on in the gate.
const GATE: Duration = Duration::from_secs(2);

/// What a process does: it takes its turns until its input ends, then says how often, for how long it waited in all, and how
/// long at most, in microseconds. `turn` is given its number and gives the time that it waited.
pub(crate) fn take_turns(mut turn: impl FnMut(u32) -> Duration) {
    println!("=ready");
    let (begun, ended) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut lines = std::io::stdin().lines();
            lines.next();
            begun.store(true, Ordering::SeqCst);
            lines.next();
            ended.store(true, Ordering::SeqCst);
        });
        while !begun.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        let (mut count, mut sum, mut longest) = (0_u32, Duration::ZERO, Duration::ZERO);
        while !ended.load(Ordering::SeqCst) {
            let waited = turn(count);
            count += 1;
            sum += waited;
            longest = longest.max(waited);
        }
        println!("={count} {} {}", sum.as_micros(), longest.as_micros());
    });
}

/// What the child said last, after the mark.
fn said(lines: &mut impl Iterator<Item = String>) -> String {
    lines.find_map(|line| Some(line.rsplit_once('=')?.1.to_owned())).unwrap()
}

/// Lets processes that each run [`take_turns`] compete: so many in the gate, where each is to have a few dozen turns, and 32
/// for as long as `PROVIDER_AUTH_ATTACK_SECONDS` says.
pub(crate) fn nobody_waits_too_long(what: &str, in_gate: usize, child: impl Fn() -> Command) {
    let seconds = std::env::var("PROVIDER_AUTH_ATTACK_SECONDS").ok().and_then(|text| text.parse().ok());
    let processes = if seconds.is_some() { PROCESSES } else { in_gate };
    let spawn = |_| child().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut children: Vec<Child> = (0..processes).map(spawn).collect();
    let outs = children.iter_mut().map(|child| BufReader::new(child.stdout.take().unwrap()).lines());
    let mut outs: Vec<_> = outs.map(|lines| lines.map_while(Result::ok)).collect();
    for out in &mut outs {
        assert_eq!(said(out), "ready");
    }
    for child in &mut children {
        writeln!(child.stdin.as_mut().unwrap()).unwrap();
    }
    std::thread::sleep(seconds.map_or(GATE, Duration::from_secs));
    for child in &mut children {
        drop(child.stdin.take());
    }
    let figures = outs.iter_mut().map(|out| {
        let said = said(out);
        said.split(' ').map(|number| number.parse().unwrap()).collect::<Vec<u64>>()
    });
    let figures: Vec<Vec<u64>> = figures.collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let counts = || figures.iter().map(|figures| figures[0]);
    let all: u64 = counts().sum();
    let mean = figures.iter().map(|figures| figures[1]).sum::<u64>() / all;
    let longest = figures.iter().map(|figures| figures[2]).max().unwrap();
    let ratio = longest / mean;
    let share = counts().min().unwrap() * processes as u64 * 100 / all;
    println!(
        "{what}: {processes} processes, {all} times, waited {mean} us on average, {longest} us at most \
         ({ratio} times that); the slowest got {share} % of its share"
    );
    assert!(longest <= 20 * mean, "{what}: {longest} us, and {mean} us on average");
}
