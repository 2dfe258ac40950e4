//! Recognising commands, and references in notations that are not supported.

use std::borrow::Cow;

use super::implausible::{Implausible, Notation};
use crate::providers::Provider;

/// The prefixes of references, in lower case, and what they refer to.
const BEGINNINGS: [(&str, Notation); 98] = [
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
    ("environ:", Notation::Variable),
    ("environment:", Notation::Variable),
    ("env_var:", Notation::Variable),
    ("@env:", Notation::Variable),
    ("$env.", Notation::Variable),
    ("$env{", Notation::Variable),
    ("env[", Notation::Variable),
    ("env{", Notation::Variable),
    ("env!(", Notation::Variable),
    ("std::env", Notation::Variable),
    ("system.getenv", Notation::Variable),
    ("%env(", Notation::Variable),
    ("#{env", Notation::Variable),
    ("{$", Notation::Variable),
    ("secretref-env:", Notation::Variable),
    ("secretref:env:", Notation::Variable),
    ("secretref", Notation::Marker),
    ("oauth:", Notation::Marker),
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
    ("/tmp/", Notation::File),
    ("/opt/", Notation::File),
    ("/usr/", Notation::File),
    ("/mnt/", Notation::File),
    ("/srv/", Notation::File),
    ("/app/", Notation::File),
    ("/secrets/", Notation::File),
    ("/private/", Notation::File),
    ("/volumes/", Notation::File),
    ("@/", Notation::File),
    ("@./", Notation::File),
    ("@~/", Notation::File),
    ("$home/", Notation::File),
    ("%userprofile%", Notation::File),
    ("%appdata%", Notation::File),
    ("\\\\", Notation::File),
    ("profile:", Notation::Profile),
    ("inline-api-key:", Notation::Profile),
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
    ("1password:", Notation::Manager),
    ("onepassword:", Notation::Manager),
    ("bitwarden:", Notation::Manager),
    ("bw:", Notation::Manager),
    ("bws:", Notation::Manager),
    ("doppler:", Notation::Manager),
    ("gopass:", Notation::Manager),
    ("lastpass:", Notation::Manager),
    ("infisical:", Notation::Manager),
    ("akeyless:", Notation::Manager),
    ("keyvault:", Notation::Manager),
    ("awssm:", Notation::Manager),
    ("aws-sm:", Notation::Manager),
    ("aws-secretsmanager:", Notation::Manager),
    ("gcpsm:", Notation::Manager),
    ("gcp-secret:", Notation::Manager),
    ("secretmanager:", Notation::Manager),
    ("encrypted:", Notation::Manager),
    ("enc[", Notation::Manager),
    ("cmd:", Notation::Manager),
    ("command:", Notation::Manager),
];

/// The suffixes of variables with secrets; only such a name alone is taken for one.
const VARIABLE_ENDS: [&str; 4] = ["_API_KEY", "_AUTH_TOKEN", "_OAUTH_TOKEN", "_ACCESS_TOKEN"];

/// The suffixes of files in which people keep secrets.
const FILE_ENDS: [&str; 5] = [".txt", ".json", ".pem", ".env", ".yaml"];

/// Words that OpenClaw writes if it needs no key. `ollama-local` is not one, because OpenClaw sends it.
const MARKERS: [&str; 3] = ["minimax-oauth", "qwen-oauth", "gcp-vertex-credentials"];

/// The suffixes of variables with secrets in scripts.
const SCRIPT_ENDS: [&str; 4] = ["_key", "_token", "Key", "Token"];

/// Programs and options at the start of lines that contain or fetch a secret.
const PROGRAMS: [&str; 49] = [
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
    "bash",
    "sh",
    "pwsh",
    "powershell",
    "sops",
    "gpg",
    "age",
    "gh",
    "rbw",
    "infisical",
    "chamber",
    "keepassxc-cli",
    "jq",
    "-H",
    "--header",
];

/// Returns what a text refers to if it is a reference, or that it is a command.
pub(super) fn notation(text: &str) -> Option<Implausible> {
    let of = |notation| Some(Implausible::Reference { notation });
    // Most keys have none of the characters that identify the others.
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return match goes_on(text, "secretref") {
            true => of(Notation::Marker),
            false if MARKERS.contains(&text) => of(Notation::Marker),
            false if is_variable(text) => of(Notation::Variable),
            false => None,
        };
    }
    if is_command(text) {
        return Some(Implausible::CommandLine);
    }
    if let Some(found) = object(text) {
        return of(found);
    }
    if let Some((_, found)) = BEGINNINGS.iter().find(|(beginning, _)| goes_on(text, beginning)) {
        return of(*found);
    }
    if is_variable(text) {
        return of(Notation::Variable);
    }
    if is_file(text) {
        return of(Notation::File);
    }
    if is_address(text) || (text.starts_with("projects/") && text.contains("/secrets/")) {
        return of(Notation::Manager);
    }
    if is_profile(text) { of(Notation::Profile) } else { None }
}

/// Returns `true` if a text has a prefix, in any case, and is longer.
fn goes_on(text: &str, beginning: &str) -> bool {
    let (first, rest) = text.split_at_checked(beginning.len()).unwrap_or_default();
    first.eq_ignore_ascii_case(beginning) && !rest.is_empty()
}

/// Recognises a whole reference as text.
fn object(text: &str) -> Option<Notation> {
    #[derive(serde::Deserialize)]
    struct Reference<'a> {
        #[serde(borrow)]
        source: Cow<'a, str>,
        #[serde(borrow, rename = "id")]
        _id: Cow<'a, str>,
    }
    let found: Reference<'_> = text.starts_with('{').then(|| serde_json::from_str(text).ok())??;
    Some(match found.source.as_ref() {
        "env" => Notation::Variable,
        "file" => Notation::File,
        _ => Notation::Manager,
    })
}

/// Recognises `C:\path`, and names that only files have.
fn is_file(text: &str) -> bool {
    let on_drive = text.split_at_checked(1).is_some_and(|(drive, path)| {
        drive.bytes().all(|byte| byte.is_ascii_alphabetic()) && (path.starts_with(":\\") || path.starts_with(":/"))
    });
    let has_end = || FILE_ENDS.iter().any(|end| text.strip_suffix(end).is_some_and(|name| !name.is_empty()));
    (on_drive && !text.contains("://")) || has_end()
}

/// Recognises `$NAME`, `%NAME%` and names that only variables have. A secret may begin with `$`, so in lower case only
/// a name of several words counts.
fn is_variable(text: &str) -> bool {
    let name = |name: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        name.len() > 1 && name.bytes().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    let capitals = |text: &str| !text.bytes().any(|byte| byte.is_ascii_lowercase());
    let alone = |text: &str| capitals(text) && VARIABLE_ENDS.iter().any(|end| text.ends_with(end));
    let shell = text.strip_prefix('$').filter(|text| name(text));
    let windows = text.strip_prefix('%').and_then(|text| text.strip_suffix('%'));
    let scripted = |text: &str| {
        let first = text.chars().next().is_some_and(|c| c.is_ascii_lowercase());
        first && SCRIPT_ENDS.iter().any(|end| text.strip_suffix(end).is_some_and(|before| !before.is_empty()))
    };
    // `@NAME`, `%(NAME)s`, and an assignment without a value.
    let bare =
        text.strip_suffix(")s").unwrap_or(text).trim_matches(['@', '=', '"', '\'', '$', '%', '(', ')', '{', '}']);
    shell.is_some_and(|text| capitals(text) || alone(&text.to_ascii_uppercase()) || scripted(text))
        || windows.is_some_and(name)
        || (name(bare) && !text.starts_with("{{") && (alone(bare) || is_listed(bare)))
}

/// Returns `true` if a provider's secret is looked up under this name.
fn is_listed(name: &str) -> bool {
    name.starts_with("AWS_")
        || name.contains('_') && Provider::all().any(|provider| provider.variables().contains(&name))
}

/// Recognises `scheme://something`, which no provider's key looks like.
fn is_address(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-');
    let scheme = text.split_once("://").filter(|(_, rest)| !rest.is_empty()).map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.len() > 1 && scheme.bytes().all(fits))
}

/// Recognises `anthropic:default`, a provider and a profile. Keys may contain colons, but not after a provider's name.
fn is_profile(text: &str) -> bool {
    let Some((provider, name)) = text.split_once(':') else { return false };
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._@+-".contains(&byte);
    let is_id = |text: &str| !text.is_empty() && text.bytes().all(fits);
    let is_secret = || name.starts_with("sk-") || crate::providers::recognise(name).is_some();
    is_id(provider) && is_id(name) && (name == "default" || (Provider::find(provider).is_some() && !is_secret()))
}

/// Recognises a command: a shell substitution, a line after `!`, or a line that begins with a program.
fn is_command(text: &str) -> bool {
    let substituted = ["$(", "<("].iter().any(|open| text.starts_with(open)) && text.ends_with(')')
        || text.starts_with('`') && text.ends_with('`');
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let escaped = first.strip_prefix('!').filter(|word| !word.eq_ignore_ascii_case("env"));
    let is_path = ["/", "./", "~/"].iter().any(|start| first.starts_with(start));
    let typed = first == "$" || is_path || PROGRAMS.contains(&first);
    let has_flag = || rest.split_whitespace().any(|word| word.starts_with("--") || ["|", "&&", "-H"].contains(&word));
    substituted && text.len() > 3 || !rest.trim().is_empty() && (typed || escaped.is_some() || has_flag())
}

#[cfg(test)]
mod tests;
