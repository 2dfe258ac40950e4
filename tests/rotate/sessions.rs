//! The memory of a session: the requests with it are those of a caller that keeps the previous body.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::collections::HashMap;
use std::time::Duration;

use provider_auth::cache::{BreakpointOptions, CacheTtl, mark_body};
use provider_auth::{CacheRetention, Call, ErrorKind};
use serde_json::{Value, json};

use crate::streams::{START, STOP};
use crate::support::rotation::{HAIKU, OPUS, Rig, keys};
use crate::support::server::{Act, Server};

const MODEL: &str = "claude-opus-4-5";

/// The request of a turn: so many questions and answers, and a clock in the system prompt if there is one.
fn turn(turns: usize, clock: Option<usize>, about: &str) -> Vec<u8> {
    let mut messages = Vec::new();
    for number in 0..turns {
        messages.push(json!({"role": "user", "content": format!("{about} {number}")}));
        messages.push(json!({"role": "assistant", "content": [{"type": "text", "text": format!("answer {number}")}]}));
    }
    messages.push(json!({"role": "user", "content": format!("{about} {turns}")}));
    let system = clock.map_or_else(|| "Be brief.".to_owned(), |clock| format!("Be brief. It is {clock} o'clock."));
    let body = json!({"model": MODEL, "max_tokens": 9, "tools": [{"name": "t", "input_schema": {"type": "object"}}],
        "system": system, "messages": messages});
    body.to_string().into_bytes()
}

/// What a caller sends who knows the previous body, or nothing.
fn by_hand(body: &[u8], previous: Option<&[u8]>) -> String {
    let options = BreakpointOptions::new(CacheRetention::Short).collapses_tool_runs(true);
    let options = match previous {
        Some(previous) => options.previous(previous),
        None => options,
    };
    String::from_utf8(mark_body(body.to_vec(), &options).unwrap().0).unwrap()
}

fn rig(memory: Option<usize>) -> Rig {
    Rig::with(Server::start(|_| Act::message("Hello")), &keys(&["a"]), |builder| match memory {
        Some(bytes) => builder.session_memory(bytes),
        None => builder,
    })
}

fn call(body: Vec<u8>) -> Call {
    Call::new(OPUS.parse().unwrap()).body(body)
}

fn last(rig: &Rig) -> String {
    rig.server.asked().last().unwrap().body.clone()
}

/// Number 4 of the report of a new user's trial.
#[tokio::test]
async fn f04_what_is_lost_with_each_request_is_not_written_again_and_again() {
    let (rig, mut marked) = (rig(None), Vec::new());
    let (mut kept, mut by_previous) = (None, Vec::new());
    for clock in 0..8 {
        let body = turn(clock, Some(clock), "question");
        let reply = rig.rotator.send(&call(body.clone()).session("s")).await.unwrap();
        marked.push(reply.plan().unwrap().breakpoints().len());
        assert_eq!(reply.sent_body(), last(&rig).as_bytes());

        let mut call = call(body);
        if let Some(kept) = kept {
            call = call.previous(kept);
        }
        let reply = rig.rotator.send(&call).await.unwrap();
        by_previous.push(reply.plan().unwrap().breakpoints().len());
        kept = Some(reply.sent_body().clone());
    }
    assert_eq!(marked, by_previous);
    assert_eq!(marked[4..], [1, 1, 1, 1], "nothing but the tools is written: {marked:?}");
}

#[tokio::test]
async fn each_request_is_planned_with_the_one_before_it() {
    let rig = rig(None);
    let mut sent: HashMap<&str, String> = HashMap::new();
    for turns in 0..6 {
        for session in ["one", "two"] {
            let body = turn(turns, None, session);
            rig.rotator.send(&call(body.clone()).session(session)).await.unwrap();
            let expected = by_hand(&body, sent.get(session).map(String::as_bytes));
            assert_eq!(last(&rig), expected, "{session} {turns}");
            sent.insert(session, expected);
        }
    }
}

#[tokio::test]
async fn whatever_is_forgotten_the_plan_is_that_of_the_session_or_of_a_new_one() {
    // Room for one or two of three.
    let rig = rig(Some(9_000));
    let (mut sent, mut forgotten, mut known): (HashMap<usize, String>, _, _) = (HashMap::new(), 0, 0);
    for step in 0..60 {
        let session = [0, 1, 0, 2, 0, 0, 1, 2, 2, 0][step % 10];
        let body = turn(step / 6, Some(step), &format!("session {session}"));
        rig.rotator.send(&call(body.clone()).session(session.to_string())).await.unwrap();
        let (with, without) = (by_hand(&body, sent.get(&session).map(String::as_bytes)), by_hand(&body, None));
        let is = last(&rig);
        assert!(is == with || is == without, "{step}");
        if with != without {
            *(if is == with { &mut known } else { &mut forgotten }) += 1;
        }
        sent.insert(session, is);
    }
    assert!(known > 5 && forgotten > 5, "{known} {forgotten}");
}

#[tokio::test]
async fn the_conversations_of_a_session_do_not_take_each_others_place_even_at_the_same_time() {
    let rig = rig(None);
    let send = |about, turns| {
        let body = turn(turns, None, about);
        async { rig.rotator.send(&call(body).session("s")).await.unwrap().sent_body().clone() }
    };
    let (mut main, mut other) = tokio::join!(send("main", 0), send("other", 0));
    for turns in 1..5 {
        let (next_main, next_other) = tokio::join!(send("main", turns), send("other", turns));
        for (about, last, next) in [("main", &main, &next_main), ("other", &other, &next_other)] {
            let expected = by_hand(&turn(turns, None, about), Some(last));
            assert_eq!(String::from_utf8_lossy(next), expected, "{about} {turns}");
        }
        (main, other) = (next_main, next_other);
    }
}

#[tokio::test]
async fn whatever_conversation_is_forgotten_the_others_are_planned_with_their_own() {
    // Room for two or three of four.
    let rig = rig(Some(12_000));
    let (mut sent, mut forgotten, mut known): (HashMap<usize, String>, _, _) = (HashMap::new(), 0, 0);
    for step in 0..48 {
        let about = [0, 1, 0, 2, 0, 3, 1, 0][step % 8];
        let body = turn(step / 6, Some(step), &format!("conversation {about}"));
        rig.rotator.send(&call(body.clone()).session("s")).await.unwrap();
        let (with, without) = (by_hand(&body, sent.get(&about).map(String::as_bytes)), by_hand(&body, None));
        let is = last(&rig);
        assert!(is == with || is == without, "{step}");
        if with != without {
            *(if is == with { &mut known } else { &mut forgotten }) += 1;
        }
        sent.insert(about, is);
    }
    assert!(known > 5 && forgotten > 5, "{known} {forgotten}");
}

#[tokio::test]
async fn only_what_the_server_took_counts() {
    let bodies: Vec<_> = (0..4).map(|clock| turn(clock, Some(clock), "question")).collect();
    for act in
        [Act::drop(), Act::error(529, "overloaded_error", "Overloaded"), Act::error(400, "invalid_request_error", "no")]
    {
        let acts = vec![Act::message("Hello"), act, Act::message("Hello")];
        let rig = Rig::new(Server::script(acts), &keys(&["a"]));
        let first = rig.rotator.send(&call(bodies[0].clone()).session("s")).await.unwrap().sent_body().clone();
        rig.rotator.send(&call(bodies[1].clone()).session("s")).await.unwrap_err();
        rig.rotator.send(&call(bodies[2].clone()).session("s")).await.unwrap();
        assert_eq!(last(&rig), by_hand(&bodies[2], Some(&first)));
    }
    // A stream of which the head is in was read by the server, whatever becomes of the rest.
    let rig = Rig::new(Server::script(vec![Act::stream(&[START]), Act::stream(&[START, STOP])]), &keys(&["a"]));
    let mut reply = rig.rotator.send(&call(bodies[0].clone()).session("s")).await.unwrap();
    let first = reply.sent_body().clone();
    assert_eq!(reply.bytes().await.unwrap_err().kind(), ErrorKind::Unreachable);
    rig.rotator.send(&call(bodies[1].clone()).session("s")).await.unwrap();
    assert_eq!(last(&rig), by_hand(&bodies[1], Some(&first)));
}

#[tokio::test]
async fn another_account_or_model_has_another_cache() {
    let limited = Act::error(429, "rate_limit_error", "Slow down");
    let acts = vec![Act::message("Hello"), limited, Act::message("Hello"), Act::message("Hello")];
    let rig = Rig::new(Server::script(acts), &keys(&["a", "b"]));
    let bodies: Vec<_> = (0..3).map(|clock| turn(clock, Some(clock), "question")).collect();
    rig.rotator.send(&call(bodies[0].clone()).session("s")).await.unwrap();
    // The first account is limited, and the second one has seen nothing of the session.
    let reply = rig.rotator.send(&call(bodies[1].clone()).session("s")).await.unwrap();
    assert_eq!(reply.attempts().len(), 2);
    assert_eq!(last(&rig), by_hand(&bodies[1], None));
    let haiku = Call::new(HAIKU.parse().unwrap()).body(bodies[2].clone()).session("s");
    rig.rotator.send(&haiku).await.unwrap();
    assert_eq!(last(&rig), by_hand(&bodies[2], None));
}

#[tokio::test]
async fn a_request_of_the_callers_own_is_remembered_too_and_one_without_caching_is_not() {
    let rig = rig(None);
    let url = rig.server.url();
    let mut previous: Option<String> = None;
    for clock in 0..3 {
        let (body, url) = (turn(clock, Some(clock), "question"), url.clone());
        let own = body.clone();
        let call = Call::new(OPUS.parse().unwrap()).session("s").requests(move |_| {
            let request = http::Request::post(format!("{url}/v1/messages"));
            Ok(request.header("content-type", "application/json").body(own.clone()).unwrap())
        });
        let reply = rig.rotator.send(&call).await.unwrap();
        let expected = by_hand(&body, previous.as_deref().map(str::as_bytes));
        assert_eq!(last(&rig), expected);
        assert_eq!(reply.plan().unwrap().breakpoints().len(), expected.matches("cache_control").count());
        assert_eq!(reply.sent_body(), expected.as_bytes());
        previous = Some(expected);
    }
    let unmarked = call(turn(3, Some(3), "question")).retention(CacheRetention::None).session("s");
    rig.rotator.send(&unmarked).await.unwrap();
    let body = turn(4, Some(4), "question");
    rig.rotator.send(&call(body.clone()).session("s")).await.unwrap();
    assert_eq!(last(&rig), by_hand(&body, previous.as_deref().map(str::as_bytes)));
}

#[tokio::test]
async fn the_gaps_of_a_session_choose_its_lifetimes_where_that_is_asked_for() {
    let lifetimes = |body: &str| {
        let body: Value = serde_json::from_str(body).unwrap();
        body.to_string().matches(r#""ttl":"1h""#).count()
    };
    for (adaptive, expected) in [(false, [0, 0, 0, 0]), (true, [0, 4, 4, 4])] {
        let (rig, mut long) = (rig(None), Vec::new());
        for turns in 0..4 {
            let call = call(turn(turns, None, "question")).session("s");
            let call = if adaptive { call.adaptive_lifetime() } else { call };
            let reply = rig.rotator.send(&call).await.unwrap();
            long.push(lifetimes(&last(&rig)));
            let hours = reply.plan().unwrap().breakpoints().iter().filter(|marker| marker.ttl == CacheTtl::OneHour);
            assert_eq!(hours.count(), *long.last().unwrap());
            rig.clock.advance(Duration::from_secs(20 * 60));
        }
        assert_eq!(long, expected, "{adaptive}");
    }
    // Where nothing is to be kept, nothing is.
    let rig = rig(None);
    for turns in 0..3 {
        let call = call(turn(turns, None, "question")).session("s").retention(CacheRetention::None).adaptive_lifetime();
        assert!(rig.rotator.send(&call).await.unwrap().plan().unwrap().breakpoints().is_empty());
        rig.clock.advance(Duration::from_secs(20 * 60));
    }
}
