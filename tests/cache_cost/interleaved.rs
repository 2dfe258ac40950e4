//! Several conversations under one session of a rotator: an agent's main loop, its title calls, its sub-agents.

use provider_auth::Timestamp;
use provider_auth::clock::ManualClock;
use serde_json::{Value, json};

use crate::families::{Family, families};
use crate::ours::{Sent, Told, ours, sent};
use crate::server::{Act, Server};
use crate::simulator::Markers;
use crate::through::{rotator, through};
use crate::traces::Request;
use crate::{LONG_COLLAPSING, SHORT_COLLAPSING};

/// A request, and the number of its conversation.
type Turn = (usize, Request);

fn family(name: &str) -> Family {
    families().into_iter().find(|family| family.name == name).expect("a family")
}

fn requests(name: &str, seed: u64) -> Vec<Request> {
    Family { requests: 11, ..family(name) }.session(seed)
}

/// Sends a request after so many of another conversation, some seconds later.
fn after(other: &[Request], every: usize, conversation: usize, body: impl Fn(usize, &Value) -> Value) -> Vec<Turn> {
    let at = |(number, request): (usize, &Request)| {
        (number % every == every - 1)
            .then(|| (conversation + number, Request { at: request.at + 1.0, body: body(number, &request.body) }))
    };
    other.iter().enumerate().filter_map(at).collect()
}

/// Lets a conversation go at the pace of the first one.
fn along(first: &[Request], conversation: usize, requests: Vec<Request>) -> Vec<Turn> {
    let starts = first.iter().map(|request| request.at);
    let pairs = starts.zip(requests);
    pairs.map(|(at, request)| (conversation, Request { at: at + 1.0, ..request })).collect()
}

/// A conversation with the head of another one.
fn with_head(of: &[Request], mut requests: Vec<Request>) -> Vec<Request> {
    for request in &mut requests {
        for part in ["tools", "system"] {
            request.body[part] = of[0].body[part].clone();
        }
    }
    requests
}

/// A conversation whose first message begins with this text, as a program's own context does.
fn with_opening(text: &str, mut requests: Vec<Request>) -> Vec<Request> {
    for request in &mut requests {
        let first = &mut request.body["messages"][0]["content"];
        let own = first.as_str().expect("text").to_owned();
        *first = json!([{"type": "text", "text": text}, {"type": "text", "text": own}]);
    }
    requests
}

fn title(number: usize, _: &Value) -> Value {
    let text = format!("Turn {number}: {}", "TITLE".repeat(40));
    json!({"system": "Write a title.", "messages": [{"role": "user", "content": text}]})
}

/// A request about all of the conversation so far, with instructions of its own.
fn summary(_: usize, main: &Value) -> Value {
    let mut body = main.clone();
    body["system"] = format!("Write a summary. {}", "RULE".repeat(400)).into();
    body["messages"].as_array_mut().expect("a list").push(json!({"role": "user", "content": "Go."}));
    body
}

fn sessions() -> Vec<(&'static str, Vec<Turn>)> {
    let chat = || requests("chat", 1);
    let of = |conversation, requests: Vec<Request>| requests.into_iter().map(move |request| (conversation, request));
    let main = |requests: &[Request]| of(0, requests.to_vec()).collect::<Vec<_>>();
    let window = requests("last 12 messages, chat", 1);
    let reminded = requests("reminder at the end of each turn", 1);
    let images = requests("two newest images kept", 1);
    let opening = "CONTEXT".repeat(60);
    let opened = |seed| with_opening(&opening, with_head(&chat(), requests("chat", seed)));
    let (few, others) = (&chat()[..5], (2..11).zip(1..));
    let many: Vec<Turn> =
        others.clone().flat_map(|(seed, number)| along(few, number, requests("chat", seed))).collect();
    let opened_many: Vec<Turn> = others.flat_map(|(seed, number)| along(few, number, opened(seed))).collect();
    vec![
        ("a title after each turn", [main(&chat()), after(&chat(), 1, 100, title)].concat()),
        ("a title after each fifth turn", [main(&chat()), after(&chat(), 5, 100, title)].concat()),
        ("two chats, same head", [main(&chat()), along(&chat(), 1, with_head(&chat(), requests("chat", 2)))].concat()),
        ("two chats, each with a head", [main(&chat()), along(&chat(), 1, requests("chat", 2))].concat()),
        ("two chats, same opening", [main(&opened(1)), along(&chat(), 1, opened(2))].concat()),
        ("ten chats", [main(few), many].concat()),
        ("ten chats, same opening", [main(&opened(1)[..5]), opened_many].concat()),
        ("a summary after each turn", [main(&chat()), after(&chat(), 1, 100, summary)].concat()),
        ("a summary after each fifth turn", [main(&chat()), after(&chat(), 5, 100, summary)].concat()),
        ("a window, and titles", [main(&window), after(&window, 1, 100, title)].concat()),
        ("reminders, and titles", [main(&reminded), after(&reminded, 1, 100, title)].concat()),
        ("images, and a chat", [main(&images), along(&images, 1, requests("chat", 2))].concat()),
    ]
}

/// Adds what titles leave out, which no request goes without.
fn complete(mut request: Request) -> Request {
    let members = request.body.as_object_mut().expect("an object");
    members.entry("model").or_insert_with(|| json!("claude-opus-4-5"));
    members.entry("max_tokens").or_insert_with(|| json!(9));
    request
}

fn in_order(mut turns: Vec<Turn>) -> (Vec<usize>, Vec<Sent>) {
    turns.sort_by(|(_, a), (_, b)| a.at.total_cmp(&b.at));
    let (numbers, requests): (Vec<_>, Vec<_>) = turns.into_iter().unzip();
    (numbers, sent(&family("chat"), requests.into_iter().map(complete).collect()))
}

/// The markers of a caller who keeps the bodies of each conversation apart.
fn apart(numbers: &[usize], all: &[Sent]) -> Vec<Markers> {
    let mut markers = vec![Markers::new(); all.len()];
    let mut conversations = numbers.to_vec();
    conversations.sort_unstable();
    conversations.dedup();
    for conversation in conversations {
        let of = |index: &usize| numbers[*index] == conversation;
        let indices: Vec<_> = (0..all.len()).filter(of).collect();
        let own: Vec<_> = indices.iter().map(|index| all[*index].clone()).collect();
        for (index, found) in indices.into_iter().zip(ours(&own, Told::BODY, SHORT_COLLAPSING)) {
            markers[index] = found;
        }
    }
    markers
}

#[tokio::test]
async fn the_memory_of_a_session_is_never_dearer_than_none_whatever_conversations_it_has() {
    let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
    println!("cost without memory, with it, and of a caller who keeps the conversations apart");
    let mut failures = Vec::new();
    for (name, turns) in sessions() {
        let server = Server::start(|_| Act::message("Hello"));
        let (rotator, (numbers, all)) = (rotator(&server, &clock), in_order(turns));
        let (none, apart) = (ours(&all, Told::NOTHING, SHORT_COLLAPSING), apart(&numbers, &all));
        let remembered = through(&rotator, &clock, &server, &all, Some(name)).await;
        let [none, remembered, apart] =
            [&none, &remembered, &apart].map(|markers| SHORT_COLLAPSING.cost(&all, markers));
        println!("{name:<34} {none:>9.0} {:.3} {:.3}", remembered / none, apart / none);
        // The conversations of a window differ in their first messages, so more titles than fit push them out.
        if remembered > none + 1e-6 || remembered > apart * 1.005 && !name.contains("ten") {
            failures.push(name);
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn a_previous_body_of_another_conversation_is_no_dearer_than_none() {
    for (name, turns) in sessions() {
        let (_, all) = in_order(turns);
        // Each request has the one before it for the previous one, whichever conversation that is from.
        let costs =
            [Told::NOTHING, Told::BODY].map(|told| SHORT_COLLAPSING.cost(&all, &ours(&all, told, SHORT_COLLAPSING)));
        println!("{name:<34} {:.3}", costs[1] / costs[0]);
        assert!(costs[1] <= costs[0] + 1e-6, "{name}: {costs:?}");
    }
}

#[tokio::test]
async fn each_conversation_of_a_session_has_the_lifetimes_of_its_own_gaps() {
    let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
    let server = Server::start(|_| Act::message("Hello"));
    let slow = Family { gap: (1000, 1500), ..family("chat") }.session(1);
    let titles = after(&slow, 1, 100, title);
    let (numbers, all) = in_order(slow.into_iter().map(|request| (0, request)).chain(titles).collect());
    let sent = through(&rotator(&server, &clock), &clock, &server, &all, Some("adaptive")).await;
    let long = |markers: &Markers| markers.iter().all(|(_, life)| *life == LONG_COLLAPSING.tail);
    let own: Vec<_> = numbers.iter().zip(&sent).filter(|(number, _)| **number == 0).map(|(_, sent)| sent).collect();
    assert!(!long(own[0]) && own[1..].iter().all(|markers| long(markers)), "{own:?}");
    let mut titles = numbers.iter().zip(&sent).filter(|(number, _)| **number > 0);
    assert!(titles.all(|(_, markers)| !long(markers)), "a title is the first request of its conversation");
}
