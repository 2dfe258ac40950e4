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

mod best;
mod clearing;
mod exceptions;
mod families;
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
use ours::{Sent, Told, by_rule, ours, session};
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

fn total(sessions: &[Vec<Sent>], cost: impl Fn(&[Sent]) -> f64) -> f64 {
    sessions.iter().map(|session| cost(session)).sum()
}

fn cost_of_ours(host: Host, sessions: &[Vec<Sent>], told: Told) -> f64 {
    total(sessions, |session| host.cost(session, &ours(session, told, host)))
}

/// The cost of each of the others.
fn costs_of_others(host: Host, sessions: &[Vec<Sent>]) -> [f64; PLACEMENTS.len()] {
    PLACEMENTS.map(|other| total(sessions, |session| host.cost(session, &by_rule(session, host, other.place))))
}

/// Our cost against the cheapest of the others, for each host and for all that may be told.
fn ratios(family: &Family) -> Vec<(Host, Told, f64)> {
    let sessions = sessions(family);
    let mut all = Vec::new();
    for host in [SHORT, SHORT_COLLAPSING, LONG, LONG_COLLAPSING, MIXED] {
        let cheapest = costs_of_others(host, &sessions).into_iter().fold(f64::INFINITY, f64::min);
        for told in [Told::BODY, Told::PLAN, Told::NOTHING] {
            let with_tail = family.has_tail().then(|| told.with_tail_of(family));
            for told in [Some(told), with_tail].into_iter().flatten() {
                all.push((host, told, cost_of_ours(host, &sessions, told) / cheapest));
            }
        }
    }
    all
}

#[test]
fn no_placement_of_others_is_cheaper_over_a_family() {
    let mut exceptions = Exceptions::dearer_than_others();
    println!("cost against the cheapest of the others, with and without the previous body: short, long");
    let families = families();
    let all: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = families.iter().map(|family| scope.spawn(|| ratios(family))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).collect()
    });
    for (family, ratios) in families.iter().zip(all) {
        let mut shown = String::new();
        for (host, told, ratio) in ratios {
            exceptions.check(family, host, told, ratio);
            if host.prefix == host.tail
                && host.collapses == (host.tail == Life::Long)
                && [Told::BODY, Told::NOTHING].contains(&told)
            {
                write!(shown, " {ratio:.4}").expect("a string");
            }
        }
        println!("{:<34}{shown}", family.name);
    }
    exceptions.finish();
}

#[test]
fn the_table_of_the_documentation() {
    let mut table = String::from("| session | with `previous` | without |");
    for other in &PLACEMENTS {
        write!(table, " {} |", other.column).expect("a string");
    }
    write!(table, "\n|{}", " --- |".repeat(PLACEMENTS.len() + 3)).expect("a string");
    for family in families() {
        let sessions = sessions(&family);
        let found = total(&sessions, |session| best(SHORT, session, Candidates::Ends));
        let ours = [Told::BODY, Told::NOTHING].map(|told| cost_of_ours(SHORT, &sessions, told));
        write!(table, "\n| {} |", family.name).expect("a string");
        for cost in ours.into_iter().chain(costs_of_others(SHORT, &sessions)) {
            write!(table, " {:.2} |", cost / found).expect("a string");
        }
    }
    println!("{table}");
    assert!(include_str!("../../src/docs/prompt_caching.md").contains(&table), "the page has another table");
}

#[test]
fn two_requests_of_a_session_share_their_prefix() {
    for family in families().iter().filter(|family| family.only_grows()) {
        let session = session(family, 3);
        for pair in session.windows(2) {
            let (marked, _) =
                mark_body(pair[0].body.clone(), &BreakpointOptions::new(CacheRetention::Short)).expect("a legal body");
            assert_eq!(PromptChange::between(&marked, &pair[1].body).expect("bodies"), None, "{}", family.name);
            let prints = [&marked, &pair[1].body].map(|body| PromptFingerprint::of(body).expect("a body"));
            assert_eq!((prints[0].tools, prints[0].system), (prints[1].tools, prints[1].system));
            assert_ne!(prints[0].messages, prints[1].messages);
        }
    }
}
