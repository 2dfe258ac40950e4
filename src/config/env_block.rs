//! The `env` block: variables of the file, which those of the process override.

use std::time::Duration;

use indexmap::IndexMap;

use crate::config::keys;
use crate::config::nearest::nearest;
use crate::config::reader::Reader;
use crate::error::DiagnosticCode;
use crate::secret::{Secret, is_blank_char};
use crate::syntax::{Member, Node, Value};

/// Names that control what a program loads, runs or trusts, compared without regard to case.
const HIJACKING: &[&str] = &[
    "APPDATA",
    "BASH_ENV",
    "CLASSPATH",
    "COMSPEC",
    "CURL_CA_BUNDLE",
    "ENV",
    "GCONV_PATH",
    "HOME",
    "IFS",
    "JAVA_TOOL_OPTIONS",
    "LOCALAPPDATA",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "OPENCLAW_HOME",
    "PATH",
    "PATHEXT",
    "PERL5LIB",
    "PERL5OPT",
    "PROMPT_COMMAND",
    "PS4",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "REQUESTS_CA_BUNDLE",
    "RUBYLIB",
    "RUBYOPT",
    "SHELL",
    "SHELLOPTS",
    "SSLKEYLOGFILE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "USERPROFILE",
    "ZDOTDIR",
];

/// Prefixes of such names.
const HIJACKING_PREFIXES: &[&str] = &["BASH_FUNC_", "DYLD_", "GIT_", "LD_", "NPM_CONFIG_"];

/// The settings `env.shellEnv` for importing variables from a login shell. This crate runs no shell and only reports
/// them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShellEnv {
    /// `enabled`: whether to import variables. Default: `false`.
    pub enabled: bool,
    /// `timeoutMs`: the time limit of the shell.
    pub timeout: Option<Duration>,
}

/// The content of the block.
#[derive(Default)]
pub(super) struct EnvBlock {
    pub(super) variables: IndexMap<Box<str>, Secret>,
    pub(super) shell: Option<ShellEnv>,
}

impl EnvBlock {
    pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut block = Self::default();
        let mut flat = Vec::new();
        reader.entries(node, |reader, member| match member.key.as_ref() {
            "vars" => reader.entries(&member.node, |reader, member| {
                if let Some(value) = variable(reader, member) {
                    block.variables.insert(member.key.as_ref().into(), value);
                }
            }),
            "shellEnv" => block.shell = Some(shell_env(reader, &member.node)),
            name => {
                if let Some(value) = variable(reader, member) {
                    if reader.release.has_entries() {
                        reader.outdated(member);
                    }
                    flat.push((name.into(), value));
                }
            }
        });
        // The names beside `vars` win, wherever `vars` is.
        block.variables.extend(flat);
        block
    }
}

fn variable<'n>(reader: &mut Reader<'n>, member: &'n Member<'n>) -> Option<Secret> {
    let name = member.key.as_ref();
    let portable = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let upper = name.to_ascii_uppercase();
    if name.is_empty() || !name.bytes().all(portable) || name.starts_with(|c: char| c.is_ascii_digit()) {
        reader.warn(DiagnosticCode::RefusedVariable, member.key_at, "the name is not a portable name of a variable");
        return None;
    }
    if HIJACKING.contains(&upper.as_str()) || HIJACKING_PREFIXES.iter().any(|prefix| upper.starts_with(prefix)) {
        reader.warn(
            DiagnosticCode::RefusedVariable,
            member.key_at,
            "a file may not set a variable that controls programs",
        );
        return None;
    }
    let Value::String(value) = &member.node.value else {
        reader.wrong(&member.node, "text is expected");
        if let Some(meant) = nearest(name, &keys::ENV.names()) {
            reader.help(format!("did you mean `{meant}`?"));
        }
        return None;
    };
    if value.contains("${") {
        reader.warn(
            DiagnosticCode::IgnoredSetting,
            member.node.at,
            "values of the env block are not substituted; this one has no effect",
        );
        return None;
    }
    // A blank value means unset, here as in the process environment.
    (!value.chars().all(is_blank_char)).then(|| Secret::new(value.as_ref()))
}

fn shell_env<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> ShellEnv {
    let mut shell = ShellEnv::default();
    reader.object(node, &keys::SHELL_ENV, |reader, member| match member.key.as_ref() {
        "enabled" => shell.enabled = reader.boolean(&member.node).unwrap_or_default(),
        _ => shell.timeout = reader.whole(&member.node).map(|millis| Duration::from_millis(millis.into())),
    });
    shell
}
