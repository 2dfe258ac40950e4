//! Compares the file store with the same operations of the operating system.
//!
//! `cargo bench --bench store`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a benchmark may stop where its own input is wrong, and does by hand what the store does"
)]

mod timing;

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use provider_auth::select::Receipt;
use provider_auth::{
    AuthProfileStore, AuthProfiles, FileStore, ProfileId, ProfileSelector, ProviderId, RecordOutcome, Timestamp,
};

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("auth-profiles.json");
    let text = document(64);
    fs::write(&path, &text).unwrap();
    println!("{} bytes, 64 profiles", text.len());

    timing::head("file store");
    let store = FileStore::new(&path).unwrap();
    // Until then the file counts as just written, and is read again each time.
    std::thread::sleep(Duration::from_millis(3_100));
    let cached = timing::pair(|| store.load().unwrap(), || fs::metadata(&path).unwrap());
    timing::row("cached load, against one stat", cached, "aim: below 3");

    let cold = timing::pair(
        || FileStore::new(&path).unwrap().load().unwrap(),
        || serde_json::from_slice::<serde_json::Value>(&fs::read(&path).unwrap()).unwrap(),
    );
    timing::row("cold load, against serde_json", cold, "aim: below 1.5");
    let parse = timing::pair(
        || AuthProfiles::from_json(&text).unwrap(),
        || serde_json::from_str::<serde_json::Value>(&text).unwrap(),
    );
    timing::row("of that, parsing", parse, "");

    let mut turn = 0;
    let by_hand = directory.path().join("by-hand.json");
    let update = timing::pair(
        || {
            turn += 1;
            succeed(&store, turn % 64, turn);
        },
        || replace_by_hand(&by_hand, text.as_bytes()),
    );
    timing::row("durable update, against the bare replacement", update, "aim: below 1.3");

    println!();
    for writers in [4, 16] {
        let (many, one) = in_turn(|| updates(&store, writers), || updates(&store, 1));
        let ratio = many / one;
        println!(
            "{writers:>2} writers {many:>9.0} updates/s, {ratio:.2} of one writer's {one:.0}   aim: not below 0.80"
        );
    }
    for readers in [2, 4, 16] {
        let (many, one) = in_turn(|| reads(&store, readers), || reads(&store, 1));
        let ratio = many / one;
        println!(
            "{readers:>2} readers beside one writer {many:>9.0} reads/s, {ratio:.2} of one reader's {one:.0}   aim: not below 1"
        );
    }
}

/// The medians of two rates that are measured by turns, because the speed of a disk drifts by more than they differ.
fn in_turn(mut subject: impl FnMut() -> f64, mut baseline: impl FnMut() -> f64) -> (f64, f64) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..9 {
        a.push(subject());
        b.push(baseline());
    }
    let median = |mut rates: Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN)
    };
    (median(a), median(b))
}

/// Statistics of one profile change.
fn succeed(store: &FileStore, profile: u64, now: u64) {
    let id = ProfileId::new(format!("anthropic:profile-{profile}")).unwrap();
    let now = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(now).unwrap());
    let receipt = Receipt::new(id, ProviderId::anthropic(), None, now);
    store.record_success(&ProfileSelector::default(), &receipt, now).unwrap();
}

fn replace_by_hand(path: &Path, bytes: &[u8]) {
    let temporary = path.with_extension("tmp");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&temporary).unwrap();
    file.write_all(bytes).unwrap();
    file.sync_all().unwrap();
    fs::rename(&temporary, path).unwrap();
    File::open(path.parent().unwrap()).unwrap().sync_all().unwrap();
}

const PERIOD: Duration = Duration::from_millis(200);

/// Updates a second of this many threads together.
fn updates(store: &FileStore, writers: u64) -> f64 {
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let (done, stop) = (&done, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    succeed(store, writer, done.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
        std::thread::sleep(PERIOD);
        stop.store(true, Ordering::Relaxed);
    });
    done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

/// Reads a second of this many threads together, beside one thread that writes all the time.
fn reads(store: &FileStore, readers: u64) -> f64 {
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let start = Instant::now();
    std::thread::scope(|scope| {
        let (done, stop) = (&done, &stop);
        scope.spawn(move || {
            for turn in 0.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                succeed(store, 0, turn);
            }
        });
        for _ in 0..readers {
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    black_box(store.load().unwrap());
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(PERIOD);
        stop.store(true, Ordering::Relaxed);
    });
    done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

fn document(count: usize) -> String {
    let (mut profiles, mut usage) = (String::new(), String::new());
    for n in 0..count {
        let comma = if n == 0 { "" } else { "," };
        write!(
            profiles,
            "{comma}\n    \"anthropic:profile-{n}\": {{\n      \"type\": \"api_key\",\n      \"provider\": \"anthropic\",\n      \
             \"key\": \"sk-ant-api03-{n:080}\",\n      \"email\": \"user{n}@example.com\"\n    }}"
        )
        .unwrap();
        write!(
            usage,
            "{comma}\n    \"anthropic:profile-{n}\": {{\n      \"lastUsed\": 17000000{n:05},\n      \"errorCount\": 0\n    }}"
        )
        .unwrap();
    }
    format!("{{\n  \"version\": 1,\n  \"profiles\": {{{profiles}\n  }},\n  \"usageStats\": {{{usage}\n  }}\n}}\n")
}
