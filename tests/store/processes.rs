//! The file store used by several processes: some are killed, many write, many wait.
//!
//! A child process is this test binary, run again with `child`, which does nothing unless its environment asks for it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test stops where something is wrong, and looks at files and clocks from outside"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use provider_auth::store::{Durability, StateFile};
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Credential, ErrorKind, FileStore, ProfileId, ProviderId,
    Secret,
};

const TASK: &str = "PROVIDER_AUTH_TEST_TASK";
const FILE: &str = "PROVIDER_AUTH_TEST_FILE";
const COUNT: &str = "PROVIDER_AUTH_TEST_COUNT";

fn spawn(task: &str, file: &Path, count: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["processes::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(TASK, task)
        .env(FILE, file)
        .env(COUNT, count.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What a child does. As a test of its own it does nothing.
#[test]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let file = PathBuf::from(std::env::var(FILE).unwrap());
    let count: u64 = std::env::var(COUNT).unwrap().parse().unwrap();
    match task.as_str() {
        "write" => write_generations(&file),
        "increment" => increment(&patient(&file), count),
        "read" => read_generations(&file, count),
        "hold" => hold(&file),
        "lease" => lease(&file, count),
        other => panic!("no task {other}"),
    }
}

/// Tests are about exclusion, not about a slow disk: nothing here depends on how long a sync takes.
fn patient(file: &Path) -> FileStore {
    FileStore::builder().path(file).lock_wait(Duration::from_secs(300)).build().unwrap()
}

fn id() -> ProfileId {
    ProfileId::new("anthropic:count").unwrap()
}

const FILLING: usize = 1000;

/// Windows is tested in an emulation, in which every step takes many times as long.
const fn fewer(times: u64, on_windows: u64) -> u64 {
    if cfg!(windows) { on_windows } else { times }
}

/// Nobody but the owner has rights. On Windows that is the directory's affair.
fn assert_private(path: &Path, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, mode);
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
}

/// A generation is a document whose key says its number; the filling makes a part of it easy to tell from the whole.
fn set_generation(profiles: &mut AuthProfiles, generation: u64) -> provider_auth::Result<()> {
    let filling = "x".repeat(FILLING);
    let key = Credential::api_key(Secret::new(format!("{generation}-{filling}")));
    profiles.upsert(&id(), &ProviderId::anthropic(), &key, Some(&generation.to_string()))
}

fn generation(profiles: &AuthProfiles) -> u64 {
    let Some(profile) = profiles.get(id().as_str()) else { return 0 };
    let key = profile.credential().unwrap().secret().expose().to_owned();
    let (number, filling) = key.split_once('-').unwrap();
    assert_eq!(profile.email(), Some(number), "one entry is of one generation");
    assert_eq!(filling.len(), FILLING);
    number.parse().unwrap()
}

fn increment(store: &FileStore, times: u64) {
    for _ in 0..times {
        store.transact(|profiles| set_generation(profiles, generation(profiles) + 1)).unwrap();
    }
}

/// Says every generation once it is committed.
fn write_generations(file: &Path) {
    let store = patient(file);
    let mut out = std::io::stdout().lock();
    loop {
        let now = store.transact(|profiles| {
            let next = generation(profiles) + 1;
            set_generation(profiles, next)?;
            Ok(next)
        });
        writeln!(out, "={}", now.unwrap()).unwrap();
        out.flush().unwrap();
    }
}

/// Reads until its input ends, by turns with a store and with nothing but a parser, and never sees the number fall.
fn read_generations(file: &Path, most: u64) {
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ = std::io::stdin().lines().next();
            ended.store(true, Ordering::SeqCst);
        });
        let store = FileStore::new(file).unwrap();
        let (mut last, mut reads) = (0, 0_u64);
        while !ended.load(Ordering::SeqCst) {
            let now = if reads.is_multiple_of(2) {
                generation(&store.load().unwrap())
            } else {
                // On Windows a file may be kept from those who have no patience while it is replaced.
                let text = match std::fs::read_to_string(file) {
                    Err(_) if cfg!(windows) => continue,
                    text => text.unwrap(),
                };
                generation(&AuthProfiles::from_json(&text).unwrap())
            };
            assert!((last..=most).contains(&now), "generation {now} after {last}");
            last = now;
            reads += 1;
            // Four readers that never rest would take both processors of a small machine from the writers.
            // Wine lets no file be replaced while anybody has it open, which Windows does: there they rest longer.
            std::thread::sleep(Duration::from_micros(fewer(500, 20_000)));
        }
        println!("={reads}");
    });
}

/// Takes the write lock and keeps it until it is killed.
fn hold(file: &Path) {
    patient(file)
        .update(&mut |_| {
            println!("=0");
            loop {
                std::thread::park();
            }
        })
        .unwrap();
}

/// Takes the lease, and inside it spends the one token that is there.
fn lease(file: &Path, times: u64) {
    let store = patient(file);
    for _ in 0..times {
        let _lease = store.lease(&id(), Duration::from_secs(60)).unwrap();
        let inside = file.with_extension("inside");
        let marker = std::fs::OpenOptions::new().write(true).create_new(true).open(&inside);
        assert!(marker.is_ok(), "somebody else holds the same lease");
        std::fs::remove_file(&inside).unwrap();
    }
}

/// The numbers a child says, one a line.
fn said(child: &mut Child) -> impl Iterator<Item = u64> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The test harness writes lines of its own, and begins one that it does not end.
    lines.map_while(Result::ok).filter_map(|line| line.rsplit_once('=')?.1.parse().ok())
}

fn temporary_files(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).unwrap();
    entries.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("-tmp-")).count()
}

#[test]
fn a_kill_at_any_moment_leaves_a_whole_private_file_and_no_lock() {
    const KILLS: u64 = fewer(300, 50);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("auth-profiles.json");
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut slowest = Duration::ZERO;
    let (mut known, mut progress, mut leftovers) = (0, 0, 0);
    for _ in 0..KILLS {
        let mut child = spawn("write", &file, 0);
        let mut said = said(&mut child);
        // The first word shows that it is at work; then a moment of its choosing within a few updates.
        let first = said.next().unwrap();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_micros((seed >> 33) % 6000));
        child.kill().unwrap();
        child.wait().unwrap();
        let reported = said.last().unwrap_or(first);

        let freed = Instant::now();
        // Windows says of a killed process's lock that it ends, and not when.
        let wait = Duration::from_millis(fewer(50, 2_000));
        let store = FileStore::builder().path(&file).lock_wait(wait).build().unwrap();
        store.update(&mut |_| Ok(())).unwrap();
        slowest = slowest.max(freed.elapsed());

        let text = std::fs::read_to_string(&file).unwrap();
        let now = generation(&AuthProfiles::from_json(&text).unwrap());
        assert!(now == reported || now == reported + 1, "{now} in the file, {reported} reported");
        assert_eq!(generation(&store.load().unwrap()), now);
        assert_private(&file, 0o600);
        assert!(reported > known);
        progress += now - known;
        known = now;
        leftovers = leftovers.max(temporary_files(directory.path()));
    }
    assert_eq!(leftovers, 0, "the first update of the next store sweeps up");
    println!("{KILLS} kills, {progress} generations, lock and look after a kill at most {slowest:?}");
}

#[test]
fn no_update_is_lost_between_processes_and_threads() {
    // `PROVIDER_AUTH_ATTACK_SECONDS` gives them the time to count to more.
    let is_short = std::env::var_os("PROVIDER_AUTH_ATTACK_SECONDS").is_none();
    let (each, of_a_thread) = if is_short { (200, fewer(25, 5)) } else { (500, 500) };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("auth-profiles.json");
    let store = patient(&file);
    increment(&store, 1);
    let most = 1 + 8 * (each + of_a_thread);
    let mut readers: Vec<Child> = (0..fewer(4, 2)).map(|_| spawn("read", &file, most)).collect();
    let mut writers: Vec<Child> = (0..8).map(|_| spawn("increment", &file, each)).collect();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (store, file) = (&store, &file);
            // Half of them share a store, half have one of their own.
            scope.spawn(move || match thread {
                0..4 => increment(store, of_a_thread),
                _ => increment(&patient(file), of_a_thread),
            });
        }
    });
    for writer in &mut writers {
        assert!(writer.wait().unwrap().success());
    }
    for reader in &mut readers {
        drop(reader.stdin.take());
        assert!(said(reader).last().unwrap() > 20);
        assert!(reader.wait().unwrap().success());
    }
    assert_eq!(generation(&store.load().unwrap()), most);
    assert_eq!(temporary_files(directory.path()), 0);
}

#[test]
fn waiting_for_a_lock_ends_with_an_error_that_says_what_happened() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("auth-profiles.json");
    let store = FileStore::builder().path(&file).lock_wait(Duration::from_millis(200)).build().unwrap();
    increment(&store, 1);
    let mut holder = spawn("hold", &file, 0);
    assert_eq!(said(&mut holder).next(), Some(0));

    let start = Instant::now();
    let error = store.update(&mut |_| Ok(())).unwrap_err();
    let waited = start.elapsed();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.is_transient());
    assert!((Duration::from_millis(200)..Duration::from_secs(2)).contains(&waited), "{waited:?}");
    let text = error.to_string();
    assert!(text.contains(" ms") && text.contains("attempts") && text.contains("provider-auth-lock"), "{text}");
    assert_eq!(generation(&store.load().unwrap()), 1, "readers do not wait");

    // The kernel gives the lock back when the holder dies.
    holder.kill().unwrap();
    holder.wait().unwrap();
    let start = Instant::now();
    increment(&store, 1);
    assert!(start.elapsed() < Duration::from_millis(fewer(200, 2_000)));
}

/// Deletes or renames a lock file that nobody holds.
#[cfg(unix)]
fn take_away(lock: &Path, round: usize, directory: &Path) {
    use std::os::unix::fs::MetadataExt as _;

    let Ok(handle) = std::fs::File::options().read(true).write(true).open(lock) else { return };
    handle.lock().unwrap();
    let here = lock.metadata().is_ok_and(|here| here.ino() == handle.metadata().unwrap().ino());
    if here && round.is_multiple_of(2) {
        std::fs::remove_file(lock).unwrap();
    } else if here {
        std::fs::rename(lock, directory.join(format!("gone-{round}"))).unwrap();
    }
}

/// The same: as long as somebody has it open, which is everybody who holds it or waits for it, the system refuses.
#[cfg(not(unix))]
fn take_away(lock: &Path, round: usize, directory: &Path) {
    if round.is_multiple_of(2) {
        let _ = std::fs::remove_file(lock);
    } else {
        let _ = std::fs::rename(lock, directory.join(format!("gone-{round}")));
    }
}

#[test]
fn a_lock_file_that_is_deleted_or_renamed_still_excludes() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("auth-profiles.json");
    let lock = directory.path().join(".auth-profiles.json.provider-auth-lock");
    increment(&patient(&file), 1);
    let mut writers: Vec<Child> = (0..4).map(|_| spawn("increment", &file, 100)).collect();
    // Whoever opened the old file and waits for its lock must see that it is no longer the lock file. Nobody holds it
    // at the moment it goes: a lock that is taken away from under its holder cannot be defended.
    for round in 0..60 {
        take_away(&lock, round, directory.path());
        std::thread::sleep(Duration::from_millis(2));
    }
    for writer in &mut writers {
        assert!(writer.wait().unwrap().success());
    }
    assert_eq!(generation(&patient(&file).load().unwrap()), 401);
}

#[test]
fn a_lease_is_held_by_one_process_and_lets_updates_through() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("auth-profiles.json");
    let store = patient(&file);
    let mut children: Vec<Child> = (0..6).map(|_| spawn("lease", &file, 20)).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let lease = store.lease(&id(), Duration::ZERO).unwrap();
    let mut writer = spawn("increment", &file, 3);
    assert!(writer.wait().unwrap().success());
    drop(lease);
    assert_eq!(generation(&store.load().unwrap()), 3);
    // A profile id is only hashed: it leads nowhere.
    let odd = ProfileId::new("../../../etc/x").unwrap();
    drop(store.lease(&odd, Duration::ZERO).unwrap());
    let leases = directory.path().join(".auth-profiles.json.provider-auth-leases");
    let names = std::fs::read_dir(&leases).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.filter(|name| Path::new(name).extension().is_some_and(|end| end == "lock")).count(), 2);
    assert_private(&leases, 0o700);
}

#[test]
fn other_processes_writes_are_seen_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("auth-profiles.json");
    for layout in [StateFile::Auto, StateFile::Separate] {
        let relaxed = || FileStore::builder().path(&file).durability(Durability::Relaxed).state_file(layout);
        let (one, two) = (relaxed().build().unwrap(), relaxed().build().unwrap());
        let anthropic = ProviderId::anthropic();
        increment(&one, 1);
        // Orders of equal length: size never tells them apart.
        let orders: Vec<[ProfileId; 1]> =
            (10..99).map(|n| [ProfileId::new(format!("anthropic:{n}")).unwrap()]).collect();
        for round in 0..if cfg!(windows) { 300 } else { 1000 } {
            let order = &orders[round % orders.len()];
            let (writer, reader) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
            writer.transact(|profiles| profiles.set_order(&anthropic, order)).unwrap();
            assert_eq!(reader.load().unwrap().order(&anthropic), Some(&order[..]), "round {round}");
            assert_eq!(writer.load().unwrap().order(&anthropic), Some(&order[..]), "round {round}");
        }
    }
}
