//! Whole sessions through a rotator that remembers them, to a server on loopback, compared with a caller that keeps the
//! bodies.

use std::sync::Arc;
use std::time::Duration;

use crate::ours::{Sent, Told, ours, ours_with};
use crate::server::{Act, Server};
use crate::simulator::{Life, Markers, Prompt};
use crate::{ALL, LONG_COLLAPSING, SHORT_COLLAPSING, family};
use provider_auth::cache::{BreakpointPlan, CachePrices, CacheTtl, choose_lifetimes};
use provider_auth::clock::ManualClock;
use provider_auth::request::EndpointKind;
use provider_auth::{
    AuthProfileStore, AuthProfiles, Call, Config, Endpoint, Environment, MemoryStore, ProviderId, ReadOptions, Rotator,
    Timestamp,
};

const MODEL: &str = "anthropic/claude-opus-4-5";

fn markers(plan: &BreakpointPlan, prompt: &Prompt) -> Markers {
    let at = |path: &str| prompt.blocks.iter().position(|block| block.path == path).expect("a block");
    let life = |ttl| if ttl == CacheTtl::OneHour { Life::Long } else { Life::Short };
    plan.breakpoints().iter().map(|marker| (at(marker.path()), life(marker.ttl))).collect()
}

/// Sends a session through a rotator and returns the markers of each request as the server got them.
pub(crate) async fn through(
    rotator: &Rotator,
    clock: &ManualClock,
    server: &Server,
    session: &[Sent],
    name: Option<&str>,
) -> Vec<Markers> {
    let mut all = Vec::new();
    let start = provider_auth::Clock::now(clock);
    for sent in session {
        clock.set(start + Duration::from_secs_f64(sent.at));
        let mut call = Call::new(MODEL.parse().expect("a model")).body(sent.body.clone());
        if let Some(name) = name {
            call = call.session(name);
        }
        if name.is_some_and(|name| name.starts_with("adaptive")) {
            call = call.adaptive_lifetime();
        }
        let reply = rotator.send(&call).await.expect("an answer");
        let asked = server.asked();
        assert_eq!(reply.sent_body(), asked.last().expect("a request").body.as_bytes());
        all.push(markers(reply.plan().expect("a plan"), &sent.prompt));
    }
    all
}

pub(crate) fn rotator(server: &Server, clock: &ManualClock) -> Rotator {
    let profiles = AuthProfiles::from_json(
        r#"{"version": 1, "profiles": {"anthropic:a": {"type": "api_key", "provider": "anthropic", "key": "key-a"}}}"#,
    );
    let store: Arc<dyn AuthProfileStore> = Arc::new(MemoryStore::new(profiles.expect("a document")));
    let config = Config::from_json5_str("{}", &ReadOptions::new().environment(Environment::empty()));
    let endpoint = Endpoint::new(&server.url()).expect("a URL").with_kind(EndpointKind::Anthropic);
    Rotator::builder(store)
        .config(config.expect("a configuration"))
        .clock(Arc::new(clock.clone()))
        .endpoint(ProviderId::anthropic(), endpoint)
        .build()
        .expect("a client")
}

#[tokio::test]
async fn the_bill_through_a_rotator_is_that_of_a_caller_who_keeps_the_bodies() {
    let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
    let (mut remembered, mut by_hand, mut forgotten) = (0.0, 0.0, 0.0);
    println!("cost through a rotator against by hand, and without a session");
    assert_eq!(ALL.len(), 36);
    for (family, sessions) in &*ALL {
        // A server for each keeps what it was asked.
        let server = Server::start(|_| Act::message("Hello"));
        let (rotator, session) = (rotator(&server, &clock), &sessions[1]);
        let ours = ours(session, Told::BODY, SHORT_COLLAPSING);
        let sent = through(&rotator, &clock, &server, session, Some(family.name)).await;
        assert_eq!(sent, ours, "{}", family.name);
        let alone = through(&rotator, &clock, &server, session, None).await;
        let costs = [&sent, &ours, &alone].map(|markers| SHORT_COLLAPSING.cost(session, markers));
        println!("{:<34} {:.3} {:.3}", family.name, costs[0] / costs[1], costs[2] / costs[1]);
        (remembered, by_hand, forgotten) = (remembered + costs[0], by_hand + costs[1], forgotten + costs[2]);
    }
    println!("all: {:.3} {:.3}", remembered / by_hand, forgotten / by_hand);
    assert!((remembered - by_hand).abs() < 1e-6, "{remembered} {by_hand}");
    assert!(forgotten > by_hand * 1.02, "the memory saves nothing: {forgotten} {by_hand}");
}

#[tokio::test]
async fn lifetimes_through_a_rotator_are_those_of_a_caller_who_knows_the_gaps() {
    let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
    let gaps =
        |starts: &[f64]| starts.windows(2).map(|pair| Duration::from_secs_f64(pair[1] - pair[0])).collect::<Vec<_>>();
    let choose = |starts: &[f64]| choose_lifetimes(&gaps(starts), &CachePrices::default());
    for name in ["idle gaps of 1 to 50 min", "idle gaps of 1 to 10 min", "chat", "a pause now and then"] {
        let server = Server::start(|_| Act::message("Hello"));
        let (rotator, session) = (rotator(&server, &clock), &family(name).1[1]);
        let expected = ours_with(session, Told::BODY, LONG_COLLAPSING, choose);
        let sent = through(&rotator, &clock, &server, session, Some(&format!("adaptive {name}"))).await;
        assert_eq!(sent, expected, "{name}");
    }
}
