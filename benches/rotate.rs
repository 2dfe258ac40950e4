//! Compares calls through the rotator with plain `reqwest` to the same server, in the same run and on the same runtime.
//!
//!     cargo bench --bench rotate
//!     cargo bench --bench rotate -- "durable 0 1"    only the rows whose name, delay and calls have this in them
//!
//! The server answers on loopback from a separate thread. `stall` is the longest delay of a timer on the runtime's only
//! thread that is due every millisecond. `cpu` is the processor time of a call relative to a plain one (Linux; without
//! the server's thread), which is more reliable than rates while other programs run. `added` is the extra time until
//! the median reply, and `writes` the number of updates of the store for 500 outcomes. `memory` is the largest amount
//! that the calls of a new client had allocated at any time, with their connections and without the server's thread, by
//! the number of calls.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark measures and prints"
)]

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use provider_auth::request::EndpointKind;
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Call, Config, Credential, Endpoint, Environment, FileStore,
    MemoryStore, ProfileId, ProviderId, ReadOptions, Result, Rotator, Secret,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const BODY: &str = r#"{"model":"claude-opus-4-5","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}"#;
const ANSWER: &str = r#"{"type":"message","role":"assistant","content":[{"type":"text","text":"Hi"}]}"#;
const PROFILES: &str = r#"{"version": 1, "profiles": {
    "anthropic:a": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-a"},
    "anthropic:b": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-b"}}}"#;

/// Makes one call.
type MakeCall = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

fn main() {
    let directory = tempfile::tempdir().unwrap();
    println!(
        "{:<20} {:>9} {:>5} {:>9} {:>9} {:>6} {:>13} {:>9} {:>7} {:>9}",
        "", "server", "calls", "plain/s", "rotator/s", "ratio", "cpu us/plain", "added us", "writes", "stall"
    );
    for delay in [Duration::ZERO, Duration::from_millis(50)] {
        let url = serve(delay);
        for at_once in [1, 64, 500] {
            let memory: Arc<dyn AuthProfileStore> =
                Arc::new(MemoryStore::new(AuthProfiles::from_json(PROFILES).unwrap()));
            let path = directory.path().join(format!("{}-{at_once}.json", delay.as_millis()));
            let file = FileStore::new(&path).unwrap();
            for name in ["anthropic:a", "anthropic:b"] {
                let key = Credential::api_key(Secret::new(format!("sk-ant-{name}")));
                file.upsert(&ProfileId::new(name).unwrap(), &ProviderId::anthropic(), &key, None).unwrap();
            }
            row("MemoryStore", &url, memory, delay, at_once);
            row("FileStore, durable", &url, Arc::new(file), delay, at_once);
        }
    }
    if std::env::args().skip(1).all(|argument| argument.starts_with("--")) {
        memory(&serve(Duration::from_millis(50)), 500);
    }
}

/// Makes calls with plain `reqwest`, and a client of its own.
fn plain(url: &str) -> MakeCall {
    let (client, target) = (reqwest::Client::new(), format!("{url}/v1/messages"));
    Arc::new(move || {
        let request = client.post(&target).header("x-api-key", "sk-ant-a").body(BODY);
        Box::pin(async move {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.bytes().await.unwrap().len(), ANSWER.len());
        })
    })
}

/// Makes calls through a rotator of its own.
fn rotated(url: &str, store: Arc<dyn AuthProfileStore>) -> MakeCall {
    let rotator = rotator(url, store);
    Arc::new(move || {
        let rotator = rotator.clone();
        Box::pin(async move {
            let call = Call::new("anthropic/claude-opus-4-5".parse().unwrap()).body(BODY);
            let reply = rotator.send(&call).await.unwrap();
            assert_eq!((reply.attempts().len(), reply.unrecorded()), (1, None));
        })
    })
}

/// A store that counts its updates.
#[derive(Debug)]
struct Counted(Arc<dyn AuthProfileStore>, Arc<AtomicUsize>);

impl AuthProfileStore for Counted {
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        self.0.load()
    }

    fn try_load(&self) -> Option<Arc<AuthProfiles>> {
        self.0.try_load()
    }

    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.update(change)
    }

    fn may_block(&self) -> bool {
        self.0.may_block()
    }
}

/// Measures both in turn, five times each, and prints the medians.
fn row(name: &str, url: &str, store: Arc<dyn AuthProfileStore>, delay: Duration, at_once: usize) {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let label = format!("{name} {} {at_once} ", delay.as_millis());
    if wanted.is_some_and(|wanted| !label.contains(&format!("{wanted} "))) {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let updates = Arc::new(AtomicUsize::new(0));
    let (plain, rotated) = (plain(url), rotated(url, Arc::new(Counted(store, Arc::clone(&updates)))));
    let (mut plain_runs, mut runs, mut stall) = (Vec::new(), Vec::new(), Duration::ZERO);
    for _ in 0..5 {
        plain_runs.push(runtime.block_on(run(&plain, delay, at_once)));
        let done = Arc::new(AtomicBool::new(false));
        let watch = runtime.spawn(watch(Arc::clone(&done)));
        runs.push(runtime.block_on(run(&rotated, delay, at_once)));
        done.store(true, Ordering::Relaxed);
        stall = stall.max(runtime.block_on(watch).unwrap());
    }
    let of = |runs: &[Run], value: fn(&Run) -> f64| median(&mut runs.iter().map(value).collect::<Vec<_>>());
    let (plain, ours) = (of(&plain_runs, |run| run.rate), of(&runs, |run| run.rate));
    let (plain_cpu, cpu) = (of(&plain_runs, |run| run.cpu), of(&runs, |run| run.cpu));
    let added = of(&runs, |run| run.latency) - of(&plain_runs, |run| run.latency);
    let calls: f64 = runs.iter().map(|run| run.calls).sum();
    println!(
        "{name:<20} {:>6} ms {at_once:>5} {plain:>9.0} {ours:>9.0} {:>6.2} {cpu:>6.0}/{plain_cpu:>6.0} {added:>9.0} {:>7.2} {:>6.1} ms",
        delay.as_millis(),
        ours / plain,
        updates.load(Ordering::Relaxed) as f64 * 500.0 / calls,
        stall.as_secs_f64() * 1e3
    );
}

/// What half a second of calls came to: calls a second, and the processor's time and the median reply of one in us.
struct Run {
    calls: f64,
    rate: f64,
    cpu: f64,
    latency: f64,
}

/// The processor's time of this process in us, without the threads of servers; 0 where that is not known.
fn cpu() -> f64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return 0.0 };
    let of = |path: &std::path::Path| {
        let is_server = std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == SERVER);
        let times = std::fs::read_to_string(path.join("schedstat")).ok().filter(|_| !is_server)?;
        times.split(' ').next()?.parse::<f64>().ok()
    };
    threads.filter_map(|thread| of(&thread.ok()?.path())).sum::<f64>() / 1e3
}

const SERVER: &str = "server";

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Prints what a call in flight takes, the medians of three new clients each.
fn memory(url: &str, at_once: usize) {
    let (mut plain_peaks, mut peaks) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        plain_peaks.push(peak(&plain(url), at_once));
        let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(PROFILES).unwrap()));
        peaks.push(peak(&rotated(url, store), at_once));
    }
    let (plain, ours) = (median(&mut plain_peaks), median(&mut peaks));
    println!("\n{:<28} {:>9} {:>5} {:>11} {:>11} {:>7}", "memory", "server", "calls", "plain", "rotator", "ratio");
    println!("{:<28} {:>6} ms {at_once:>5} {plain:>7.1} KiB {ours:>7.1} KiB {:>7.2}", "MemoryStore", 50, ours / plain);
}

/// The most that is allocated while so many calls are under way, in KiB for each. All of them run in this thread.
fn peak(call: &MakeCall, at_once: usize) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let info = allocation_counter::measure(|| {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..at_once).map(|_| tokio::spawn(call())).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
    info.bytes_max as f64 / at_once as f64 / 1024.0
}

/// So many calls under way at any time, over about half a second.
async fn run(call: &MakeCall, delay: Duration, at_once: usize) -> Run {
    let (begun, before) = (Instant::now(), cpu());
    let end = begun + Duration::from_millis(500).max(delay * 8);
    let tasks: Vec<_> = (0..at_once)
        .map(|_| {
            let call = Arc::clone(call);
            tokio::spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < end {
                    let begun = Instant::now();
                    call().await;
                    times.push(begun.elapsed().as_secs_f64() * 1e6);
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    let (took, calls) = (begun.elapsed().as_secs_f64(), times.len() as f64);
    Run { calls, rate: calls / took, cpu: (cpu() - before) / calls, latency: median(&mut times) }
}

async fn watch(done: Arc<AtomicBool>) -> Duration {
    let mut longest = Duration::ZERO;
    while !done.load(Ordering::Relaxed) {
        let before = Instant::now();
        tokio::time::sleep(Duration::from_millis(1)).await;
        longest = longest.max(before.elapsed().saturating_sub(Duration::from_millis(2)));
    }
    longest
}

fn rotator(url: &str, store: Arc<dyn AuthProfileStore>) -> Rotator {
    let config = Config::from_json5_str("{}", &ReadOptions::new().environment(Environment::empty())).unwrap();
    let endpoint = Endpoint::new(url).unwrap().with_kind(EndpointKind::Anthropic);
    Rotator::builder(store).config(config).endpoint(ProviderId::anthropic(), endpoint).build().unwrap()
}

/// Answers every request after a delay, from a thread with a runtime of its own.
fn serve(delay: Duration) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let thread = std::thread::Builder::new().name(SERVER.to_owned());
    let serving = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ANSWER}",
                        ANSWER.len()
                    );
                    let (mut buffer, mut filled) = (vec![0; 64 << 10], 0);
                    while let Ok(read) = stream.read(&mut buffer[filled..]).await {
                        filled += read;
                        if read == 0 {
                            break;
                        }
                        // Its end tells that the whole request is there: nothing else in it ends with a brace.
                        if !buffer[..filled].ends_with(b"}") {
                            continue;
                        }
                        filled = 0;
                        if !delay.is_zero() {
                            tokio::time::sleep(delay).await;
                        }
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
    };
    thread.spawn(serving).unwrap();
    format!("http://{address}")
}
