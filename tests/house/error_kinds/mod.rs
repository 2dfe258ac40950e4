//! Every kind of error, provoked, with its help; and all of them on the page "Troubleshooting".

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test may stop where it fails, and a child of it reports to it"
)]
#![cfg(all(unix, feature = "file", feature = "client"))]

mod local;
mod stores;
mod texts;
mod unavailable;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use provider_auth::failure::SubscriptionRefusal::{
    self, BareRateLimit, ClaudeCodeOnly, Expired, ExtraUsage, MissingScope, NotAllowed, NotSupported, Revoked,
};
use provider_auth::failure::TransportError;
use provider_auth::{AuthProfiles, Error, ErrorKind, Failure, FailureReason};

use crate::support::server::Act;

/// A kind that is provoked elsewhere: what it says, and the part of it that stands in a source.
struct Elsewhere {
    kind: ErrorKind,
    says: &'static str,
    source: &'static str,
    part: &'static str,
}

const NO_LOCKS: &str = "the file system has no file locks, so other processes cannot be kept out";
const PENDING: &str = "an old credential file has to be imported before OpenClaw accepts any change";

/// No machine of a test is without file locks: `src/store/file/tests/failure.rs` has a double for that. `tests/backends` has
/// what only databases provoke.
const ELSEWHERE: [Elsewhere; 3] = [
    Elsewhere {
        kind: ErrorKind::LocksUnsupported,
        says: NO_LOCKS,
        source: include_str!("../../../src/store/file/lock.rs"),
        part: NO_LOCKS,
    },
    Elsewhere {
        kind: ErrorKind::MigrationPending,
        says: PENDING,
        source: include_str!("../../../src/store/sqlite/update.rs"),
        part: PENDING,
    },
    Elsewhere {
        kind: ErrorKind::InheritedProfile,
        says: "the profile \"anthropic:a\" is inherited from the shared store",
        source: include_str!("../../../src/profile/inherit.rs"),
        part: "is inherited from",
    },
];

const REFUSALS: [SubscriptionRefusal; 8] =
    [BareRateLimit, ClaudeCodeOnly, Expired, ExtraUsage, MissingScope, NotAllowed, NotSupported, Revoked];

async fn provoked() -> Vec<Error> {
    let (answers, refreshes) = (wire::answers().await, wire::refreshes().await);
    let local = [local::configurations(), local::profiles(), local::requests()];
    local.into_iter().chain([stores::stores(), stores::files(), answers, refreshes]).flatten().collect()
}

#[test]
fn child_on_a_full_disk() {
    stores::on_a_full_disk();
}

#[tokio::test]
async fn every_kind_is_provoked() {
    let found: BTreeSet<String> = provoked().await.iter().map(|error| format!("{:?}", error.kind())).collect();
    let missing: Vec<String> =
        ErrorKind::all().map(|kind| format!("{kind:?}")).filter(|kind| !found.contains(kind)).collect();
    assert_eq!(missing, ELSEWHERE.map(|elsewhere| format!("{:?}", elsewhere.kind)));
}

#[test]
fn a_machine_without_forbidden_directories_has_the_same_page() {
    let writable = tempfile::tempdir().unwrap();
    for directories in [&[][..], &[writable.path(), std::path::Path::new("/no/such/directory")]] {
        let error = stores::forbidden(directories);
        assert_eq!((error.kind(), message(&error).as_str()), (ErrorKind::PermissionDenied, stores::FORBIDDEN_SAYS));
    }
    assert_eq!(writable.path().read_dir().unwrap().count(), 0, "something is left behind");
}

#[tokio::test]
async fn an_answer_that_comes_late_is_still_that_answer() {
    let late = Act::error(401, "authentication_error", "invalid x-api-key").after(Duration::from_millis(700));
    assert_eq!(wire::answered(late, wire::PATIENT).await.kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn help_is_short() {
    let refusals = REFUSALS.map(SubscriptionRefusal::help);
    let provoked = provoked().await;
    let fixed = ErrorKind::all().map(ErrorKind::help).chain(refusals).map(str::to_owned);
    let helps = provoked.iter().map(|error| error.help().to_owned()).chain(fixed);
    for help in helps.collect::<BTreeSet<String>>() {
        assert!(help.ends_with('.') && help.matches(". ").count() <= 1 && help.len() < 260, "{help}");
    }
}

/// What an error says, without the place.
fn message(error: &Error) -> String {
    let place = error.location().map(|location| format!(" ({location})")).unwrap_or_default();
    let text = error.to_string();
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// The page as it is read: words apart by one space, links without their brackets.
fn page() -> String {
    plain(include_str!("../../../src/docs/troubleshooting.md"))
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace("[`", "`").replace("`]", "`")
}

#[test]
fn each_kind_names_what_a_program_can_call_and_the_page_links_it() {
    // The documentation is built with broken links refused, so that what is linked exists.
    let page = include_str!("../../../src/docs/troubleshooting.md");
    for (kind, [_, program]) in meanings() {
        assert!(program.ends_with('.'), "{kind} does not say what a program can do");
        for item in program.split('`').skip(1).step_by(2) {
            assert!(page.contains(&format!("[`{item}`]")), "{item}");
        }
    }
}

/// What the documentation of [`ErrorKind`] says of each kind, by name: what happened, and what a program can do.
fn meanings() -> BTreeMap<String, [String; 2]> {
    let (_, text) = include_str!("../../../src/error/kind.rs").split_once("pub enum ErrorKind {").unwrap();
    let (text, _) = text.split_once("\n}\n").unwrap();
    let mut meanings = BTreeMap::new();
    let mut said = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(words) = line.strip_prefix("///") {
            said.push(words);
            continue;
        }
        let said = std::mem::take(&mut said).join("\n");
        let (meaning, program) = said.split_once("\n\n").unwrap_or((&said, ""));
        // A link on the page has no target of its own.
        let untargeted = program.split("](").map(|part| part.split_once(')').map_or(part, |(_, rest)| rest));
        let program = untargeted.collect::<String>().replace('[', "");
        meanings.insert(line.trim_end_matches(',').to_owned(), [plain(meaning), plain(&program)]);
    }
    meanings
}

#[tokio::test]
async fn the_page_has_every_kind_with_its_meaning_messages_and_help() {
    let (page, meanings) = (page(), meanings());
    let mut messages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for error in provoked().await {
        messages.entry(format!("{:?}", error.kind())).or_default().push(message(&error));
    }
    assert!(include_str!("../../../src/store/file/lock.rs").contains(stores::FORBIDDEN_SAYS));
    for Elsewhere { kind, says, source, part } in ELSEWHERE {
        assert!(source.contains(part) && says.contains(part), "{part}");
        messages.insert(format!("{kind:?}"), vec![says.to_owned()]);
    }
    let rows = ErrorKind::all().map(|kind| {
        let name = format!("{kind:?}");
        let mut said = messages.remove(&name).unwrap_or_default();
        said.dedup();
        let [meaning, program] = &meanings[&name];
        format!("| `{name}` | {} | {meaning} | {} | {program} |", said.join("<br>"), kind.help())
    });
    let missing: Vec<String> = rows.filter(|row| !page.contains(row)).collect();
    assert!(missing.is_empty(), "rows of the page that should read:\n{}", missing.join("\n"));
}

#[test]
fn the_page_has_the_messages_word_by_word() {
    let page = page();
    for error in [
        local::select(&local::stored(), Some("anthropic:none")),
        local::select(&local::stored(), Some("openai:a")),
        local::select(&local::stored(), None),
        local::select(&AuthProfiles::new(), None),
    ] {
        // Names differ from case to case; the page has placeholders for them.
        let text = error.to_string();
        let (sentence, _) = text.split_once(": ").unwrap_or((&text, ""));
        let message = sentence.replace("anthropic:none", "ID").replace("openai:a", "ID").replace("anthropic", "P");
        assert!(page.contains(&message), "{message}");
    }
}

#[test]
fn the_page_has_what_providers_answers_are_called() {
    let page = page();
    for reason in FailureReason::all() {
        let failure = Failure::new(reason);
        assert!(page.contains(failure.sentence()), "{failure}");
    }
    for refusal in REFUSALS {
        assert!(page.contains(refusal.sentence()), "{refusal}");
    }
    for error in TransportError::all() {
        assert!(page.contains(error.sentence()), "{error:?}");
    }
}
