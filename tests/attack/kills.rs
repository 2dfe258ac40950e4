//! Processes that count in one file, or two, and are killed at random: no acknowledged update is lost, and readers see
//! only whole updates.
//!
//! A child process is this test binary, run again with `child`, which does nothing unless its environment asks for it.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use provider_auth::store::{Durability, StateFile};
use provider_auth::{
    AuthProfileStore as _, AuthProfileStoreExt as _, AuthProfiles, Credential, FileStore, ProviderId, Result, Secret,
};

use crate::driver::{Random, time};
use crate::support::{id, provider};

const TASK: &str = "PROVIDER_AUTH_TEST_COUNTS";
const FILE: &str = "PROVIDER_AUTH_TEST_FILE";
const WRITERS: u64 = 8;
const ALL: &str = "anthropic:all";

#[derive(Clone, Copy)]
struct Kept {
    name: &'static str,
    layout: StateFile,
    durability: Durability,
}

const WAYS: [Kept; 3] = [
    Kept { name: "one file", layout: StateFile::Auto, durability: Durability::Full },
    Kept { name: "two files", layout: StateFile::Separate, durability: Durability::Full },
    Kept { name: "two files, relaxed", layout: StateFile::Separate, durability: Durability::Relaxed },
];

impl Kept {
    /// Counting is about exclusion, not about a slow disk.
    fn store(self, file: &Path) -> FileStore {
        let builder = FileStore::builder().path(file).lock_wait(Duration::from_secs(120));
        builder.state_file(self.layout).durability(self.durability).build().unwrap()
    }
}

fn own(writer: u64) -> String {
    format!("anthropic:{writer}")
}

/// A number kept as a key, which is among the credentials.
fn number(profiles: &AuthProfiles, name: &str) -> u64 {
    let Some(profile) = profiles.get(name) else { return 0 };
    let key = profile.credential().unwrap().secret().expose().trim_start_matches("made-up-").parse().unwrap();
    assert_eq!(profile.email(), Some(&*format!("{key}")), "one entry is of one update");
    key
}

/// A number kept as an order, which is in the second file where there are two.
fn state(profiles: &AuthProfiles, writer: u64) -> u64 {
    let order = profiles.order(&provider(&format!("p{writer}")));
    order.map_or(0, |ids| ids[0].as_str().trim_start_matches("p:").parse().unwrap())
}

fn count(profiles: &mut AuthProfiles, writer: u64) -> Result<u64> {
    for name in [ALL, &own(writer)] {
        let next = number(profiles, name) + 1;
        let key = Credential::api_key(Secret::new(format!("made-up-{next}")));
        profiles.upsert(&id(name), &ProviderId::anthropic(), &key, Some(&next.to_string()))?;
    }
    let next = number(profiles, &own(writer));
    profiles.set_order(&provider(&format!("p{writer}")), &[id(&format!("p:{next}"))])?;
    Ok(next)
}

/// Counts until it is killed, and says every number that is acknowledged. As a test of its own it does nothing.
#[test]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let (way, writer) = task.split_once(' ').unwrap();
    let store = WAYS[way.parse::<usize>().unwrap()].store(&PathBuf::from(std::env::var(FILE).unwrap()));
    let (mut out, writer) = (std::io::stdout().lock(), writer.parse().unwrap());
    loop {
        let counted = store.transact(|profiles| count(profiles, writer)).unwrap();
        writeln!(out, "={counted}").unwrap();
        out.flush().unwrap();
    }
}

fn spawn(way: usize, writer: u64, file: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["kills::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(TASK, format!("{way} {writer}"))
        .env(FILE, file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// One life of a writer after the other, until the time is over; gives how many there were and the last number said.
fn lives(way: usize, writer: u64, file: &Path, end: Instant) -> (u64, u64) {
    let (mut kills, mut acknowledged, mut random) = (0, 0, Random::new(97 * writer + 11));
    while kills == 0 || Instant::now() < end {
        let mut child = spawn(way, writer, file);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(std::result::Result::ok);
        // The test harness begins a line of its own that it does not end.
        let mut said = lines.filter_map(|line| line.rsplit_once('=')?.1.parse::<u64>().ok());
        let first = said.next().unwrap();
        std::thread::sleep(Duration::from_micros(random.below(200_000) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        let last = said.last().unwrap_or(first);
        assert!(first > acknowledged, "{first} after {acknowledged} was acknowledged");
        let found = WAYS[way].store(file).load().unwrap();
        let (kept, second) = (number(&found, &own(writer)), state(&found, writer));
        assert!(kept == last || kept == last + 1, "{kept} is kept, {last} was acknowledged");
        assert!(second == last || second == kept, "{second} is kept in the state, {last} was acknowledged");
        // The one that was not said is nobody's promise, but it is counted.
        (kills, acknowledged) = (kills + 1, last);
    }
    (kills, acknowledged)
}

/// Files beside the store's own.
fn temporary(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).unwrap();
    entries.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("-tmp-")).count()
}

fn whole(profiles: &AuthProfiles) -> u64 {
    let all = number(profiles, ALL);
    assert_eq!(all, (0..WRITERS).map(|writer| number(profiles, &own(writer))).sum::<u64>(), "an update in part");
    all
}

fn counted(way: usize) {
    let (kept, directory) = (WAYS[way], tempfile::tempdir().unwrap());
    let file = directory.path().join("auth-profiles.json");
    kept.store(&file).transact(|profiles| profiles.set_order(&provider("p"), &[id("p:1")])).unwrap();
    let (start, end) = (Instant::now(), Instant::now() + time(Duration::from_secs(3)));
    let (working, reads, most) = (AtomicU64::new(WRITERS), AtomicU64::new(0), AtomicU64::new(0));
    let ends: Vec<(u64, u64)> = std::thread::scope(|scope| {
        scope.spawn(|| {
            let store = kept.store(&file);
            let mut last = 0;
            while working.load(Ordering::SeqCst) > 0 {
                // By turns with a store that knows the file, and with one that does not.
                let again = reads.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
                let now = whole(&if again { store.load() } else { kept.store(&file).load() }.unwrap());
                assert!(now >= last, "{now} after {last}");
                last = now;
                let is_private = |found: std::fs::Metadata| found.permissions().mode() & 0o7777 == 0o600;
                assert!(file.metadata().map_or(now == 0, is_private));
                most.fetch_max(temporary(directory.path()) as u64, Ordering::SeqCst);
            }
        });
        let writers = (0..WRITERS).map(|writer| {
            let (file, working) = (&file, &working);
            scope.spawn(move || {
                let ended = std::panic::catch_unwind(|| lives(way, writer, file, end));
                working.fetch_sub(1, Ordering::SeqCst);
                ended.unwrap()
            })
        });
        writers.collect::<Vec<_>>().into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let found = kept.store(&file).load().unwrap();
    for (writer, (_, acknowledged)) in (0..).zip(&ends) {
        assert!(number(&found, &own(writer)) >= *acknowledged);
    }
    let (all, kills) = (whole(&found), ends.iter().map(|(kills, _)| kills).sum::<u64>());
    // The first update of the next store sweeps up, and finds no lock held.
    let swept = FileStore::builder().path(&file).state_file(kept.layout).lock_wait(Duration::from_millis(500));
    swept.build().unwrap().update(&mut |_| Ok(())).unwrap();
    assert_eq!(temporary(directory.path()), 0);
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600, "{}", entry.file_name().display());
    }
    let (reads, most) = (reads.into_inner(), most.into_inner());
    let name = kept.name;
    println!(
        "{name}: {all} updates, {kills} kills, {reads} reads, at most {most} temporary files, {:?}",
        start.elapsed()
    );
    assert!(reads > 0 && all >= WRITERS && most <= WRITERS, "{reads} reads, {most} temporary files");
}

#[test]
fn no_acknowledged_update_is_lost_by_processes_that_are_killed_at_random() {
    (0..WAYS.len()).for_each(counted);
}
