//! The example to be copied, as a process: it answers, rotates, and prints no secret.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]
#![cfg(all(feature = "file", feature = "client"))]

use crate::program::example;

#[test]
fn the_agent_answers_over_a_limited_key() {
    let output = example("embed").output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{err}");
    assert!(out.contains("Hello?") && out.contains("And again?"), "{out}");
    assert_eq!(err.matches("from the cache").count(), 2, "{err}");
    // The second turn reads what the first one wrote.
    assert_eq!(err.matches(" 0 % read").count(), 1, "{err}");
    assert!(!out.contains("not-real") && !err.contains("not-real"));
}

/// The lines that a reader sees of each block of code on a page.
fn blocks(page: &str) -> Vec<Vec<&str>> {
    let hidden = |line: &str| line == "#" || line.starts_with("# ");
    let blocks = page.split("```").skip(1).step_by(2);
    blocks.map(|block| block.lines().skip(1).filter(|line| !hidden(line)).collect()).collect()
}

#[test]
fn the_shortest_way_has_fewer_than_20_lines_with_either_client() {
    let blocks = blocks(include_str!("../../src/docs/embedding_in_an_agent.md"));
    for (block, needed) in blocks.iter().zip(["rotator.send(", "rotator.run("]) {
        assert!(block.iter().any(|line| line.contains(needed)), "{block:?}");
        assert!(block.len() < 20, "{} lines", block.len());
        assert!(block.iter().all(|line| line.len() < 140), "a line is none if it is two");
    }
}

#[test]
fn what_leaves_loopback_names_the_feature_for_tls() {
    let readme = include_str!("../../README.md");
    let part = |heading: &str| readme.split(heading).nth(1).unwrap().split("\n#").next().unwrap();
    for text in [
        include_str!("../../examples/embed.rs"),
        include_str!("../../src/docs/embedding_in_an_agent.md"),
        include_str!("../../src/rotate/rotator.rs"),
        part("## The shortest way\n"),
        part("## By hand\n"),
    ] {
        let text = text.replace("//!", "").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("feature `rustls`") || text.contains("--features rustls"), "{text}");
    }
    // What other examples send goes to a server of their own.
    for text in [
        include_str!("../../examples/answer.rs"),
        include_str!("../../examples/custom_store.rs"),
        include_str!("../../examples/models.rs"),
        include_str!("../../examples/quickstart.rs"),
        include_str!("../../examples/request.rs"),
        include_str!("../../examples/rotate.rs"),
    ] {
        let sends = text.contains("Rotator::builder") || text.contains("reqwest::Client");
        assert!(!sends || text.contains("Server::start("), "{text}");
    }
}

#[test]
fn it_is_short_enough_to_be_copied() {
    let text = include_str!("../../examples/embed.rs");
    assert!(text.lines().count() < 120);
}
