//! The tables of the page "Answers", made from the rules, the cooldowns and the answers in `tests/fixtures`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::{NOW, answers, body, classify};
use crate::failure::failure::Failure;
use crate::failure::pattern::Pattern;
use crate::failure::rules::{self, Rule, When};
use crate::failure::text::Text;
use crate::id::ProviderId;
use crate::profile::AuthProfiles;
use crate::providers::{Dialect, Provider};
use crate::reason::{Blame, CooldownKind, FailureReason};
use crate::select::{ProfileSelector, Query};

/// The maximum number of codes to show per reason; nobody reads a longer list.
const SHOWN: usize = 8;
/// A provider of which fewer reasons were seen is left out.
const ENOUGH: usize = 6;

#[test]
fn the_page_has_what_the_rules_say() {
    let page = include_str!("../../docs/answers.md");
    let tables = [reasons(), numbers(), examples()];
    let missing: Vec<&String> = tables.iter().filter(|table| !page.contains(*table)).collect();
    assert!(
        missing.is_empty(),
        "src/docs/answers.md should have\n\n{}",
        missing.into_iter().cloned().collect::<Vec<_>>().join("\n")
    );
}

fn table(head: &str, rows: impl IntoIterator<Item = String>) -> String {
    let line = "| --- ".repeat(head.matches('|').count() - 1) + "|";
    let rows: String = rows.into_iter().map(|row| row + "\n").collect();
    format!("{head}\n{line}\n{rows}")
}

fn reasons() -> String {
    let bodies: Vec<String> = answers().iter().map(|answer| body(answer).to_lowercase()).collect();
    let row = |reason: FailureReason| {
        let failure = Failure::new(reason);
        let cells = [
            format!("`{reason}`"),
            failure.sentence().to_owned(),
            blamed(reason.blame()).to_owned(),
            happens(reason),
            again(&failure).to_owned(),
            statuses(reason),
            codes(reason, &bodies),
        ];
        format!("| {} |", cells.join(" | ")).replace("  ", " ")
    };
    let head = "| reason | that is | blames | the profile | try again | status alone | codes |";
    table(head, FailureReason::all().map(row))
}

fn blamed(blame: Blame) -> &'static str {
    match blame {
        Blame::Profile => "the profile",
        Blame::Model => "the model",
        Blame::Provider => "the provider",
        Blame::Request => "the request",
        Blame::Nobody => "nobody",
    }
}

fn again(failure: &Failure) -> &'static str {
    match (failure.can_retry(), failure.can_rotate()) {
        (true, true) => "same or another profile",
        (true, false) => "same profile",
        (false, true) => "another profile",
        (false, false) => "no",
    }
}

/// Returns the effect of the default rules on a profile that fails for the first time.
fn happens(reason: FailureReason) -> String {
    let seconds = |rest: Duration| match rest.as_secs() {
        seconds if seconds < 60 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    };
    let disabled = reason.cooldown_kind() == CooldownKind::Disabled;
    match (cooldowns(reason, None), cooldowns(reason, Some(SERVERS))) {
        ([Duration::ZERO, Duration::ZERO], [SERVERS, Duration::ZERO]) => {
            "nothing, or until the server's deadline for this model".to_owned()
        }
        ([Duration::ZERO, Duration::ZERO], _) => "nothing".to_owned(),
        ([first, Duration::ZERO], _) => format!("cools down for this model, {} at first", seconds(first)),
        ([first, _], _) if disabled => format!("is disabled, {} at first", seconds(first)),
        ([first, _], _) => format!("cools down, {} at first", seconds(first)),
    }
}

/// A wait that the server asks for, other than any of the rules.
const SERVERS: Duration = Duration::from_secs(7);

/// Returns how long a profile is out of use for the model that failed, and for another.
fn cooldowns(reason: FailureReason, server: Option<Duration>) -> [Duration; 2] {
    let selector = ProfileSelector::default();
    let text = r#"{"version":1,"profiles":{"a:a":{"type":"api_key","provider":"a","key":"k"}}}"#;
    let mut profiles = AuthProfiles::from_json(text).unwrap();
    let query = |model| Query::new(&ProviderId::new("a").unwrap()).model(model);
    let receipt = selector.select(&profiles, &query("failed"), NOW).unwrap().receipt;
    selector.record_failure(&mut profiles, &receipt, reason, server.map(|wait| NOW + wait), NOW).unwrap();
    ["failed", "other"].map(|model| {
        let mut times = (0..=86_400).map(Duration::from_secs);
        times.find(|time| selector.select(&profiles, &query(model), NOW + *time).is_ok()).unwrap()
    })
}

/// The statuses that mean a reason where nothing else is known.
fn statuses(reason: FailureReason) -> String {
    let of_status = |rule: &&Rule| rule.reason == reason && rule.code.is_empty() && rule.text.is_empty();
    let (mut exact, mut ranges) = (BTreeSet::new(), Vec::new());
    for rule in rules::all().filter(of_status) {
        match rule.when {
            When::In(statuses) => exact.extend(statuses.iter().copied()),
            When::Range(300, _) => ranges.push("3xx".to_owned()),
            When::Range(first, _) => ranges.push(format!("other {}xx", first / 100)),
            When::Always => {}
        }
    }
    let exact: Vec<u16> = exact.into_iter().collect();
    let runs = exact.chunk_by(|one, next| one + 1 == *next).flat_map(|run| match run {
        [first, _, .., last] => vec![format!("{first} to {last}")],
        few => few.iter().map(u16::to_string).collect(),
    });
    runs.chain(ranges).collect::<Vec<_>>().join(", ")
}

/// Returns `true` if a rule's codes alone mean its reason.
fn by_code(rule: &Rule) -> bool {
    !rule.code.is_empty() && rule.text.is_empty() && matches!(rule.when, When::Always)
}

fn is_number(code: &str) -> bool {
    code.bytes().all(|byte| byte.is_ascii_digit())
}

/// The codes that are known in every dialect: those that were seen most often, then in the order of the rules.
fn codes(reason: FailureReason, bodies: &[String]) -> String {
    let of_reason = |rule: &&Rule| rule.reason == reason && rule.dialect == Dialect::Common && by_code(rule);
    let all = rules::all().filter(of_reason).flat_map(|rule| rule.code.split('|'));
    let seen = |code: &str| bodies.iter().filter(|body| body.contains(&format!("\"{code}\""))).count();
    let mut all: Vec<(usize, &str)> = all.filter(|code| !is_number(code)).map(|code| (seen(code), code)).collect();
    all.sort_by_key(|(seen, _)| std::cmp::Reverse(*seen));
    let shown = all.iter().take(SHOWN).map(|(_, code)| format!("`{code}`")).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}, and {more} more"),
    }
}

/// Numbers, which nobody knows by heart: all of them.
fn numbers() -> String {
    let mut found: BTreeMap<(String, usize), BTreeSet<u32>> = BTreeMap::new();
    for rule in rules::all().filter(|rule| by_code(rule)) {
        let place = FailureReason::all().position(|reason| reason == rule.reason).unwrap();
        let numbers = rule.code.split('|').filter(|code| is_number(code)).map(|code| (rule.dialect, code));
        for (dialect, number) in numbers {
            let of_dialect = Provider::all().filter(|provider| provider.dialect == dialect).map(Provider::id);
            let speaks = match dialect {
                Dialect::Common => "any".to_owned(),
                _ => of_dialect.collect::<Vec<_>>().join(", "),
            };
            found.entry((speaks, place)).or_default().insert(number.parse().unwrap());
        }
    }
    let rows = found.into_iter().map(|((speaks, place), numbers)| {
        let reason = FailureReason::all().nth(place).unwrap();
        format!("| {speaks} | {} | `{reason}` |", numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))
    });
    table("| provider | numbers | reason |", rows)
}

/// For each provider an answer of each reason, as it was seen.
fn examples() -> String {
    let mut found: BTreeMap<String, BTreeMap<&str, (u8, String)>> = BTreeMap::new();
    for answer in answers() {
        let (Some(provider), Some(reason)) = (answer["provider"].as_str(), answer["reason"].as_str()) else { continue };
        let Some((rank, shown)) = shown(&answer) else { continue };
        let reason = FailureReason::from_name(reason).unwrap().as_str();
        let best = found.entry(name(provider)).or_default().entry(reason).or_insert((u8::MAX, String::new()));
        if rank < best.0 {
            *best = (rank, shown);
        }
    }
    let known = found.into_iter().filter(|(_, reasons)| reasons.len() >= ENOUGH);
    let rows = known.flat_map(|(provider, mut reasons)| {
        let rows = FailureReason::all().filter_map(move |reason| Some((reason, reasons.remove(reason.as_str())?.1)));
        rows.map(move |(reason, shown)| format!("| {provider} | {shown} | `{reason}` |")).collect::<Vec<_>>()
    });
    table("| provider | answer | reason |", rows)
}

/// One name for the names under which a provider was seen.
fn name(seen: &str) -> String {
    let name = match seen.replace('_', "-").as_str() {
        "gemini" => "google".to_owned(),
        "vertex" => "google-vertex".to_owned(),
        name => name.to_owned(),
    };
    Provider::find(&name).map_or(name, |provider| provider.id().to_owned())
}

/// Status, and what decided: a code, or words of a rule. The lower the number, the better the example.
fn shown(answer: &Value) -> Option<(u8, String)> {
    rules::DECIDED.take();
    let failure = classify(answer, &body(answer))?;
    let decided = rules::DECIDED.take();
    let rule = rules::all().find(|rule| decided.contains(&std::ptr::from_ref(*rule)))?;
    let came = match (failure.status(), answer["kind"].as_str()) {
        (Some(status), _) => status.as_u16().to_string(),
        (None, Some("event")) => "event".to_owned(),
        (None, _) => "text".to_owned(),
    };
    let told = body(answer).to_lowercase();
    let code = rule.code.split('|').find(|code| !code.is_empty() && told.contains(*code));
    let said = failure.unredacted_message().map(|message| Text::new(message.expose()));
    let said =
        said.and_then(|said| rule.text.split('|').find(|part| !part.is_empty() && Pattern::new(part).matches(&said)));
    let words = said.map(|words| words.trim_matches(['^', '$']).replace(['*', '&'], " ... "));
    let answered = failure.status().is_some();
    Some(match (code, words) {
        (Some(code), _) => (if answered { 0 } else { 2 }, format!("{came} `{code}`")),
        (None, Some(words)) => (if answered { 1 } else { 3 }, format!("{came} \"{words}\"")),
        (None, None) if answered && rule.code.is_empty() && rule.text.is_empty() => (4, came),
        (None, None) => return None,
    })
}
