//! Beta flags, headers, requests.

use http::HeaderMap;
use provider_auth::request::BetaList;
use provider_auth::{Credential, Endpoint, RequestBuilder, Secret};

use super::{check, many, row};
use crate::support::{at, id, provider};

const BODY: &str = r#"{"model":"m","max_tokens":1,"messages":[]}"#;

fn key() -> Credential {
    Credential::api_key(Secret::new("key-for-a-test"))
}

fn flags(units: usize) -> String {
    many(units, |n| format!("flag-{n},"))
}

fn names(units: usize) -> Vec<String> {
    (0..units).map(|n| format!("x-{n}")).collect()
}

#[test]
fn flags_and_headers() {
    check(&[
        row("betas: different", 1_000, flags, |text| BetaList::parse(text)),
        row("betas: one again and again", 2_000, |n| "flag,FLAG,".repeat(n), |text| BetaList::parse(text)),
        row("betas: empty", 10_000, |n| ", \t".repeat(n), |text| BetaList::parse(text)),
        row("betas: one without end", 20_000, |n| "f".repeat(n), |text| BetaList::parse(text)),
        row(
            "betas: lists merged",
            500,
            |n| (0..n).map(|n| BetaList::parse(&format!("flag-{n}")).unwrap()).collect(),
            |lists: &Vec<BetaList>| {
                let mut all = BetaList::default();
                lists.iter().for_each(|list| all.merge(list));
                (all.contains("none"), all.to_string())
            },
        ),
        row("request: flags of the call", 500, flags, |text| {
            RequestBuilder::new(&Endpoint::anthropic(), &key()).body(BODY).beta(text.clone()).build()
        }),
        row("request: flags in calls of their own", 500, names, |flags| {
            let (endpoint, key) = (Endpoint::anthropic(), key());
            let builder = RequestBuilder::new(&endpoint, &key).body(BODY);
            flags.iter().fold(builder, |builder, flag| builder.beta(flag.clone())).build()
        }),
        row("request: flags of the endpoint", 500, flags, |text| {
            let endpoint = Endpoint::anthropic().with_header("anthropic-beta", Secret::new(text.clone()));
            RequestBuilder::new(&endpoint, &key()).body(BODY).build()
        }),
        row("request: headers", 300, names, |names| {
            let (endpoint, key) = (Endpoint::anthropic(), key());
            let builder = RequestBuilder::new(&endpoint, &key).body(BODY);
            names.iter().fold(builder, |builder, name| builder.header(name.clone(), "v")).build()
        }),
        row("request: headers of the endpoint", 300, names, |names| {
            let endpoint = names.iter().fold(Endpoint::anthropic(), |at, name| at.with_header(name.as_str(), "v"));
            (RequestBuilder::new(&endpoint, &key()).body(BODY).build(), format!("{endpoint:?}"))
        }),
        row("request: headers that authenticate", 300, names, |names| {
            let endpoint = names.iter().fold(Endpoint::anthropic(), |at, name| at.with_auth_header(name.as_str(), "v"));
            RequestBuilder::new(&endpoint, &key()).body(BODY).build()
        }),
        row(
            "request: one header again and again",
            1_000,
            |n| n,
            |n| {
                let (endpoint, key) = (Endpoint::anthropic(), key());
                let builder = RequestBuilder::new(&endpoint, &key).body(BODY);
                (0..*n).fold(builder, |builder, _| builder.header("x-a", "v")).build()
            },
        ),
        row(
            "request: a long header",
            20_000,
            |n| "v".repeat(n),
            |value| {
                RequestBuilder::new(&Endpoint::anthropic(), &key()).body(BODY).header("x-a", value.as_str()).build()
            },
        ),
        row(
            "request: given headers",
            300,
            |n| {
                let mut request = http::Request::post("https://api.anthropic.com/v1/messages").body(BODY).unwrap();
                request.headers_mut().append("anthropic-beta", flags(n).parse().unwrap());
                for name in names(n) {
                    request.headers_mut().append("x-same", "v".parse().unwrap());
                    request.headers_mut().append(http::HeaderName::try_from(name).unwrap(), "v".parse().unwrap());
                }
                request
            },
            |request| RequestBuilder::new(&Endpoint::anthropic(), &key()).authenticate(request.clone()),
        ),
        row(
            "request: headers of a choice",
            300,
            |n| {
                // Not as many values of one name: in a debug build `http` looks at all of them whenever it removes one.
                let mut headers = HeaderMap::new();
                headers.append("anthropic-beta", flags(n).parse().unwrap());
                headers.append("x-api-key", "other".parse().unwrap());
                for name in names(n) {
                    headers.append(http::HeaderName::try_from(&name).unwrap(), "v".parse().unwrap());
                }
                headers
            },
            |headers| {
                let (id, mut headers) = (id("anthropic:a"), headers.clone());
                let choice = provider_auth::testing::selection(&id, &provider("anthropic"), &key(), at(0)).unwrap();
                choice.authenticate_headers(&mut headers).map(|()| headers)
            },
        ),
        row(
            "request: shown",
            300,
            |n| {
                let (endpoint, key) = (Endpoint::anthropic(), key());
                let builder = RequestBuilder::new(&endpoint, &key).body(BODY);
                names(n).into_iter().fold(builder, |builder, name| builder.header(name, "v")).build().unwrap()
            },
            |request| format!("{request:?}"),
        ),
        row(
            "request: members of the body",
            1_000,
            |n| format!(r#"{{{}"model":"m","messages":[]}}"#, many(n, |n| format!(r#""k{n}":[1],"#))),
            |body| {
                let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/invoke";
                let endpoint = Endpoint::new(url).unwrap();
                RequestBuilder::new(&endpoint, &key()).body(body.as_bytes()).build()
            },
        ),
    ]);
}
