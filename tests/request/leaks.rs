//! No secret in any text: random secrets in every place that can hold one, searched for in all `Debug` and `Display`.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::error::Error as _;
use std::fmt::Debug;

use proptest::prelude::*;
use provider_auth::cache::{BreakpointOptions, BreakpointPlan};
use provider_auth::{CacheRetention, Credential, Endpoint, Error, RequestBuilder, Secret};

/// Both forms of `Debug`.
fn shown(value: &impl Debug) -> String {
    format!("{value:?}\n{value:#?}\n")
}

fn told(error: &Error) -> String {
    let mut text = format!("{error}\n{}\n{}", shown(error), error.help());
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}{cause}\n{cause:?}\n");
        source = cause.source();
    }
    text
}

proptest! {
    #[test]
    fn debug_shows_no_secret(
        secret in "zq[a-z0-9]{12}", other in "zq[a-z0-9]{12}", query in "zq[a-z0-9]{12}", text in "zq[a-z0-9]{12}",
        kind in 0..3,
    ) {
        let credential = match kind {
            0 => Credential::api_key(Secret::new(secret.clone())),
            1 => Credential::token(Secret::new(secret.clone()), None),
            _ => Credential::oauth(Secret::new(secret.clone()), Some(Secret::new(other.clone())), None),
        };
        let endpoint = Endpoint::new(&format!("https://gateway.example/path?key={query}"))
            .expect("a URL")
            .with_header("x-config", other.as_str());
        let body = format!(r#"{{"system":"{text}","messages":[{{"role":"user","content":"{text}"}}],"{text}":1}}"#);
        let builder = RequestBuilder::new(&endpoint, &credential)
            .body(body.clone())
            .retention(CacheRetention::Long)
            .header("X-Call", secret.as_str())
            .beta("files-api-2025-04-14");
        let mut output = shown(&credential) + &shown(&endpoint) + &shown(&builder);
        output += &shown(&BreakpointPlan::for_body(body.as_bytes(), &BreakpointOptions::new(CacheRetention::Short)).expect("a plan"));
        let prepared = builder.build().expect("a request");
        output += &shown(&prepared);
        output += &shown(prepared.headers());
        // What a caller needs to see is there.
        prop_assert!(output.contains("gateway.example") && !output.contains("/path/v1/messages"));
        prop_assert!(output.contains("x-call") && output.contains("x-config") && output.contains("2023-06-01"));
        prop_assert!(output.contains("files-api-2025-04-14") && output.contains(&prepared.body().len().to_string()));
        prop_assert!(!output.contains("zq"), "{}", output);
    }

    #[test]
    fn errors_repeat_nothing(secret in "zq[a-z0-9]{12}", at in 0..200_usize) {
        let good = Credential::api_key(Secret::new("k"));
        let anthropic = Endpoint::anthropic();
        let bad_secret = Credential::api_key(Secret::new(format!("{secret}\n")));
        let mut errors = Vec::new();
        for base in [
            format!("http://{secret}.example"),
            format!("https://user:{secret}@host"),
            format!("https://{secret} "),
            format!("{secret}://host"),
            format!("https://host/{secret}#x"),
            format!("https://host/ {secret}"),
        ] {
            errors.extend(Endpoint::new(&base).err());
        }
        let build = |body: &str| RequestBuilder::new(&anthropic, &good).body(body).build();
        errors.extend(RequestBuilder::new(&anthropic, &bad_secret).body("{}").build().err());
        for (name, value) in [
            ("x-line".to_owned(), format!("{secret}\n")),
            (format!("{secret} "), "v".to_owned()),
            ("authorization".to_owned(), secret.clone()),
            ("host".to_owned(), secret.clone()),
            ("anthropic-beta".to_owned(), format!("{secret} {secret}")),
        ] {
            errors.extend(RequestBuilder::new(&anthropic, &good).body("{}").header(name, value).build().err());
        }
        let body = format!(r#"{{"{secret}":["{secret}",{{"messages":"{secret}"}}],"a":1,"b":[true,false]}}"#);
        errors.extend(build(body.get(..at.min(body.len() - 1)).unwrap_or_default()).err());
        errors.extend(build(&format!("\"{secret}\"")).err());
        errors.extend(build(&format!(r#"{{"cache_control":{{"type":"{secret}"}}}}"#)).err());
        errors.extend(build(&format!(r#"{{"cache_control":"{secret}"}}"#)).err());
        prop_assert!(errors.len() >= 14, "{}", errors.len());
        for error in &errors {
            prop_assert!(!told(error).contains("zq"), "{}", told(error));
        }
    }
}
