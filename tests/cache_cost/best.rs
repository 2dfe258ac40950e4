//! Compares our plan with the best possible markers.

use crate::exceptions::Exceptions;
use crate::families::{Family, families};
use crate::ours::{Sent, Told, cost_of, places_by_rule, session};
use crate::placements::{PLACES, Place};
use crate::search::{Candidates, best};
use crate::simulator::{Host, Prompt};
use crate::{ALL, COSTS, HOSTS, LONG_COLLAPSING, LOWEST, SHORT, cost_of_ours, lowest, sessions, total};

/// Compares our costs with the lowest ones, both for each of the hosts.
fn against_the_best(mut exceptions: Exceptions, all: impl Iterator<Item = (Family, [f64; 2], [f64; 2])>) {
    println!("cost against the best markers that a search finds: short, long");
    for (family, ours, lowest) in all {
        let ratios = [0, 1].map(|host| ours[host] / lowest[host]);
        for (host, ratio) in HOSTS.into_iter().zip(ratios) {
            exceptions.check(&family, host, Told::BODY, ratio);
        }
        println!("{:<34} {:.4} {:.4}", family.name, ratios[0], ratios[1]);
    }
    exceptions.finish();
}

#[test]
fn our_plan_is_within_two_percent_of_the_best_that_a_search_finds() {
    let all = ALL.iter().zip(&*COSTS).zip(&*LOWEST).map(|(((family, _), costs), lowest)| {
        let ours = [0, 1].map(|host| costs[host].ours(Told::BODY));
        (family.clone(), ours, *lowest)
    });
    against_the_best(Exceptions::dearer_than_best(), all);
}

#[test]
fn our_plan_is_within_two_percent_of_the_best_for_small_sessions() {
    let all = families().into_iter().map(|family| {
        let sessions = sessions(&Family { requests: 6, brief_end: true, ..family.clone() });
        let ours = HOSTS.map(|host| cost_of_ours(host, &sessions, Told::BODY));
        (family, ours, lowest(&sessions))
    });
    against_the_best(Exceptions::dearer_than_best_of_small(), all);
}

#[test]
fn the_search_finds_what_trying_every_block_finds() {
    for family in families().iter().filter(|family| family.calls.1 <= 6 && family.documents == 0) {
        for host in [SHORT, LONG_COLLAPSING] {
            let session = session(&Family { requests: 3, tools: family.tools.min(2), ..family.clone() }, 2);
            let [every, ends] = [Candidates::All, Candidates::Ends].map(|candidates| best(host, &session, candidates));
            assert!((every - ends).abs() < 1e-6, "{} {host:?}: {every} {ends}", family.name);
        }
    }
}

/// The cheapest in hindsight of all rules that mark the same places in each request of a family, each with up to four.
fn best_rule(host: Host, sessions: &[Vec<Sent>]) -> (f64, Vec<Place>) {
    let rules = (0_u32..1 << PLACES.len()).filter(|rule| rule.count_ones() <= 4);
    let costs = rules.map(|rule| {
        let places: Vec<_> =
            PLACES.iter().enumerate().filter(|(bit, _)| rule >> bit & 1 == 1).map(|(_, place)| *place).collect();
        let mark = |prompt: &Prompt| places.iter().filter_map(|(_, place)| place(prompt)).collect();
        (total(sessions, |session| cost_of(host, session, &places_by_rule(session, mark))), places)
    });
    costs.min_by(|a, b| a.0.total_cmp(&b.0)).expect("a rule")
}

#[test]
#[ignore = "a minute in a debug build: cargo test --release --test cache_cost rule -- --include-ignored --nocapture"]
fn no_rule_is_cheaper_than_our_plan_by_more_than_two_percent() {
    let mut exceptions = Exceptions::dearer_than_rules();
    println!("cost against the cheapest rule in hindsight: short, long");
    for (family, sessions) in &*ALL {
        let shown = [SHORT, LONG_COLLAPSING].map(|host| {
            let (cost, places) = best_rule(host, sessions);
            let ratio = cost_of_ours(host, sessions, Told::BODY) / cost;
            exceptions.check(family, host, Told::BODY, ratio);
            let names: Vec<_> = places.iter().map(|(name, _)| *name).collect();
            format!("{ratio:.4} {:<44}", names.join(", "))
        });
        println!("{:<34} {}", family.name, shown.join(""));
    }
    exceptions.finish();
}
