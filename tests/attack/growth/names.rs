//! Names, pasted secrets, URLs.

use provider_auth::providers::Provider;
use provider_auth::setup;
use provider_auth::{CredentialKind, Endpoint, FailureReason, ModelRef, ProfileId, ProviderId, Secret};

use super::{Row, check, many, row};
use crate::support::provider;

/// Shapes of long texts, so that every entry that takes a text sees each.
fn shapes() -> Vec<(&'static str, fn(usize) -> String)> {
    vec![
        ("letters", |n| "a".repeat(n)),
        ("blanks", |n| " ".repeat(n)),
        ("quotation marks", |n| "\"".repeat(n)),
        ("quoted in turns", |n| format!("{}k{}", "\"'".repeat(n / 2), "'\"".repeat(n / 2))),
        ("line breaks", |n| "k\r\n".repeat(n / 3)),
        ("marks of no width", |n| "\u{200b}k".repeat(n / 4)),
        ("assignments", |n| "export A=".repeat(n / 9)),
        ("bearers", |n| "Bearer ".repeat(n / 7)),
        ("references", |n| "${A}".repeat(n / 4)),
        ("slashes", |n| "a/".repeat(n / 2)),
        ("colons", |n| "a:".repeat(n / 2)),
        ("dots", |n| "a.".repeat(n / 2)),
        ("dashes", |n| format!("sk-ant-oat01-{}", "a-".repeat(n / 2))),
        ("percent signs", |n| "%2f".repeat(n / 3)),
        ("other scripts", |n| "\u{df}\u{130}".repeat(n / 4)),
        ("an URL", |n| {
            format!("https://{}.example.com/{}?{}", "h".repeat(n / 3), "p/".repeat(n / 6), "q=".repeat(n / 6))
        }),
    ]
}

/// One row for an entry and each shape.
fn rows<T: 'static>(name: &'static str, run: fn(&str) -> T) -> impl Iterator<Item = Row> {
    shapes().into_iter().map(move |(shape, made)| row(&format!("{name}: {shape}"), 2_000, made, move |text| run(text)))
}

#[test]
fn names() {
    let all = rows("provider", |text| ProviderId::new(text))
        .chain(rows("profile", |text| ProfileId::new(text)))
        .chain(rows("model", |text| ModelRef::parse(text, &ProviderId::anthropic())))
        .chain(rows("written model", |text| text.parse::<ModelRef>()))
        .chain(rows("known provider", |text| Provider::find(text).is_some()))
        .chain(rows("reason", |text| FailureReason::from_name(text)))
        .chain(rows("slug", setup::slug))
        .chain(rows("profile's name", |text| {
            setup::profile_id(&ProviderId::anthropic(), Some(text), CredentialKind::ApiKey)
        }))
        .chain(rows("lifetime", |text| setup::lifetime(text)))
        .chain(rows("session", |text| provider_auth::Query::new(&provider("openai")).session(text)))
        .chain(rows("prices", provider_auth::cache::CachePrices::for_model));
    check(&all.collect::<Vec<_>>());
}

#[test]
fn secrets() {
    let all = rows("secret", |text| Secret::cleaned(text))
        .chain(rows("pasted key", |text| setup::api_key(&provider("openai"), text)))
        .chain(rows("pasted token", |text| setup::token(&provider("anthropic"), text)))
        .chain(rows("setup-token", setup::setup_token))
        .chain(rows("as it is", setup::as_it_is))
        .chain(rows("header's secret", |text| {
            let secret = Secret::new(text);
            (secret.is_header_safe(), provider_auth::status::mask_secret(&secret))
        }));
    check(&all.collect::<Vec<_>>());
}

#[test]
fn urls() {
    let all = rows("endpoint", Endpoint::new)
        .chain(rows("endpoint on a private network", Endpoint::on_private_network))
        .chain(rows("endpoint of a kind", |text| Endpoint::of_kind(provider_auth::request::EndpointKind::Vertex, text)))
        .chain(rows("host", |text| Endpoint::new(&format!("https://{text}/"))))
        .chain(rows("path", |text| Endpoint::new(&format!("https://bedrock-runtime.us-east-1.amazonaws.com/{text}"))))
        .chain(rows("scheme", |text| provider_auth::request::AuthScheme::prefixed(text, text)))
        .chain([row(
            "endpoint: the path's own end again",
            2_000,
            |n| format!("https://h.example.com{}", many(n / 12, |_| "/v1/messages".to_owned())),
            |text| Endpoint::new(text),
        )]);
    check(&all.collect::<Vec<_>>());
}
