//! Compares lifetimes, and the choice from known gaps between requests.

use std::time::Duration;

use provider_auth::cache::{CachePrices, choose_lifetimes};

use crate::families::Family;
use crate::ours::{Sent, Told, cost_of, ours_with, places_by_rule, session};
use crate::placements::PLACEMENTS;
use crate::simulator::Host;
use crate::{ALL, LONG, MIXED, SEEDS, SHORT, cheapest, cost_of_ours, costs_of_others, family, total};

fn gaps(starts: &[f64]) -> Vec<Duration> {
    starts.windows(2).map(|pair| Duration::from_secs_f64(pair[1] - pair[0])).collect()
}

/// The lifetimes that `auto` chooses for each session: from the gaps of an earlier one, and those so far.
fn chosen((family, sessions): &(Family, Vec<Vec<Sent>>), host: Host, prices: CachePrices) -> f64 {
    let cost = |(seed, now): (u64, &Vec<Sent>)| {
        let earlier = gaps(&family.session(seed + 100).iter().map(|request| request.at).collect::<Vec<_>>());
        let choose = |starts: &[f64]| choose_lifetimes(&[earlier.clone(), gaps(starts)].concat(), &prices);
        host.cost(now, &ours_with(now, Told::BODY, host, choose))
    };
    SEEDS.zip(sessions).map(cost).sum()
}

#[test]
fn auto_is_within_ten_percent_of_the_better_lifetime_in_hindsight() {
    let auto = |starts: &[f64]| choose_lifetimes(&gaps(starts), &CachePrices::default());
    println!("cost of `auto` without earlier gaps against short, long and mixed");
    // Rare pauses cannot be foreseen from a few gaps.
    let rare = |family: &Family| family.pauses > 0;
    for (family, sessions) in ALL.iter().filter(|(family, _)| family.only_grows() && !rare(family)) {
        let cost = total(sessions, |session| SHORT.cost(session, &ours_with(session, Told::BODY, SHORT, auto)));
        let fixed = [SHORT, LONG, MIXED].map(|host| cost_of_ours(host, sessions, Told::BODY));
        println!("{:<34} {}", family.name, fixed.map(|fixed| format!("{:.3}", cost / fixed)).join(" "));
        let least = fixed.into_iter().fold(f64::INFINITY, f64::min);
        assert!(cost <= least * 1.1, "{}: {cost} {fixed:?}", family.name);
    }
}

#[test]
fn where_gaps_are_known_nobody_is_cheaper_at_any_lifetime() {
    println!("cost of `auto` with earlier gaps against the cheapest of the others at short, long and mixed");
    for name in ["idle gaps of 1 to 50 min", "idle gaps of 1 to 10 min", "chat"] {
        let family = family(name);
        let cost = chosen(family, SHORT, CachePrices::default());
        let others = costs_of_others([SHORT, LONG, MIXED], &family.1).map(cheapest);
        println!("{name:<34} {}", others.map(|other| format!("{:.3}", cost / other)).join(" "));
        assert!(others.into_iter().all(|other| cost <= other * 1.000_001), "{name}: {cost} {others:?}");
    }
}

/// A host without one-hour entries, or a caller who does not want them.
#[test]
fn where_gaps_are_known_nobody_is_cheaper_with_five_minutes() {
    let short_only = CachePrices::new(0.1, 1.25, f64::INFINITY);
    for name in ["idle gaps of 1 to 50 min", "idle gaps of 1 to 10 min", "a pause now and then", "chat"] {
        let family = family(name);
        let cost = chosen(family, SHORT, short_only);
        let [others] = costs_of_others([SHORT], &family.1).map(cheapest);
        println!("{name:<34} {:.3}", cost / others);
        assert!(cost <= others * 1.000_001, "{name}: {cost} {others}");
    }
}

/// Bodies have no times. The same ones, sent within seconds or after long breaks, want opposite markers, so that no plan
/// can be cheapest for both that sees nothing else.
#[test]
fn bodies_do_not_tell_whether_messages_expire() {
    let (family, idle) = family("idle gaps of 1 to 50 min");
    let busy = Family { gap: (5, 90), ..family.clone() };
    let busy: Vec<Vec<Sent>> = SEEDS.map(|seed| session(&busy, seed)).collect();
    let system_only = PLACEMENTS.last().expect("placements").place;
    let of_others = |sessions: &[Vec<Sent>]| {
        total(sessions, |session| cost_of(SHORT, session, &places_by_rule(session, system_only)))
    };
    let (idle_others, busy_others) = (of_others(idle), of_others(&busy));
    let pairs = idle.iter().flatten().zip(busy.iter().flatten());
    assert!(pairs.into_iter().all(|(a, b)| a.body == b.body), "the same bodies");
    let gain = busy_others / cost_of_ours(SHORT, &busy, Told::BODY);
    let loss = cost_of_ours(SHORT, idle, Told::BODY) / idle_others;
    println!("no markers on messages: {gain:.2} times dearer within seconds, {loss:.2} times cheaper after breaks");
    assert!(gain > 3.0 && loss < 1.16, "{gain} {loss}");
}

#[test]
fn mixed_lifetimes_pay_where_a_pause_is_rare() {
    let family = Family { tools: 40, ..family("a pause now and then").0.clone() };
    let sessions: Vec<_> = (1..13).map(|seed| session(&family, seed)).collect();
    let [short, long, mixed] = [SHORT, LONG, MIXED].map(|host| cost_of_ours(host, &sessions, Told::BODY));
    println!("a pause now and then, 40 tools: mixed {:.3} of short, {:.3} of long", mixed / short, mixed / long);
    assert!(mixed < short && mixed < long, "{short} {long} {mixed}");
}
