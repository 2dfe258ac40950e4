//! The example command line at a real terminal: a secret is asked for, and nobody looking at the screen reads it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may stop where it fails, reads what was stored, and says why it was skipped"
)]
#![cfg(all(unix, feature = "file"))]

use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use pty_process::blocking::{self, Pty};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::program::example;

const KEY: &str = "sk-ant-api03-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const INTERRUPT: &str = "\u{3}";
const END_OF_INPUT: &str = "\u{4}";

/// A terminal with the program in front of it, and all that was shown so far.
struct Terminal {
    keyboard: Pty,
    output: Receiver<Vec<u8>>,
    screen: String,
    child: Child,
    /// Held, so that the terminal outlives the program as it does under a shell.
    _kept: OwnedFd,
}

impl Terminal {
    /// None on a machine that has no terminals to give, where there is nothing to test.
    fn start(state: &Path, arguments: &[&str]) -> Option<Self> {
        let (keyboard, terminal) = match blocking::open() {
            Ok(pair) => pair,
            Err(error) => {
                eprintln!("skipped: no terminal can be opened: {error}");
                return None;
            }
        };
        let kept = terminal.as_fd().try_clone_to_owned().unwrap();
        let mut command = example("models");
        command.arg("--state-dir").arg(state).args(arguments);
        let child = blocking::Command::from(command).spawn(terminal).unwrap();
        let (sender, output) = channel();
        let mut reader = std::fs::File::from(keyboard.as_fd().try_clone_to_owned().unwrap());
        std::thread::spawn(move || {
            let mut piece = [0; 1024];
            while let Ok(length) = reader.read(&mut piece) {
                if length == 0 || sender.send(piece[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Some(Self { keyboard, output, screen: String::new(), child, _kept: kept })
    }

    fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until the screen shows this.
    fn shows(&mut self, text: &str) {
        let asked = Instant::now();
        while !self.screen.contains(text) {
            self.look(asked, text);
        }
    }

    fn look(&mut self, since: Instant, expected: &str) {
        assert!(since.elapsed() < Duration::from_secs(20), "no {expected:?}: {:?}", self.screen);
        if let Ok(piece) = self.output.recv_timeout(Duration::from_millis(20)) {
            self.screen.push_str(&String::from_utf8_lossy(&piece));
        }
    }

    /// The exit code and all that was shown, after a check that the terminal shows again what is typed.
    fn ends(mut self) -> (Option<i32>, String) {
        let asked = Instant::now();
        let code = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status.code(),
                None => self.look(asked, "end"),
            }
        };
        self.type_in("is this seen?");
        self.shows("is this seen?");
        for part in KEY.as_bytes().windows(8).map(String::from_utf8_lossy) {
            assert!(!self.screen.contains(&*part), "{}", self.screen);
        }
        (code, std::mem::take(&mut self.screen))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn stored(state: &Path) -> Option<Value> {
    let file = std::fs::read_to_string(state.join("agents/main/agent/auth-profiles.json")).ok()?;
    Some(serde_json::from_str(&file).unwrap())
}

/// Checks what `set-key` stores when this is typed at its prompt.
fn stores(typed: &str, key: &str) {
    let state = tempfile::tempdir().unwrap();
    let started = Terminal::start(state.path(), &["auth", "set-key", "--provider", "anthropic"]);
    let Some(mut terminal) = started else { return };
    terminal.shows("API key for anthropic: ");
    terminal.type_in(typed);
    terminal.shows("added anthropic:default");
    assert_eq!(terminal.ends().0, Some(0));
    assert_eq!(stored(state.path()).unwrap()["profiles"]["anthropic:default"]["key"], key);
}

#[test]
fn a_key_is_stored_and_never_shown() {
    stores(&format!("{KEY}\r"), KEY);
}

#[test]
fn slips_are_corrected() {
    stores(&format!("something else\u{15}\u{7f}{KEY}x\u{e9}\u{7f}\u{8}\n"), KEY);
}

#[test]
fn what_follows_the_first_line_reaches_nobody() {
    // A shell would show the second line, run it, and keep it in its history.
    let (first, second) = KEY.split_at(40);
    stores(&format!("{first}\n{second}\n"), first);
}

#[test]
fn a_token_longer_than_a_terminals_line_is_stored_whole() {
    let (state, token) = (tempfile::tempdir().unwrap(), format!("ghu_{}", KEY.repeat(80)));
    let arguments = ["auth", "paste-token", "--provider", "github-copilot", "--expires-in", "30d"];
    let Some(mut terminal) = Terminal::start(state.path(), &arguments) else { return };
    terminal.shows("token for github-copilot: ");
    terminal.type_in(&format!("{token}\n"));
    terminal.shows("added github-copilot:manual");
    assert_eq!(terminal.ends().0, Some(0));
    assert_eq!(stored(state.path()).unwrap()["profiles"]["github-copilot:manual"]["token"], token);
}

#[test]
fn leaving_the_prompt_stores_nothing() {
    for leave in [INTERRUPT, END_OF_INPUT] {
        for typed in ["", KEY] {
            let state = tempfile::tempdir().unwrap();
            let started = Terminal::start(state.path(), &["auth", "set-key", "--provider", "anthropic"]);
            let Some(mut terminal) = started else { return };
            terminal.shows("API key for anthropic: ");
            terminal.type_in(&format!("{typed}{leave}"));
            let (code, screen) = terminal.ends();
            assert_eq!(code, Some(1), "{screen}");
            assert!(screen.contains("error: nothing was pasted") && screen.contains("help: "), "{screen}");
            assert_eq!(stored(state.path()), None);
        }
    }
}

#[test]
fn a_signal_at_the_prompt_gives_the_echo_back() {
    for (signal, code) in [(Signal::HUP, 129), (Signal::INT, 130), (Signal::TERM, 143)] {
        let state = tempfile::tempdir().unwrap();
        let started = Terminal::start(state.path(), &["auth", "set-key", "--provider", "anthropic"]);
        let Some(mut terminal) = started else { return };
        terminal.shows("API key for anthropic: ");
        terminal.type_in(KEY);
        kill_process(Pid::from_child(&terminal.child), signal).unwrap();
        assert_eq!(terminal.ends().0, Some(code));
        assert_eq!(stored(state.path()), None);
    }
}
