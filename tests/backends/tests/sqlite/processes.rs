//! Many processes on one directory, some of which are killed.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use provider_auth::store::SqliteStore;
use provider_auth::{AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Credential, ProviderId, Result, Secret};

use crate::layout::{State, agent_database};
use crate::writing::id;

const DIRECTORY: &str = "PROVIDER_AUTH_TEST_DIRECTORY";
const AGENT: &str = "PROVIDER_AUTH_TEST_AGENT";
const NAME: &str = "PROVIDER_AUTH_TEST_NAME";
const PROCESSES: usize = 8;
const UPDATES: u32 = 200;
const KILLS: usize = if cfg!(windows) { 50 } else { 100 };

/// A number kept as the key of a profile.
fn number(profiles: &AuthProfiles, name: &str) -> u32 {
    let key = profiles.get(name).and_then(|profile| profile.credential());
    key.map_or(0, |key| key.secret().expose().trim_start_matches("sk-ant-").parse().unwrap())
}

fn increment(profiles: &mut AuthProfiles, name: &str) -> Result<u32> {
    let next = number(profiles, name) + 1;
    let key = Credential::api_key(Secret::new(format!("sk-ant-{next}")));
    profiles.upsert(&id(name), &ProviderId::anthropic(), &key, None)?;
    Ok(next)
}

/// The child's part: counts on in its own profile and in one that all share, and says how far it is acknowledged.
#[test]
fn child_that_counts() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let (agent, name) = (std::env::var(AGENT).unwrap(), std::env::var(NAME).unwrap());
    let store = SqliteStore::builder().agent(directory, &agent).build().unwrap();
    while number(&store.load().unwrap(), &name) < UPDATES {
        let counted = store
            .transact(|profiles| {
                increment(profiles, &format!("anthropic:all-{agent}"))?;
                increment(profiles, &name)
            })
            .unwrap();
        println!("counted {counted}");
    }
}

/// Half of the processes count in the shared database, half in an agent's own.
fn agent(process: usize) -> &'static str {
    if process.is_multiple_of(2) { "main" } else { "work" }
}

fn child(state: &State, agent: &str, name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::child_that_counts", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, state.path())
        .env(AGENT, agent)
        .env(NAME, name)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lets one process after the other count to the end, each killed after so many acknowledged updates; gives the last one.
fn count(state: &State, process: usize, kills: usize) -> u32 {
    let name = format!("anthropic:{process}");
    let mut last = 0;
    for life in 0.. {
        let mut running = child(state, agent(process), &name);
        // Between one and fifteen, so that a process that is killed a dozen times has not counted to the end before.
        let limit = if life < kills { 1 + (process * 31 + life * 17) % 15 } else { usize::MAX };
        let lines = BufReader::new(running.stdout.take().unwrap()).lines().map_while(Result::ok);
        // The test harness says something of its own before.
        let counted = lines.filter_map(|line| line.split_once("counted ")?.1.parse::<u32>().ok());
        for (seen, counted) in counted.enumerate() {
            assert!(counted > last, "{name} was at {last} and is at {counted}");
            last = counted;
            if seen + 1 == limit {
                // Anywhere between this update and one of the next.
                let late = (process * 7919 + life * 104_729) % 3000;
                std::thread::sleep(std::time::Duration::from_micros(u64::try_from(late).unwrap()));
                running.kill().unwrap();
            }
        }
        let ended = running.wait().unwrap();
        if limit == usize::MAX {
            assert!(ended.success(), "{name} ended with {ended}");
            return last;
        }
    }
    last
}

#[test]
fn no_acknowledged_update_of_killed_processes_is_lost() {
    let state = State::new().agent("work", None, None);
    let kills = |process: usize| KILLS / PROCESSES + usize::from(process < KILLS % PROCESSES);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..PROCESSES)
            .map(|process| {
                scope.spawn({
                    let state = &state;
                    move || count(state, process, kills(process))
                })
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), UPDATES);
        }
    });
    let (main, work) = (state.store("main").load().unwrap(), state.store("work").load().unwrap());
    for process in 0..PROCESSES {
        let profiles = if agent(process) == "main" { &main } else { &work };
        assert_eq!(number(profiles, &format!("anthropic:{process}")), UPDATES);
    }
    // Both numbers were raised in one update each time, so they agree whenever a process was killed.
    let half = UPDATES * u32::try_from(PROCESSES / 2).unwrap();
    assert_eq!((number(&main, "anthropic:all-main"), number(&work, "anthropic:all-work")), (half, half));
    for database in ["state/openclaw.sqlite".to_owned(), agent_database("work")] {
        let check = state.connect(&database).query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
        assert_eq!(check.unwrap(), "ok");
    }
}
