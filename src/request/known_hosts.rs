//! Hosts whose name shows their kind, one row of data each.
//!
//! Sources: the providers' lists of endpoints and pages on the Messages API as of 2026-11. AWS has its Messages API on
//! both of Bedrock's hosts, beside other APIs.

use super::hosts::EndpointKind;

/// A documented host.
#[derive(Debug)]
pub(super) struct KnownHost {
    /// The host name; an asterisk is the region or the customer's name, which has no dot.
    name: &'static str,
    pub(super) kind: EndpointKind,
    /// The path of its Messages API. Empty if the model is part of the path.
    pub(super) path: &'static str,
}

const fn host(name: &'static str, kind: EndpointKind, path: &'static str) -> KnownHost {
    KnownHost { name, kind, path }
}

const BELOW: &str = "/anthropic/v1/messages";

#[rustfmt::skip]
static HOSTS: [KnownHost; 18] = [
    host("api.anthropic.com", EndpointKind::Anthropic, "/v1/messages"),
    host("aws-external-anthropic.*.api.aws", EndpointKind::ClaudePlatformAws, "/v1/messages"),
    host("bedrock-mantle.*.api.aws", EndpointKind::BedrockMessages, BELOW),
    host("bedrock-runtime.*.amazonaws.com", EndpointKind::BedrockRuntime, ""),
    host("bedrock-runtime.*.amazonaws.com.cn", EndpointKind::BedrockRuntime, ""),
    host("bedrock-runtime-fips.*.amazonaws.com", EndpointKind::BedrockRuntime, ""),
    host("bedrock-runtime.*.api.aws", EndpointKind::BedrockRuntime, ""),
    host("bedrock-runtime-fips.*.api.aws", EndpointKind::BedrockRuntime, ""),
    host("*.bedrock-runtime.*.vpce.amazonaws.com", EndpointKind::BedrockRuntime, ""),
    host("*.bedrock-runtime-fips.*.vpce.amazonaws.com", EndpointKind::BedrockRuntime, ""),
    host("*.bedrock-runtime.*.vpce.amazonaws.com.cn", EndpointKind::BedrockRuntime, ""),
    host("*.bedrock-mantle.*.vpce.amazonaws.com", EndpointKind::BedrockMessages, BELOW),
    host("aiplatform.googleapis.com", EndpointKind::Vertex, ""),
    host("*-aiplatform.googleapis.com", EndpointKind::Vertex, ""),
    host("aiplatform.*.rep.googleapis.com", EndpointKind::Vertex, ""),
    host("*.services.ai.azure.com", EndpointKind::Foundry, BELOW),
    host("openrouter.ai", EndpointKind::OpenRouter, "/api/v1/messages"),
    host("eu.openrouter.ai", EndpointKind::OpenRouter, "/api/v1/messages"),
];

/// Returns the row of a host, ignoring case.
pub(super) fn known(host: &str) -> Option<&'static KnownHost> {
    let host = host.to_ascii_lowercase();
    HOSTS.iter().find(|row| is_named(&host, row.name))
}

fn is_named(host: &str, name: &str) -> bool {
    let mut labels = host.split('.');
    let fits = |pattern: &str| {
        let Some(label) = labels.next() else { return false };
        match pattern.split_once('*') {
            Some((before, after)) => {
                let inner = label.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
                inner.is_some_and(|inner| !inner.is_empty())
            }
            None => label == pattern,
        }
    };
    name.split('.').all(fits) && labels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_whole() {
        for row in &HOSTS {
            let name = row.name.replace('*', "x-1");
            assert_eq!(known(&name.to_uppercase()).map(|row| row.kind), Some(row.kind), "{name}");
            for other in
                [format!("{name}.evil.example"), format!("{name}."), format!("evil{name}x"), format!(".{name}")]
            {
                assert!(known(&other).is_none(), "{other}");
            }
            let empty = row.name.replace('*', "");
            assert!(row.name == empty || known(&empty).is_none(), "{empty}");
        }
        for other in [
            "bedrock-runtime.us.east-1.amazonaws.com",
            "services.ai.azure.com",
            "googleapis.com",
            "bedrock.us-east-1.amazonaws.com",
        ] {
            assert!(known(other).is_none(), "{other}");
        }
    }
}
