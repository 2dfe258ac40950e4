//! What the README tells a newcomer to type, typed: in the order of the page, in one directory, by a shell.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may stop where it fails, and reads sources")]
#![cfg(all(unix, feature = "file", feature = "client"))]

use std::fs::{read_to_string, write};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::{environment, example};

const KEY: &str = "sk-ant-api03-made-up-0123456789abcdefghijklmnopqrstuvwxyz";

fn source(path: &str) -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The commands of a page's `console` blocks, each with the lines that the page shows of its output.
fn commands(page: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for block in page.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            match line.strip_prefix("$ ") {
                Some(command) => commands.push((command.to_owned(), Vec::new())),
                None => commands.last_mut().unwrap().1.push(line.to_owned()),
            }
        }
    }
    commands
}

/// The command with each example as the program that cargo built, so that no test waits for cargo's lock.
fn built(command: &str) -> String {
    let mut built = String::new();
    let mut parts = command.split("cargo run --example ");
    built.push_str(parts.next().unwrap());
    for part in parts {
        let (name, rest) = part.split_once(' ').unwrap_or((part, ""));
        let program = example(name);
        let words = std::iter::once(program.get_program()).chain(program.get_args());
        words.for_each(|word| built.extend(["'", word.to_str().unwrap(), "' "]));
        built.push_str(rest.strip_prefix("-- ").unwrap_or(rest));
    }
    built
}

#[test]
fn every_command_works_in_its_order_and_prints_what_the_page_shows() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path().join("key.txt"), KEY).unwrap();
    let mut run = 0;
    for (command, shown) in
        ["README.md", "examples/README.md", "src/docs/answers.md"].iter().flat_map(|page| commands(&source(page)))
    {
        // This is a part of it.
        if command.starts_with("cargo test") {
            continue;
        }
        let mut shell = Command::new("sh");
        shell.env_clear().envs(environment());
        shell.args(["-c", &built(&command)]).current_dir(&directory);
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Only the command that asks for a key reads it.
        let _ = shell.stdin.take().unwrap().write_all(KEY.as_bytes());
        let output = shell.wait_with_output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{command}: {err}");
        assert!(!out.contains(KEY) && !err.contains(KEY), "{command}");
        for line in shown {
            let shows = |printed: &str| match line.strip_suffix("...") {
                Some(start) => printed.starts_with(start),
                None => printed == line,
            };
            assert!(out.lines().any(shows), "{command} does not print {line:?} but\n{out}");
        }
        run += 1;
    }
    assert!(run >= 6, "{run} commands found");
}

#[test]
fn keys_of_this_machine_change_nothing_that_is_shown() {
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "readme::every_command_works_in_its_order_and_prints_what_the_page_shows"]);
    let output = again.envs(["GH_TOKEN", "GEMINI_API_KEY", "XAI_API_KEY"].map(|name| (name, KEY))).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn every_example_bench_and_test_that_a_page_names_is_there() {
    let mut pages = vec!["README.md".to_owned(), "examples/README.md".to_owned()];
    let docs = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/docs")).unwrap();
    pages.extend(docs.map(|entry| format!("src/docs/{}", entry.unwrap().file_name().to_str().unwrap())));
    for (page, text) in pages.iter().map(|page| (page, source(page))) {
        for (flag, directory) in [("--example ", "examples"), ("--bench ", "benches"), ("--test ", "tests")] {
            for rest in text.split(flag).skip(1) {
                let name = rest.split(|end: char| !end.is_ascii_alphanumeric() && end != '_').next().unwrap();
                let root = Path::new(env!("CARGO_MANIFEST_DIR"));
                let is_there = [root.join(directory), root.join("tests/backends").join(directory)]
                    .map(|directory| directory.join(name))
                    .iter()
                    .any(|file| file.with_extension("rs").exists() || file.join("main.rs").exists());
                assert!(is_there, "{page}: {flag}{name}");
            }
        }
    }
}
