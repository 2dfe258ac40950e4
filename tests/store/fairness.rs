//! Fairness of the lock between processes that never pause.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test stops where something is wrong, and looks at clocks from outside"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use provider_auth::store::Durability;
use provider_auth::{AuthProfileStore, AuthProfileStoreExt, FileStore, ProfileId, ProviderId};

const FILE: &str = "PROVIDER_AUTH_TEST_CROWDED_FILE";
const WHAT: &str = "PROVIDER_AUTH_TEST_CROWDED";

const PROCESSES: usize = 32;
const RUN: Duration = Duration::from_secs(3);

/// Takes the lock again and again without a pause until its input ends, then says how often, for how long in all, and how
/// long at most it waited, in microseconds. As a test of its own it does nothing.
#[test]
fn child() {
    let Ok(what) = std::env::var(WHAT) else { return };
    let file = PathBuf::from(std::env::var(FILE).unwrap());
    let store = FileStore::builder()
        .path(file)
        .durability(Durability::Relaxed)
        .lock_wait(Duration::from_secs(120))
        .build()
        .unwrap();
    let (anthropic, id) = (ProviderId::anthropic(), ProfileId::new("anthropic:a").unwrap());
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
            let start = Instant::now();
            let waited = if what == "lease" {
                let lease = store.lease(&id, Duration::from_secs(120)).unwrap();
                let waited = start.elapsed();
                // As long as an update takes: beside a lease that lasts no time at all, a processor that is busy elsewhere
                // is what is waited for.
                std::thread::sleep(Duration::from_millis(1));
                drop(lease);
                waited
            } else {
                let mut waited = Duration::ZERO;
                store
                    .transact(|profiles| {
                        waited = start.elapsed();
                        let order = [ProfileId::new(&format!("anthropic:{count}"))?];
                        profiles.set_order(&anthropic, &order)
                    })
                    .unwrap();
                waited
            };
            count += 1;
            sum += waited;
            longest = longest.max(waited);
        }
        println!("={count} {} {}", sum.as_micros(), longest.as_micros());
    });
}

fn spawn(what: &str, file: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["fairness::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(WHAT, what)
        .env(FILE, file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the child said last, after the mark.
fn said(lines: &mut impl Iterator<Item = String>) -> String {
    lines.find_map(|line| Some(line.rsplit_once('=')?.1.to_owned())).unwrap()
}

#[test]
fn nobody_waits_twenty_times_as_long_as_all_do() {
    for what in ["update", "lease"] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("auth-profiles.json");
        let mut children: Vec<Child> = (0..PROCESSES).map(|_| spawn(what, &file)).collect();
        let outs = children.iter_mut().map(|child| BufReader::new(child.stdout.take().unwrap()).lines());
        let mut outs: Vec<_> = outs.map(|lines| lines.map_while(Result::ok)).collect();
        for out in &mut outs {
            assert_eq!(said(out), "ready");
        }
        for child in &mut children {
            writeln!(child.stdin.as_mut().unwrap()).unwrap();
        }
        std::thread::sleep(RUN);
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
        let share = counts().min().unwrap() * PROCESSES as u64 * 100 / all;
        println!(
            "{what}: {PROCESSES} processes, {all} times, waited {mean} us on average, {longest} us at most \
             ({ratio} times that); the slowest got {share} % of its share"
        );
        assert!(longest <= 20 * mean, "{longest} us, and {mean} us on average");
    }
}
