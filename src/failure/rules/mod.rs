//! What providers say and what it means, as rows of data.
//!
//! The rows are evaluated from top to bottom, the first that matches decides: structured codes, then the wording of
//! billing and of credentials, then other wording and statuses. Sources are the providers' documentation and reported
//! answers as of September 2026: Anthropic's errors, rate limits and streaming pages, OpenAI's error guide, OpenRouter's
//! errors page, Google's `google.rpc` reasons, the Bedrock `InvokeModel` reference.

mod codes;
mod statuses;
mod wording;

use super::refusal::SubscriptionRefusal;
use super::text::Text;
use crate::providers::Dialect;
use crate::reason::FailureReason;

/// Which statuses a row is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// Any status, or none.
    Always,
    /// No status is known: a text alone, or an event of a stream.
    Unknown,
    /// One of these.
    In(&'static [u16]),
    /// No status, or one of these.
    UnknownOr(&'static [u16]),
    /// From the first to the last.
    Range(u16, u16),
}

/// A condition on what is not in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum If {
    /// The words stand in a message that is short enough to be an error; long ones are often a model's own text.
    Short,
    /// The answer has no header that tells of a limit.
    NoLimitHeaders,
    /// The whole message is exactly the pattern.
    Exactly,
}

/// A row: every column that is not empty must match.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) dialect: Dialect,
    pub(super) when: When,
    /// Alternatives for a structured code or type, in lower case, divided by `|`.
    pub(super) code: &'static str,
    /// A pattern for the message; see [`Text::has`].
    pub(super) text: &'static str,
    pub(super) conditions: &'static [If],
    pub(super) reason: FailureReason,
    pub(super) refusal: Option<SubscriptionRefusal>,
}

const BLANK: Rule = Rule {
    dialect: Dialect::Common,
    when: When::Always,
    code: "",
    text: "",
    conditions: &[],
    reason: FailureReason::Unknown,
    refusal: None,
};

const fn code(code: &'static str, reason: FailureReason) -> Rule {
    Rule { code, reason, ..BLANK }
}

const fn text(text: &'static str, reason: FailureReason) -> Rule {
    Rule { text, reason, ..BLANK }
}

const fn status(when: When, reason: FailureReason) -> Rule {
    Rule { when, reason, ..BLANK }
}

impl Rule {
    const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    const fn dialect(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    const fn on(self, conditions: &'static [If]) -> Self {
        Self { conditions, ..self }
    }

    const fn and_text(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    const fn and_code(self, code: &'static str) -> Self {
        Self { code, ..self }
    }

    const fn refuses(self, refusal: SubscriptionRefusal) -> Self {
        Self { refusal: Some(refusal), ..self }
    }
}

/// What is known of an answer when its reason is asked for.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub(super) dialect: Dialect,
    pub(super) status: Option<u16>,
    /// In lower case.
    pub(super) codes: &'a [String],
    pub(super) text: &'a Text,
    /// The innermost message as it came.
    pub(super) message: &'a str,
    pub(super) has_limit_headers: bool,
}

/// The longest message whose words can mean a long cooldown by themselves.
pub(super) const SHORT: usize = 512;

/// Every row, in the order of evaluation.
fn all() -> impl Iterator<Item = &'static Rule> {
    let sections: [&'static [Rule]; 6] =
        [codes::DECISIVE, wording::CREDENTIAL, codes::GENERIC, wording::OTHER, statuses::STATUS, codes::LAST];
    sections.into_iter().flatten()
}

/// The first row that matches.
pub(super) fn find(evidence: &Evidence<'_>) -> Option<&'static Rule> {
    all().find(|rule| rule.matches(evidence))
}

/// Whether a code stands in the table, so that it can be shown: it is no secret.
pub(super) fn is_known_code(code: &str) -> bool {
    all().any(|rule| has_code(rule.code, code))
}

fn has_code(alternatives: &str, code: &str) -> bool {
    !alternatives.is_empty() && alternatives.split('|').any(|known| known.eq_ignore_ascii_case(code))
}

impl Rule {
    fn matches(&self, evidence: &Evidence<'_>) -> bool {
        let in_time = match (self.when, evidence.status) {
            (When::Always, _) | (When::Unknown | When::UnknownOr(_), None) => true,
            (When::Unknown, Some(_)) | (_, None) => false,
            (When::In(statuses) | When::UnknownOr(statuses), Some(status)) => statuses.contains(&status),
            (When::Range(first, last), Some(status)) => (first..=last).contains(&status),
        };
        let conditions = self.conditions.iter().all(|condition| match condition {
            If::Short => evidence.text.len <= SHORT,
            If::NoLimitHeaders => !evidence.has_limit_headers,
            If::Exactly => evidence.message.trim().eq_ignore_ascii_case(self.text),
        });
        in_time
            && conditions
            && self.dialect.covers(evidence.dialect)
            && (self.code.is_empty() || evidence.codes.iter().any(|code| has_code(self.code, code)))
            && (self.text.is_empty() || evidence.text.has(self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_well_formed() {
        for rule in all() {
            for part in rule.text.split(['|', '&', '*']).filter(|_| !rule.text.is_empty()) {
                let part = part.trim_start_matches('^').trim_end_matches('$');
                assert!(part.len() > 2 && part.trim() == part, "{part:?} in {rule:?}");
                let text = Text::new(part);
                assert_eq!(text.as_str(), part, "a pattern is written in the text's normal form: {rule:?}");
            }
            for code in rule.code.split('|') {
                assert_eq!(code.trim(), code.to_lowercase(), "{rule:?}");
            }
            let empty = rule.code.is_empty() && rule.text.is_empty();
            assert!(!empty || !matches!(rule.when, When::Always), "a row that always matches: {rule:?}");
        }
    }

    #[test]
    fn a_long_rest_needs_a_code_or_words() {
        for rule in all() {
            let long = matches!(rule.reason, FailureReason::Billing | FailureReason::AuthPermanent);
            let only_402 = matches!(rule.when, When::In([402]));
            assert!(!long || !rule.code.is_empty() || !rule.text.is_empty() || only_402, "{rule:?}");
        }
    }
}
