//! The cost of whole sessions with our markers, with those of others, and with the best that a search can find.
//!
//! `cargo test --test cache_cost -- --nocapture` prints the tables, and with `--include-ignored` those that take longer.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a test fails by panicking, and a table is printed"
)]

use std::fmt::Write as _;
use std::sync::LazyLock;

mod best;
mod clearing;
mod exceptions;
mod families;
#[cfg(feature = "client")]
mod interleaved;
mod lifetimes;
mod ours;
mod placements;
mod search;
#[path = "../support/server.rs"]
#[cfg(feature = "client")]
#[allow(dead_code, clippy::unwrap_used, reason = "it serves other tests too")]
mod server;
mod simulator;
#[cfg(feature = "client")]
mod through;
mod traces;

use exceptions::Exceptions;
use families::{Family, families};
use ours::{Sent, Told, cost_of, ours, places_by_rule, session};
use placements::PLACEMENTS;
use provider_auth::CacheRetention;
use provider_auth::cache::{BreakpointOptions, PromptChange, PromptFingerprint, mark_body};
use search::{Candidates, best};
use simulator::{Host, Life};

const SEEDS: std::ops::Range<u64> = 1..4;

const SHORT: Host = Host::new(Life::Short, Life::Short, false);
const SHORT_COLLAPSING: Host = Host::new(Life::Short, Life::Short, true);
const LONG: Host = Host::new(Life::Long, Life::Long, false);
const LONG_COLLAPSING: Host = Host::new(Life::Long, Life::Long, true);
const MIXED: Host = Host::new(Life::Long, Life::Short, false);

fn sessions(family: &Family) -> Vec<Vec<Sent>> {
    SEEDS.map(|seed| session(family, seed)).collect()
}

/// All families with their sessions, which most tests look at: they are made once.
static ALL: LazyLock<Vec<(Family, Vec<Vec<Sent>>)>> = LazyLock::new(|| {
    std::thread::scope(|scope| {
        let make = |family: Family| {
            scope.spawn(move || {
                let sessions = sessions(&family);
                (family, sessions)
            })
        };
        let threads: Vec<_> = families().into_iter().map(make).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).collect()
    })
});

/// A family by its name, with its sessions.
fn family(name: &str) -> &'static (Family, Vec<Vec<Sent>>) {
    ALL.iter().find(|(family, _)| family.name == name).expect("a family")
}

fn total(sessions: &[Vec<Sent>], cost: impl Fn(&[Sent]) -> f64) -> f64 {
    sessions.iter().map(|session| cost(session)).sum()
}

fn cost_of_ours(host: Host, sessions: &[Vec<Sent>], told: Told) -> f64 {
    total(sessions, |session| host.cost(session, &ours(session, told, host)))
}

/// The cost of each of the others, for each host. What they mark is the same for all of them.
fn costs_of_others<const N: usize>(hosts: [Host; N], sessions: &[Vec<Sent>]) -> [[f64; PLACEMENTS.len()]; N] {
    let mut costs = [[0.0; PLACEMENTS.len()]; N];
    for (number, other) in PLACEMENTS.iter().enumerate() {
        for session in sessions {
            let places = places_by_rule(session, other.place);
            for (host, costs) in hosts.iter().zip(&mut costs) {
                costs[number] += cost_of(*host, session, &places);
            }
        }
    }
    costs
}

fn cheapest(costs: [f64; PLACEMENTS.len()]) -> f64 {
    costs.into_iter().fold(f64::INFINITY, f64::min)
}

/// What a family costs, per host: our costs by what is told, and the others'.
struct Costs {
    host: Host,
    ours: Vec<(Told, f64)>,
    others: [f64; PLACEMENTS.len()],
}

impl Costs {
    fn ours(&self, told: Told) -> f64 {
        self.ours.iter().find(|(other, _)| *other == told).expect("a cost").1
    }
}

fn costs_of<const N: usize>(hosts: [Host; N], family: &Family, sessions: &[Vec<Sent>]) -> Vec<Costs> {
    let others = costs_of_others(hosts, sessions);
    let costs = hosts.into_iter().zip(others).map(|(host, others)| {
        let told = [Told::BODY, Told::PLAN, Told::NOTHING];
        let with_tail = told.map(|told| told.with_tail_of(family));
        let told = told.into_iter().chain(with_tail.into_iter().filter(|_| family.has_tail()));
        Costs { host, ours: told.map(|told| (told, cost_of_ours(host, sessions, told))).collect(), others }
    });
    costs.collect()
}

/// What all families cost, in their order.
fn costs<const N: usize>(hosts: [Host; N]) -> Vec<Vec<Costs>> {
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            ALL.iter().map(|(family, sessions)| scope.spawn(move || costs_of(hosts, family, sessions))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).collect()
    })
}

/// The two hosts of the default run: short lifetimes where each block counts, long ones where runs count as one.
const HOSTS: [Host; 2] = [SHORT, LONG_COLLAPSING];

static COSTS: LazyLock<Vec<Vec<Costs>>> = LazyLock::new(|| costs(HOSTS));

/// The lowest costs that a search finds, for the same hosts.
static LOWEST: LazyLock<Vec<[f64; 2]>> = LazyLock::new(|| ALL.iter().map(|(_, sessions)| lowest(sessions)).collect());

fn lowest(sessions: &[Vec<Sent>]) -> [f64; 2] {
    HOSTS.map(|host| total(sessions, |session| best(host, session, Candidates::Ends)))
}

fn against_the_others(costs: &[Vec<Costs>]) {
    let mut exceptions = Exceptions::dearer_than_others();
    println!("cost against the cheapest of the others, with and without the previous body: short, long");
    for ((family, _), costs) in ALL.iter().zip(costs) {
        let mut shown = String::new();
        for Costs { host, ours, others } in costs {
            for (told, ours) in ours {
                let ratio = ours / cheapest(*others);
                exceptions.check(family, *host, *told, ratio);
                if HOSTS.contains(host) && [Told::BODY, Told::NOTHING].contains(told) {
                    write!(shown, " {ratio:.4}").expect("a string");
                }
            }
        }
        println!("{:<34}{shown}", family.name);
    }
    exceptions.finish();
}

#[test]
fn no_placement_of_others_is_cheaper_over_a_family() {
    against_the_others(&COSTS);
}

#[test]
#[ignore = "half a minute in a debug build: cargo test --release --test cache_cost host -- --include-ignored --nocapture"]
fn no_placement_of_others_is_cheaper_with_any_host() {
    against_the_others(&costs([SHORT, SHORT_COLLAPSING, LONG, LONG_COLLAPSING, MIXED]));
}

#[test]
fn the_table_of_the_documentation() {
    let mut table = String::from("| session | with `previous` | without |");
    for other in &PLACEMENTS {
        write!(table, " {} |", other.column).expect("a string");
    }
    write!(table, "\n|{}", " --- |".repeat(PLACEMENTS.len() + 3)).expect("a string");
    for (((family, _), costs), [found, _]) in ALL.iter().zip(&*COSTS).zip(&*LOWEST) {
        let short = &costs[0];
        let ours = [Told::BODY, Told::NOTHING].map(|told| short.ours(told));
        write!(table, "\n| {} |", family.name).expect("a string");
        for cost in ours.into_iter().chain(short.others) {
            write!(table, " {:.2} |", cost / found).expect("a string");
        }
    }
    println!("{table}");
    assert!(include_str!("../../src/docs/prompt_caching.md").contains(&table), "the page has another table");
}

#[test]
fn two_requests_of_a_session_share_their_prefix() {
    for (family, sessions) in ALL.iter().filter(|(family, _)| family.only_grows()) {
        let session = &sessions[2];
        for pair in session.windows(2).step_by(3) {
            let (marked, _) =
                mark_body(pair[0].body.clone(), &BreakpointOptions::new(CacheRetention::Short)).expect("a legal body");
            assert_eq!(PromptChange::between(&marked, &pair[1].body).expect("bodies"), None, "{}", family.name);
            let prints = [&marked, &pair[1].body].map(|body| PromptFingerprint::of(body).expect("a body"));
            assert_eq!((prints[0].tools, prints[0].system), (prints[1].tools, prints[1].system));
            assert_ne!(prints[0].messages, prints[1].messages);
        }
    }
}
