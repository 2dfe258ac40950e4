//! No secret in any text: puts secrets of every kind into every field that can hold one, and searches every text that
//! the crate can produce for any ten consecutive characters of them. `tests/request/leaks.rs` and `tests/surface` have
//! the searches of single modules.

mod calls;
mod documents;
mod settings;

use std::collections::HashSet;
use std::error::Error as StdError;
use std::fmt::{Debug, Display};
use std::time::Duration;

use provider_auth::Error;

use crate::driver::{Random, time};

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// What a secret may look like: how it begins, of what the rest is made, and how many characters that has.
const KINDS: [(&str, &str, usize); 34] = [
    ("sk-ant-api03-", LETTERS, 95),
    ("sk-ant-oat01-", LETTERS, 80),
    ("sk-ant-ort01-", LETTERS, 80),
    ("sk-ant-admin01-", LETTERS, 80),
    ("sk-", LETTERS, 48),
    ("sk-proj-", "ABCDEFabcdef0123456789-_", 120),
    ("sk-or-v1-", "abcdef0123456789", 64),
    ("AIza", LETTERS, 35),
    ("gsk_", LETTERS, 52),
    ("xai-", LETTERS, 80),
    ("hf_", LETTERS, 34),
    ("nvapi-", LETTERS, 64),
    ("ghu_", LETTERS, 36),
    ("github_pat_", LETTERS, 82),
    ("AKIA", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
    ("ya29.", LETTERS, 150),
    ("eyJ", "ABCDEFabcdef0123456789-_.", 300),
    ("bedrock-api-key-", "ABCDEFGHabcdefgh0123456789+/=", 100),
    ("Basic ", "ABCDEFGHabcdefgh0123456789+/", 40),
    ("Bearer ", LETTERS, 40),
    ("", "abcdef0123456789", 32),
    ("", "abcdef0123456789-", 36),
    ("", "0123456789", 20),
    ("", LETTERS, 10),
    ("", LETTERS, 5_000),
    ("user:", "abcdefghijklmnopqrstuvwxyz:@", 24),
    ("two words: ", "abcdefghijklmnopqrstuvwxyz ", 40),
    ("quoted ", "abcdefghijkl\"'`\\", 40),
    ("-----BEGIN PRIVATE KEY-----\n", "ABCDEFabcdef0123456789+/\n", 200),
    ("{\"client_secret\":\"", LETTERS, 40),
    ("%41", "ABCDEFabcdef0123456789%&=?#", 40),
    ("\u{fc}", "abcdefgh\u{e4}\u{f6}\u{fc}\u{df}\u{e9}\u{e8}", 40),
    ("\u{5bc6}", "\u{5bc6}\u{7801}\u{94a5}\u{5319}\u{4ee4}\u{724c}abcdefgh", 40),
    ("control ", "abcdefghijkl\u{1}\u{1b}\u{7f}\t", 40),
];

/// What is looked for, and what was found in the texts so far.
pub(super) struct Heard {
    /// The number of its kind.
    pub(super) kind: usize,
    /// The secret as it stands in a text.
    pub(super) secret: String,
    /// Ten characters in a row, as they are and as they are escaped.
    kept: HashSet<Vec<u8>>,
    /// How many bytes they have.
    lengths: Vec<usize>,
    /// The first two bytes of each, so that most places of a text need no other look.
    begins: Vec<bool>,
    texts: usize,
    bytes: usize,
    faults: Vec<String>,
}

/// So many characters in a row give a secret away.
const TELLING: usize = 10;

impl Heard {
    fn listening(kind: usize) -> Self {
        let (start, alphabet, length) = KINDS[kind];
        let (mut random, letters) = (Random::new(0x5ec2 + 97 * kind as u64), alphabet.chars().collect::<Vec<_>>());
        let body: String = (0..length).map(|_| letters[random.below(letters.len())]).collect();
        let mut heard = Self {
            kind,
            secret: format!("{start}{body}"),
            kept: HashSet::new(),
            lengths: Vec::new(),
            begins: vec![false; 1 << 16],
            texts: 0,
            bytes: 0,
            faults: Vec::new(),
        };
        let bytes = body.as_bytes().iter().take(8).map(u8::to_string).collect::<Vec<_>>();
        let characters: Vec<char> = body.chars().collect();
        for part in characters.windows(TELLING).map(|part| part.iter().collect::<String>()) {
            heard.keep(format!("{part:?}").trim_matches('"'));
            for form in
                [part.escape_debug().to_string(), part.escape_unicode().to_string(), json(&part), percent(&part)]
            {
                heard.keep(&form);
            }
            heard.keep(&part.to_lowercase());
            heard.keep(&part);
        }
        // The `Debug` of bytes.
        heard.keep(&bytes.join(", "));
        heard.keep(&bytes.join(",\n    "));
        heard
    }

    fn keep(&mut self, part: &str) {
        let part = part.as_bytes();
        self.begins[usize::from(part[0]) << 8 | usize::from(part[1])] = true;
        if !self.lengths.contains(&part.len()) {
            self.lengths.push(part.len());
        }
        self.kept.insert(part.to_vec());
    }

    /// The secret as it stands between the quotation marks of a file.
    pub(super) fn written(&self) -> String {
        json(&self.secret)
    }

    /// The secret as it stands in a URL.
    pub(super) fn in_url(&self) -> String {
        percent(&self.secret)
    }

    pub(super) fn text(&mut self, text: &str) {
        self.texts += 1;
        self.bytes += text.len();
        if let Some(at) = self.hears(text) {
            let around = &text.as_bytes()[at.saturating_sub(200)..(at + 60).min(text.len())];
            self.faults.push(String::from_utf8_lossy(around).into_owned());
        }
    }

    /// Where a text gives the secret away.
    fn hears(&self, text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        let is_kept = |at, length| bytes.get(at..at + length).is_some_and(|part| self.kept.contains(part));
        (0..bytes.len().saturating_sub(1)).find(|&at| {
            let begins = self.begins[usize::from(bytes[at]) << 8 | usize::from(bytes[at + 1])];
            begins && self.lengths.iter().any(|&length| is_kept(at, length))
        })
    }

    /// Both forms of `Debug`.
    pub(super) fn debug(&mut self, value: &dyn Debug) {
        self.text(&format!("{value:?}\n{value:#?}"));
    }

    /// Both forms of `Display`.
    pub(super) fn display(&mut self, value: &dyn Display) {
        self.text(&format!("{value}\n{value:#}"));
    }

    /// An error with all its causes.
    pub(super) fn chain(&mut self, error: &(dyn StdError + 'static)) {
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.debug(&error);
            self.display(&error);
            cause = error.source();
        }
    }

    pub(super) fn error(&mut self, error: &Error) {
        self.chain(error);
        self.display(&error.help());
        self.debug(&(error.kind(), error.location(), error.unavailable()));
        self.diagnostics(error.diagnostics());
        error.location().iter().for_each(|place| self.display(place));
    }

    pub(super) fn diagnostics(&mut self, found: &[provider_auth::error::Diagnostic]) {
        for found in found {
            self.debug(found);
            self.display(found);
            self.display(&found.location);
        }
    }

    pub(super) fn result<T: Debug>(&mut self, result: Result<T, Error>) -> Option<T> {
        self.debug(&result);
        result.inspect_err(|error| self.error(error)).ok()
    }
}

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Whether nobody gave more time than the gate has.
fn is_short() -> bool {
    time(Duration::ZERO).is_zero()
}

/// Where a text is damaged: at every seventh byte, of which each kind of secret takes a fifth where nobody has more time.
fn cuts(length: usize, kind: usize) -> Vec<usize> {
    // Not at every place of the longest secrets, which are all alike.
    let step = if is_short() { 35.max(length / 150) } else { 7.max(length / 5_000) };
    (kind * 7 % step..length).step_by(step).collect()
}

/// Listens for each kind of secret in turn; at least so many texts are to be heard of each.
fn hunt(what: &str, least: usize, mut walk: impl FnMut(&mut Heard)) {
    let (start, mut texts, mut bytes, mut faults) = (std::time::Instant::now(), 0, 0, Vec::new());
    for (kind, (begin, ..)) in KINDS.iter().enumerate() {
        let mut heard = Heard::listening(kind);
        walk(&mut heard);
        assert!(heard.texts >= least, "{what}, {begin:?}: only {} texts", heard.texts);
        (texts, bytes) = (texts + heard.texts, bytes + heard.bytes);
        faults.extend(heard.faults.iter().take(3).map(|fault| format!("{begin:?}: {fault:?}")));
    }
    println!("{what}: {} kinds of secret, {texts} texts, {bytes} bytes, {:?}", KINDS.len(), start.elapsed());
    assert!(faults.is_empty(), "{what}: {} leaks:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn ten_characters_are_heard_and_nine_are_not() {
    for kind in 0..KINDS.len() {
        let mut heard = Heard::listening(kind);
        let characters: Vec<char> = heard.secret.chars().collect();
        let end = |count: usize| characters[characters.len() - count..].iter().collect::<String>();
        let (ten, nine, whole) = (end(10), end(9), heard.secret.clone());
        for silent in [&*nine, "the profile cannot be used", ""] {
            heard.text(silent);
        }
        assert!(heard.faults.is_empty(), "{kind}: {:?}", heard.faults);
        for telling in [format!("a{ten}b"), format!("{ten:?}"), json(&ten), percent(&ten), ten.to_lowercase()] {
            heard.text(&telling);
        }
        heard.debug(&whole);
        heard.debug(&characters[characters.len() - KINDS[kind].2..].iter().collect::<String>().as_bytes());
        assert_eq!(heard.faults.len(), 7, "{kind}: {:?}", heard.faults);
    }
}
