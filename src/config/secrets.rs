//! The block `secrets`: the sources that references to secrets name.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use indexmap::IndexMap;

use crate::config::reader::Reader;
use crate::config::{keys, member};
use crate::error::DiagnosticCode;
use crate::id::shown_name;
use crate::secret::Secret;
use crate::syntax::{Node, Value};

const MODES: &[(&str, FileMode)] = &[("json", FileMode::Json), ("singleValue", FileMode::SingleValue)];

/// The default time limit of a file or a command.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The default size limit of a file or of a command's output, in bytes.
const MOST: usize = 1 << 20;

/// The settings for the sources of secrets.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct SecretSettings {
    providers: IndexMap<String, SecretProvider>,
    default_env: Option<String>,
    default_store: Option<String>,
}

/// An entry of `secrets.providers`. `Debug` shows nothing of its text, because any of it may be a secret.
#[derive(Clone, PartialEq)]
pub(crate) struct SecretProvider {
    /// `source`; blank if it is not set.
    pub(crate) source: String,
    /// Names of variables; `None` allows all of them.
    pub(crate) allowlist: Option<Vec<String>>,
    pub(crate) path: Option<String>,
    pub(crate) mode: FileMode,
    pub(crate) timeout: Duration,
    /// The limit of a file, in bytes.
    pub(crate) max_bytes: usize,
    pub(crate) command: Option<String>,
    pub(crate) args: Vec<Secret>,
    pub(crate) env: IndexMap<String, Secret>,
    pub(crate) pass_env: Vec<String>,
    /// The directories in which commands may be; `None` for any.
    pub(crate) trusted_dirs: Option<Vec<String>>,
    pub(crate) no_output_timeout: Option<Duration>,
    /// The limit of a command's output, in bytes.
    pub(crate) max_output_bytes: usize,
    pub(crate) json_only: bool,
    /// `true` if a plugin of OpenClaw serves the entry.
    pub(crate) has_plugin: bool,
    /// `true` if a value of the entry is invalid, so that nothing is looked up through it.
    pub(crate) is_broken: bool,
}

/// The content of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileMode {
    /// An object; ids are pointers into it.
    Json,
    /// The secret and nothing else.
    SingleValue,
}

impl SecretSettings {
    pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut settings = Self::default();
        reader.object(node, &keys::SECRETS, |reader, member| match member.key.as_ref() {
            "providers" => reader.entries(&member.node, |reader, member| {
                let provider = SecretProvider::read(reader, &member.node);
                settings.providers.insert(member.key.as_ref().to_owned(), provider);
            }),
            _ => reader.object(&member.node, &keys::SECRET_DEFAULTS, |reader, member| match member.key.as_ref() {
                "env" => settings.default_env = reader.word(&member.node),
                _ => settings.default_store = reader.word(&member.node),
            }),
        });
        settings
    }

    /// Returns the entry of this name if it has this source.
    pub(crate) fn provider(&self, name: &str, source: &str) -> Option<&SecretProvider> {
        self.providers.get(name).filter(|provider| provider.source == source)
    }

    /// Returns the name of the default provider of a source; `None` for a source without one.
    pub(crate) fn default_provider(&self, source: &str) -> Option<&str> {
        let configured = match source {
            "env" => &self.default_env,
            "store" => &self.default_store,
            _ => return None,
        };
        Some(configured.as_deref().unwrap_or("default"))
    }
}

impl SecretProvider {
    fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut entry = Self {
            source: String::new(),
            allowlist: None,
            path: None,
            mode: FileMode::Json,
            timeout: TIMEOUT,
            max_bytes: MOST,
            command: None,
            args: Vec::new(),
            env: IndexMap::new(),
            pass_env: Vec::new(),
            trusted_dirs: None,
            no_output_timeout: None,
            max_output_bytes: MOST,
            json_only: true,
            has_plugin: false,
            is_broken: false,
        };
        reader.object(node, &keys::SECRET_PROVIDER, |reader, member| {
            let node = &member.node;
            let understood = match member.key.as_ref() {
                "source" => reader.word(node).map(|source| entry.source = source),
                "allowlist" => words(reader, node).map(|names| entry.allowlist = Some(names)),
                "path" => reader.word(node).map(|path| entry.path = Some(path)),
                "mode" => reader.choice(node, MODES).map(|mode| entry.mode = mode),
                "timeoutMs" => millis(reader, node).map(|timeout| entry.timeout = timeout),
                "maxBytes" => reader.whole(node).map(|bytes| entry.max_bytes = size(bytes)),
                "command" => reader.word(node).map(|command| entry.command = Some(command)),
                "args" => texts(reader, node).map(|args| entry.args = args),
                "env" => variables(reader, node).map(|variables| entry.env = variables),
                "passEnv" => words(reader, node).map(|names| entry.pass_env = names),
                "trustedDirs" => words(reader, node).map(|paths| entry.trusted_dirs = Some(paths)),
                "noOutputTimeoutMs" => millis(reader, node).map(|timeout| entry.no_output_timeout = Some(timeout)),
                "maxOutputBytes" => reader.whole(node).map(|bytes| entry.max_output_bytes = size(bytes)),
                _ => reader.boolean(node).map(|json_only| entry.json_only = json_only),
            };
            entry.is_broken |= understood.is_none();
        });
        if entry.source.is_empty() && !entry.is_broken {
            reader.missing(node, "source");
        }
        entry.has_plugin = member(node, "pluginIntegration").is_some();
        entry.judge(reader, node);
        entry
    }

    /// Reports what prevents the entry from ever providing a secret.
    fn judge(&self, reader: &mut Reader<'_>, node: &Node<'_>) {
        let (code, what) = match self.source.as_str() {
            _ if self.is_broken || self.source.is_empty() => return,
            "file" if self.path.is_none() => (DiagnosticCode::MissingKey, "the key `path` is missing"),
            "file" if !self.has_place() => (DiagnosticCode::InvalidValue, "`path` is not an absolute path"),
            "exec" if !self.has_place() && self.command.is_none() => {
                (DiagnosticCode::MissingKey, "the key `command` is missing")
            }
            "exec" if !self.has_place() => (DiagnosticCode::InvalidValue, "`command` is not an absolute path"),
            "env" | "file" | "exec" | "store" => return,
            _ => (DiagnosticCode::InvalidValue, "`source` is not `env`, `file`, `exec` or `store`"),
        };
        reader.warn(code, node.at, format!("{what}: references to this provider do not resolve"));
    }

    /// Returns `true` if the entry has a usable path of its file or its command.
    pub(crate) fn has_place(&self) -> bool {
        let is_absolute = |path: &String| Path::new(path).is_absolute();
        match self.source.as_str() {
            "file" => self.path.as_ref().is_some_and(|path| is_absolute(path) || path.starts_with('~')),
            _ => self.has_plugin || self.command.as_ref().is_some_and(is_absolute),
        }
    }
}

impl fmt::Debug for SecretSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.providers.keys().map(|name| shown_name(name)).collect();
        f.debug_struct("SecretSettings").field("providers", &names).finish_non_exhaustive()
    }
}

impl fmt::Debug for SecretProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretProvider").field("is_broken", &self.is_broken).finish_non_exhaustive()
    }
}

fn size(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn millis(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Duration> {
    reader.whole(node).map(|millis| Duration::from_millis(millis.into()))
}

/// Reads a list of non-blank texts; `None` if an item is anything else.
fn words<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<Vec<String>> {
    let mut words = Some(Vec::new());
    let is_list = reader.items(node, |reader, item| match (reader.word(item), &mut words) {
        (Some(word), Some(words)) => words.push(word),
        _ => words = None,
    });
    words.filter(|_| is_list)
}

/// Reads a list of any texts. They may contain secrets, because variables are substituted.
fn texts<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<Vec<Secret>> {
    let mut texts = Some(Vec::new());
    let is_list = reader.items(node, |reader, item| match (text(reader, item), &mut texts) {
        (Some(text), Some(texts)) => texts.push(text),
        _ => texts = None,
    });
    texts.filter(|_| is_list)
}

fn variables<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<IndexMap<String, Secret>> {
    let mut variables = matches!(node.value, Value::Object(_)).then(IndexMap::new);
    reader.entries(node, |reader, member| match (text(reader, &member.node), &mut variables) {
        (Some(value), Some(variables)) => {
            variables.insert(member.key.as_ref().to_owned(), value);
        }
        _ => variables = None,
    });
    variables
}

/// Reads a text whose variables are all set.
fn text<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<Secret> {
    let text = reader.text(node)?;
    (!text.unresolved).then(|| Secret::new(text.value.into_owned()))
}
