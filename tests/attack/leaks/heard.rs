//! Listens to texts for a secret: of 34 kinds, any ten characters in a row of it.

#![allow(dead_code, reason = "the tests of the backends use a part of it")]

use std::any::type_name;
use std::collections::{BTreeSet, HashSet};
use std::error::Error as StdError;
use std::fmt::{Debug, Display};
use std::time::Duration;

use provider_auth::Error;

use crate::random::{Random, time};

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// What a secret may look like: how it begins, of what the rest is made, and how many characters that has.
pub(crate) const KINDS: [(&str, &str, usize); 34] = [
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

/// The public items of the crate, one line each.
const PUBLIC: &str = include_str!("../../house/public_api.txt");

/// What is looked for, and what was found in the texts so far.
pub(crate) struct Heard {
    /// The number of its kind.
    pub(crate) kind: usize,
    /// The secret as it stands in a text.
    pub(crate) secret: String,
    /// Ten characters in a row, as they are and as they are escaped.
    kept: HashSet<Vec<u8>>,
    /// How many bytes they have.
    lengths: Vec<usize>,
    /// The first two bytes of each, so that most places of a text need no other look.
    begins: Vec<bool>,
    texts: usize,
    bytes: usize,
    pub(crate) faults: Vec<String>,
    /// The types whose `Debug` was looked through, with those that they hold by their own type.
    types: BTreeSet<&'static str>,
}

/// So many characters in a row give a secret away.
pub(crate) const TELLING: usize = 10;

impl Heard {
    pub(crate) fn listening(kind: usize) -> Self {
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
            types: BTreeSet::new(),
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
    pub(crate) fn written(&self) -> String {
        json(&self.secret)
    }

    /// The secret as it stands in a URL.
    pub(crate) fn in_url(&self) -> String {
        percent(&self.secret)
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.texts += 1;
        self.bytes += text.len();
        if let Some(at) = self.hears(text) {
            let around = &text.as_bytes()[at.saturating_sub(200)..(at + 60).min(text.len())];
            self.faults.push(String::from_utf8_lossy(around).into_owned());
        }
    }

    /// The public types with `Debug` that were not looked through; those that are `Copy` and borrow nothing hold no text.
    pub(crate) fn unheard(&self) -> Vec<&'static str> {
        let is_path = |letter: char| letter.is_alphanumeric() || "_:".contains(letter);
        let names = self.types.iter().flat_map(|name| name.split(|letter| !is_path(letter)));
        let heard: Vec<&str> = names.filter_map(|name| name.strip_prefix("provider_auth::")).collect();
        let borrows = |path: &str| PUBLIC.lines().any(|line| line.contains(&format!("struct {path}<'a>")));
        let public = PUBLIC.lines().filter_map(|line| line.strip_prefix("impl ")?.split_once(": "));
        let texts = public.filter(|(path, traits)| {
            let mut traits = traits.split(" + ");
            traits.clone().any(|one| one == "Debug") && (traits.all(|one| one != "Copy") || borrows(path))
        });
        let paths = texts.map(|(path, _)| path.split('<').next().unwrap_or(path));
        let paths: Vec<&str> = paths.collect();
        let name_of = |path: &'static str| path.rsplit("::").next().unwrap_or(path);
        // A type is defined in the module where it is public, or below it, or elsewhere if no other has its name.
        let is_heard = |path: &'static str| {
            let (module, name) = path.rsplit_once("::").unwrap_or(("", path));
            let is_alone = paths.iter().filter(|other| name_of(other) == name).count() == 1;
            let of_name = heard.iter().filter(|heard| heard.rsplit("::").next() == Some(name));
            of_name.into_iter().any(|heard| is_alone || heard.starts_with(module))
        };
        paths.iter().copied().filter(|path| !is_heard(path)).collect()
    }

    /// Where a text gives the secret away.
    pub(crate) fn hears(&self, text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        let is_kept = |at, length| bytes.get(at..at + length).is_some_and(|part| self.kept.contains(part));
        (0..bytes.len().saturating_sub(1)).find(|&at| {
            let begins = self.begins[usize::from(bytes[at]) << 8 | usize::from(bytes[at + 1])];
            begins && self.lengths.iter().any(|&length| is_kept(at, length))
        })
    }

    /// Both forms of `Debug`.
    pub(crate) fn debug<T: Debug + ?Sized>(&mut self, value: &T) {
        self.types.insert(type_name::<T>());
        self.text(&format!("{value:?}\n{value:#?}"));
    }

    /// Both forms of `Display`.
    pub(crate) fn display(&mut self, value: &dyn Display) {
        self.text(&format!("{value}\n{value:#}"));
    }

    /// An error with all its causes.
    pub(crate) fn chain(&mut self, error: &(dyn StdError + 'static)) {
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.debug(&error);
            self.display(&error);
            cause = error.source();
        }
    }

    pub(crate) fn error(&mut self, error: &Error) {
        self.chain(error);
        self.display(&error.help());
        self.debug(&(error.kind(), error.location(), error.unavailable()));
        self.diagnostics(error.diagnostics());
        error.location().iter().for_each(|place| self.display(place));
    }

    pub(crate) fn diagnostics(&mut self, found: &[provider_auth::error::Diagnostic]) {
        for found in found {
            self.debug(found);
            self.display(found);
            self.display(&found.location);
        }
    }

    pub(crate) fn result<T: Debug>(&mut self, result: Result<T, Error>) -> Option<T> {
        self.debug(&result);
        result.inspect_err(|error| self.error(error)).ok()
    }
}

pub(crate) fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap().to_owned()
}

pub(crate) fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Whether nobody gave more time than the gate has.
pub(crate) fn is_short() -> bool {
    time(Duration::ZERO).is_zero()
}

/// Where a text is damaged: at every seventh byte, of which each kind of secret takes a tenth where nobody has more time.
pub(crate) fn cuts(length: usize, kind: usize) -> Vec<usize> {
    // Not at every place of the longest secrets, which are all alike.
    let step = if is_short() { 70.max(length / 75) } else { 7.max(length / 5_000) };
    (kind * 7 % step..length).step_by(step).collect()
}

/// Listens for each kind of secret in turn; at least so many texts are to be heard of each.
pub(crate) fn hunt(what: &str, least: usize, walk: impl FnMut(&mut Heard)) {
    hunt_each(what, least, 1, walk);
}

/// The same for one kind in eight where nobody has more time.
pub(crate) fn hunt_few(what: &str, least: usize, walk: impl FnMut(&mut Heard)) {
    hunt_each(what, least, if is_short() { 8 } else { 1 }, walk);
}

fn hunt_each(what: &str, least: usize, step: usize, mut walk: impl FnMut(&mut Heard)) {
    let (start, mut texts, mut bytes, mut faults) = (std::time::Instant::now(), 0, 0, Vec::new());
    for (kind, (begin, ..)) in KINDS.iter().enumerate().step_by(step) {
        let mut heard = Heard::listening(kind);
        walk(&mut heard);
        assert!(heard.texts >= least, "{what}, {begin:?}: only {} texts", heard.texts);
        (texts, bytes) = (texts + heard.texts, bytes + heard.bytes);
        faults.extend(heard.faults.iter().take(3).map(|fault| format!("{begin:?}: {fault:?}")));
    }
    let kinds = KINDS.len().div_ceil(step);
    println!("{what}: {kinds} kinds of secret, {texts} texts, {bytes} bytes, {:?}", start.elapsed());
    assert!(faults.is_empty(), "{what}: {} leaks:\n{}", faults.len(), faults.join("\n"));
}
