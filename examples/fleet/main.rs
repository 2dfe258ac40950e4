//! Several machines, simulated by processes, share credentials on Redis: what it costs that keys are limited, an OAuth credential
//! expires and one machine dies.
//!
//!     cargo run --example fleet --features redis [-- [URL] [--json]]
//!
//! It starts a `redis-server` on a free port of loopback, or takes the URL of one, and a scripted provider. It needs neither a key
//! nor a network. With `--json` the last line is one object with the figures.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its reader")]
#![expect(clippy::disallowed_methods, reason = "a program waits with the system's own clock")]

mod events;
mod figures;
mod machine;
mod provider;
mod server;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use provider_auth::store::shared::{Settings, SharedStore};
use provider_auth::store::{CopyScope, FileStore, RedisEngine, RedisStore, copy_profiles};
use provider_auth::{AuthProfileStore as _, AuthProfileStoreExt as _, AuthProfiles, ProfileId, ProviderId};
use serde_json::json;

use events::Event;
use figures::Figures;
use provider::Provider;
use server::Redis;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "usage: fleet [URL of a Redis server] [--json]";
const MACHINES: usize = 4;
/// The machine that is killed.
const KILLED: usize = 3;
const ROUNDS: usize = 3;
/// How long each limit of the provider lasts.
const WINDOW: Duration = Duration::from_millis(1_500);
/// How long to wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["machine", agent, number, provider] => machine::run(agent, number, provider),
        ref others => {
            let is_json = others.contains(&"--json");
            let urls: Vec<&str> = others.iter().copied().filter(|argument| *argument != "--json").collect();
            match urls[..] {
                [] => lead(None, is_json),
                [url] if !url.starts_with('-') => lead(Some(url), is_json),
                ["--help"] => {
                    println!("{USAGE}");
                    Ok(())
                }
                _ => Err(USAGE.into()),
            }
        }
    };
    if let Err(error) = done {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

/// The store of one machine.
fn store(url: &str, agent: &str) -> Outcome<RedisStore> {
    Ok(SharedStore::new(RedisEngine::new(url)?.agent(agent)?, Settings::default()))
}

/// A process that simulates a machine, and what it reported.
struct Machine {
    process: Child,
    orders: ChildStdin,
    said: Arc<Mutex<Vec<Event>>>,
}

impl Machine {
    fn start(url: &str, agent: &str, number: usize, provider: &str) -> Outcome<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["machine", agent, &number.to_string(), provider])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut orders = process.stdin.take().ok_or("a machine takes no orders")?;
        // A URL may contain a password, and every user of the machine sees arguments.
        writeln!(orders, "{url}")?;
        let out = process.stdout.take().ok_or("a machine says nothing")?;
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            for event in BufReader::new(out).lines().map_while(Result::ok).filter_map(|line| Event::read(&line)) {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(event);
            }
        });
        Ok(Self { process, orders, said })
    }

    fn order(&mut self, order: &str) -> Outcome {
        Ok(writeln!(self.orders, "{order}")?)
    }

    fn said(&self) -> Vec<Event> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn has_said(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).iter().any(wanted)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) -> Outcome {
    let began = Instant::now();
    while !is_so() {
        if began.elapsed() > PATIENCE {
            return Err(format!("this did not happen in a minute: {what}").into());
        }
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn profiles() -> Outcome<AuthProfiles> {
    let key = |provider: &str, key: &str| json!({"type": "api_key", "provider": provider, "key": key});
    let document = json!({
        "version": 1,
        "profiles": {
            "anthropic:team": key("anthropic", provider::LIMITED),
            "anthropic:spare": key("anthropic", provider::SPARE),
            "openai:only": key("openai", provider::ONLY),
            "portal:login": {"type": "oauth", "provider": "portal", "access": provider::access(1),
                "refresh": provider::refresh(1), "expires": 4_102_444_800_000_i64}
        },
    });
    Ok(AuthProfiles::from_json(&document.to_string())?)
}

fn lead(url: Option<&str>, is_json: bool) -> Outcome {
    let redis = Redis::at(url)?;
    let agent = format!("fleet-example-{}", std::process::id());
    let shared = store(redis.url(), &agent)?;

    // One call copies a file to the server. The order is not copied: it belongs to the machines, not to the profiles.
    let directory = tempfile::tempdir()?;
    let file = FileStore::new(directory.path().join("auth-profiles.json"))?;
    file.update(&mut |profiles| {
        profiles.replace(self::profiles().map_err(|_| broken())?);
        Ok(())
    })?;
    let copied = copy_profiles(&file, &shared, CopyScope::WithLogins)?;
    let order = ["anthropic:team", "anthropic:spare"].map(ProfileId::new).into_iter().collect::<Result<Vec<_>, _>>()?;
    shared.set_order(&ProviderId::anthropic(), &order)?;
    if !is_json {
        println!("{} profiles were copied from a file to Redis; {MACHINES} machines start to use them.", copied.len());
    }

    let provider = Provider::start()?;
    let start = |number| Machine::start(redis.url(), &agent, number, provider.url());
    let mut machines = (0..MACHINES).map(start).collect::<Outcome<Vec<_>>>()?;
    for machine in &machines {
        wait_until("a machine gets an answer", || machine.has_said(|event| matches!(event, Event::Sent { .. })))?;
    }
    let mut killed = 0;
    for round in 0..ROUNDS {
        provider.limit(WINDOW);
        wait_until("both keys are limited", || provider.is_limited())?;
        if round == 1 {
            let machine = machines.get_mut(KILLED).ok_or("there is no machine to kill")?;
            // Between two calls it holds no lease.
            machine.order("rest")?;
            wait_until("a machine rests", || machine.has_said(|event| matches!(event, Event::Rests)))?;
            machine.process.kill()?;
            killed += usize::from(machine.process.wait()?.code().is_none());
        }
        wait_until("both keys answer again", || provider.is_served())?;
        for _ in 0..2 {
            provider.end_login();
            wait_until("the login is refreshed", || provider.is_login_good())?;
            // An OAuth credential that is refused right after a refresh cools down for a while, so each machine gets the time
            // to use the new tokens twice.
            let since = events::now();
            let uses = |event: &&Event| matches!(event, Event::Sent { profile, from, .. } if profile == "portal:login" && *from > since);
            for (_, machine) in machines.iter().enumerate().filter(|(number, _)| round == 0 || *number != KILLED) {
                wait_until("the new login is used", || machine.said().iter().filter(uses).count() > 1)?;
            }
        }
    }
    for (number, machine) in machines.iter_mut().enumerate().filter(|(number, _)| *number != KILLED) {
        machine.order("end")?;
        wait_until("a machine ends", || machine.has_said(|event| matches!(event, Event::Ended { .. })))
            .map_err(|error| format!("{error} (machine {number})"))?;
    }

    let stored = shared.load()?;
    let said = machines.iter().map(Machine::said).collect::<Vec<_>>();
    let figures = Figures::of(&said, (KILLED, killed), &provider, &stored);
    // And back, where the old copies are replaced.
    let returned = copy_profiles(&shared, &file, CopyScope::Everything)?;
    drop(machines);
    redis.forget(&agent)?;
    if is_json {
        println!("{}", figures.to_json());
    } else {
        println!("{figures}\n{} profiles were copied back to a file.", returned.len());
    }
    Ok(())
}

fn broken() -> provider_auth::Error {
    provider_auth::Error::new(provider_auth::ErrorKind::Corrupt, "the example's own document is broken")
}
