//! References in notations that are not followed, and commands.

use super::implausible::{Implausible, Notation};
use crate::providers::Provider;

/// How references begin, in small letters, and what they refer to.
const BEGINNINGS: [(&str, Notation); 44] = [
    ("env:", Notation::Variable),
    ("env/", Notation::Variable),
    ("env.", Notation::Variable),
    ("{env:", Notation::Variable),
    ("${", Notation::Variable),
    ("$env:", Notation::Variable),
    ("!env ", Notation::Variable),
    ("env(", Notation::Variable),
    ("getenv(", Notation::Variable),
    ("os.environ", Notation::Variable),
    ("os.getenv", Notation::Variable),
    ("process.env", Notation::Variable),
    ("import.meta.env", Notation::Variable),
    ("secretref-env:", Notation::Variable),
    ("secretref:env:", Notation::Variable),
    ("secretref", Notation::Marker),
    ("{file:", Notation::File),
    ("file:", Notation::File),
    ("@file:", Notation::File),
    ("/run/secrets/", Notation::File),
    ("/etc/", Notation::File),
    ("/home/", Notation::File),
    ("/users/", Notation::File),
    ("/var/", Notation::File),
    ("/root/", Notation::File),
    ("~/", Notation::File),
    ("./", Notation::File),
    ("../", Notation::File),
    ("vault:", Notation::Manager),
    ("op:", Notation::Manager),
    ("keychain:", Notation::Manager),
    ("keyring:", Notation::Manager),
    ("secretsmanager:", Notation::Manager),
    ("aws:", Notation::Manager),
    ("arn:", Notation::Manager),
    ("ssm:", Notation::Manager),
    ("gcp:", Notation::Manager),
    ("azure:", Notation::Manager),
    ("@microsoft.keyvault(", Notation::Manager),
    ("sops:", Notation::Manager),
    ("exec:", Notation::Manager),
    ("store:", Notation::Manager),
    ("secrets.", Notation::Manager),
    ("ref+", Notation::Manager),
];

/// How the names of variables end that hold secrets; only such a name alone is taken for one.
const VARIABLE_ENDS: [&str; 4] = ["_API_KEY", "_AUTH_TOKEN", "_OAUTH_TOKEN", "_ACCESS_TOKEN"];

/// Programs that people start lines with which hold or fetch a secret.
const PROGRAMS: [&str; 34] = [
    "export",
    "set",
    "setx",
    "env",
    "echo",
    "printf",
    "cat",
    "curl",
    "wget",
    "sudo",
    "op",
    "pass",
    "gopass",
    "security",
    "secret-tool",
    "vault",
    "aws",
    "gcloud",
    "az",
    "bw",
    "bws",
    "lpass",
    "doppler",
    "kubectl",
    "docker",
    "npm",
    "npx",
    "node",
    "python",
    "python3",
    "source",
    "openclaw",
    "claude",
    "git",
];

/// What a text refers to, if it is a reference, or that it is a command.
pub(super) fn notation(text: &str) -> Option<Implausible> {
    let of = |notation| Some(Implausible::Reference { notation });
    // Most keys have none of the signs by which the others are told.
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return match goes_on(text, "secretref") {
            true => of(Notation::Marker),
            false if is_variable(text) => of(Notation::Variable),
            false => None,
        };
    }
    if is_command(text) {
        return Some(Implausible::CommandLine);
    }
    if let Some((_, found)) = BEGINNINGS.iter().find(|(beginning, _)| goes_on(text, beginning)) {
        return of(*found);
    }
    if is_variable(text) {
        return of(Notation::Variable);
    }
    if is_address(text) {
        return of(Notation::Manager);
    }
    if is_profile(text) { of(Notation::Profile) } else { None }
}

/// Whether a text begins so, in any case, and goes on.
fn goes_on(text: &str, beginning: &str) -> bool {
    let (first, rest) = text.split_at_checked(beginning.len()).unwrap_or_default();
    first.eq_ignore_ascii_case(beginning) && !rest.is_empty()
}

/// `$NAME`, `%NAME%` or a name that only variables have. A secret may begin with the sign: in small letters only a name of
/// several words is one.
fn is_variable(text: &str) -> bool {
    let name = |name: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        name.len() > 1 && name.bytes().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    let capitals = |text: &str| !text.bytes().any(|byte| byte.is_ascii_lowercase());
    let alone = |text: &str| capitals(text) && VARIABLE_ENDS.iter().any(|end| text.ends_with(end));
    let shell = text.strip_prefix('$').filter(|text| name(text));
    let windows = text.strip_prefix('%').and_then(|text| text.strip_suffix('%'));
    shell.is_some_and(|text| capitals(text) || alone(&text.to_ascii_uppercase()))
        || windows.is_some_and(name)
        || (name(text) && (alone(text) || is_listed(text)))
}

/// Whether a provider's secret is looked up under this name.
fn is_listed(name: &str) -> bool {
    name.contains('_') && Provider::all().any(|provider| provider.variables().contains(&name))
}

/// `scheme://something`: no provider issues such keys.
fn is_address(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-');
    let scheme = text.split_once("://").filter(|(_, rest)| !rest.is_empty()).map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.len() > 1 && scheme.bytes().all(fits))
}

/// `anthropic:default`: a provider's name and a profile's. Keys have colons too, and no provider's name before it.
fn is_profile(text: &str) -> bool {
    let Some((provider, name)) = text.split_once(':') else { return false };
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._@+-".contains(&byte);
    let is_id = |text: &str| !text.is_empty() && text.bytes().all(fits);
    let is_secret = || name.starts_with("sk-") || crate::providers::recognise(name).is_some();
    is_id(provider) && is_id(name) && (name == "default" || (Provider::find(provider).is_some() && !is_secret()))
}

/// A command: one in brackets for a shell, one behind `!`, or a line that begins with a program.
fn is_command(text: &str) -> bool {
    let substituted = text.starts_with("$(") && text.ends_with(')') || text.starts_with('`') && text.ends_with('`');
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let escaped = first.strip_prefix('!').filter(|word| !word.eq_ignore_ascii_case("env"));
    let typed = first == "$" || PROGRAMS.contains(&first);
    let has_flag = || rest.split_whitespace().any(|word| word.starts_with("--") || ["|", "&&", "-H"].contains(&word));
    substituted && text.len() > 3
        || !rest.trim().is_empty() && (typed || escaped.is_some_and(|word| !word.is_empty()) || has_flag())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples() {
        let samples: &[(Notation, &[&str])] = &[
            (
                Notation::Variable,
                &[
                    "$ANTHROPIC_API_KEY",
                    "$KEY",
                    "$my_api_key",
                    "${ANTHROPIC_API_KEY}",
                    "${anthropicKey}",
                    "${ANTHROPIC_API_KEY:-none}",
                    "${env:KEY}",
                    "${{ secrets.KEY }}",
                    "%ANTHROPIC_API_KEY%",
                    "env:ANTHROPIC_API_KEY",
                    "ENV:KEY",
                    "env:default:ANTHROPIC_API_KEY",
                    "env://KEY",
                    "{env:ANTHROPIC_API_KEY}",
                    "$env:ANTHROPIC_API_KEY",
                    "!ENV KEY",
                    "env(KEY)",
                    "os.environ/ANTHROPIC_API_KEY",
                    "os.environ['KEY']",
                    "process.env.KEY",
                    "secretref-env:ANTHROPIC_API_KEY",
                    "ANTHROPIC_API_KEY",
                    "MY_GATEWAY_API_KEY",
                    "GH_TOKEN",
                ],
            ),
            (
                Notation::File,
                &["file:/run/secrets/key", "file:///etc/key", "{file:~/.key}", "/run/secrets/anthropic", "~/.keys/a"],
            ),
            (
                Notation::Manager,
                &[
                    "op://Private/Anthropic/credential",
                    "vault:secret/data/anthropic#key",
                    "vault://secret/anthropic",
                    "keychain:anthropic",
                    "keyring://anthropic",
                    "aws:secretsmanager:anthropic",
                    "arn:aws:secretsmanager:eu-west-1:1:secret:a",
                    "awssm://a",
                    "gcpsm://a",
                    "ref+vault://a#b",
                    "doppler://a/b",
                    "@Microsoft.KeyVault(SecretUri=https://a.example/)",
                    "https://console.anthropic.com/settings/keys",
                    "exec:vault:a",
                ],
            ),
            (Notation::Profile, &["anthropic:default", "openai:work", "anthropic:me@example.com", "relay:default"]),
            (Notation::Marker, &["secretref-managed"]),
        ];
        for (expected, texts) in samples {
            for text in *texts {
                assert_eq!(notation(text), Some(Implausible::Reference { notation: *expected }), "{text}");
            }
        }
        for text in [
            "$(op read op://a/b/c)",
            "`cat key`",
            "op read op://a/b/c",
            "!security find-generic-password -w",
            "curl -H x",
            "export A",
            "$ echo key",
            "mytool get --plain key",
            "cat ~/.key | head",
        ] {
            assert_eq!(notation(text), Some(Implausible::CommandLine), "{text}");
        }
    }

    #[test]
    fn secrets() {
        for text in [
            "a",
            "$",
            "$$",
            "$ecret",
            "$ecret_word",
            "$2b$10$abcdef",
            "%",
            "100%",
            "/base64+with/slashes==",
            "AKIAEXAMPLE:wJalr/EXAMPLE=",
            "user:pass",
            "pass:word",
            "environment",
            "envoy",
            "sk-ant-a",
            "SECRET_KEY",
            "MASTER",
            "op",
            "vault",
            "a:b:c",
            "anthropic:",
            "anthropic:sk-ant-a",
            "anthropic:ABC",
            "://",
            "secret phrase",
            "files",
        ] {
            assert_eq!(notation(text), None, "{text}");
        }
    }
}
