//! Hosts that are numbers in disguise, which different clients read as different hosts.

use http::Request;
use provider_auth::{Config, Endpoint, ErrorKind, ProviderId};

use crate::support::{at, config, id, provider};

const DISGUISED: [&str; 22] = [
    "1",
    "0",
    "1.",
    "127.1",
    "127.0.1",
    "0x7f.1",
    "0X7F.1",
    "0x7f000001",
    "0x",
    "0177.0.0.1",
    "127.0.0.01",
    "127.0.0.0x1",
    "2130706433",
    "2130706433.",
    "4294967296",
    "127.0.0.1.",
    "10.0.0.1..",
    "1.2.3.4.5",
    "256.1.1.1",
    "name.1",
    "example.com.0x1",
    "169.254.43518",
];

#[test]
fn a_number_in_disguise_is_no_host() {
    let choice = provider_auth::testing::selection(
        &id("openai:a"),
        &provider("openai"),
        &provider_auth::Credential::api_key(provider_auth::Secret::new("key-for-a-test")),
        at(0),
    )
    .unwrap();
    for host in DISGUISED {
        for url in [format!("https://{host}"), format!("https://{host}:8443/v1"), format!("https://{host}/?a=b")] {
            let error = Endpoint::new(&url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{url}");
            assert!(
                error.to_string().contains("not written as an address") && error.help().contains("127.0.0.1"),
                "{error}"
            );
            let error = Endpoint::on_private_network(&url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{url}");
            let error = Endpoint::anthropic().with_base_url(&url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{url}");
            let error = choice.authenticate(Request::get(&url).body(()).unwrap()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{url}");
            // Over plain HTTP nothing goes there in the first place.
            let plain = url.replacen("https", "http", 1);
            assert_eq!(Endpoint::new(&plain).unwrap_err().kind(), ErrorKind::InsecureTransport, "{plain}");
        }
        let text =
            format!("{{models:{{providers:{{anthropic:{{baseUrl:'https://{host}/',apiKey:'key-for-a-test'}}}}}}}}");
        let config: Config = config(&text);
        let model = provider_auth::ModelRef::new(ProviderId::anthropic(), "m").unwrap();
        assert_eq!(Endpoint::for_model(&config, &model).unwrap_err().kind(), ErrorKind::InvalidUrl, "{host}");
    }
}

#[test]
fn what_is_written_as_it_is_stays_a_host() {
    for host in
        ["127.0.0.1", "8.8.8.8", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "1.example.com", "0x7f.example", "a1", "1a"]
    {
        assert!(Endpoint::new(&format!("https://{host}/")).is_ok(), "{host}");
    }
}
