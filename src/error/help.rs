//! Help for the users of a program, by kind of error.

use super::kind::ErrorKind;

impl ErrorKind {
    /// Returns what the person at the terminal can do about the error, in one or two sentences.
    ///
    /// It names files, configuration keys and variables, but no Rust items. The documentation of each kind lists what a
    /// program can call.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a sentence for each kind")]
    pub fn help(self) -> &'static str {
        match self {
            Self::Syntax => {
                "Correct the text at the position given. `openclaw.json` is JSON5; stored credentials, in `auth-profiles.json` or in a database, are strict JSON."
            }
            Self::TooLarge => "Check that this is the right file; files this large are not read.",
            Self::TooDeep => {
                "Check that this is the right file, and check the files that it includes: at most 128 levels are read."
            }
            Self::DuplicateKey => {
                "Remove one of the two entries at the position given; only you know which one is meant."
            }
            Self::InvalidNumber => {
                "Write a finite number at the position given: NaN, Infinity and numbers beyond the range of a double are not accepted."
            }
            Self::InvalidConfig => "Correct the entry at the position given, and any other that is reported with it.",
            Self::MissingVariable => {
                "Set the variable in the environment or in the `env` block of `openclaw.json`, or write `$${NAME}` for literal text."
            }
            Self::UnresolvedReference => {
                "Store the secret where the reference in `openclaw.json` points, or replace the reference with the value itself."
            }
            Self::Corrupt => {
                "Restore the file from a backup, or set it aside and log in again. The file was not changed."
            }
            Self::UnsupportedVersion => {
                "Update this program: a newer version wrote the credentials, and this one cannot change them."
            }
            Self::InvalidId => {
                "Write a model as `provider/model` and a profile as `provider:name`, and leave no part blank."
            }
            Self::InvalidSecret => "Paste the secret again, alone and complete.",
            Self::MissingCredentials => "Add a key or token for this profile again, or choose another profile.",
            Self::MissingApiKey => {
                "Add a key for this provider, or set its environment variable. Credentials in another agent's `auth-profiles.json` are not used."
            }
            Self::ProfileNotConfigured => {
                "Choose a profile of this provider, or correct `auth.order` and `auth.profiles` in `openclaw.json`."
            }
            Self::Unavailable => {
                "Wait until one of the profiles can be used again, add another key for this provider, or clear a cooldown whose cause is gone."
            }
            Self::Unauthorized => {
                "Replace the key or token: it was revoked, has expired or belongs elsewhere. Prefer an API key; a subscription token is meant for the provider's own applications only."
            }
            Self::UnknownModel => {
                "Write the model as `provider/model`, or as an alias that `openclaw.json` defines under `agents.defaults.models`."
            }
            Self::NoEndpoint => {
                "Choose a model of `anthropic`. If the provider has a Messages API, set its `baseUrl` and `api: \"anthropic-messages\"` under `models.providers` in `openclaw.json`."
            }
            Self::UnsupportedApi => {
                "Choose a model whose `api` is `anthropic-messages`, or correct `api` in `openclaw.json` if its server has the Messages API too."
            }
            Self::InvalidUrl => {
                "Write an absolute http or https URL without user name, password or fragment. It may be the `baseUrl` in `openclaw.json`."
            }
            Self::InsecureTransport => {
                "Use https in the `baseUrl`. Plain HTTP is allowed to this machine, and to private networks if the provider's entry in `openclaw.json` has `request: { allowPrivateNetwork: true }`."
            }
            Self::InvalidHeader => {
                "Use plain names, without line breaks or control characters, in the `headers` of `openclaw.json`."
            }
            Self::ConflictingAuthHeader => {
                "Remove this header from the request, or set it in the `headers` of the provider in `openclaw.json` if you want it to be sent."
            }
            Self::InvalidBody => "Send a JSON object with `messages`, as the Messages API requires.",
            Self::TooManyCacheMarkers => {
                "Keep at most four `cache_control` markers in the request, the top-level one included."
            }
            Self::CacheMarkerOrder => {
                "Put one-hour markers before five-minute ones in the order tools, system, messages."
            }
            Self::InvalidCacheMarker => {
                "Move the marker to a non-empty text, image, document or tool block, with type `ephemeral` and ttl `5m` or `1h`."
            }
            Self::Io => "Check that the path exists, and that this user may read and write it.",
            Self::NotFound => "Check the path, or the name of the agent.",
            Self::NotAFile => "Specify the path of a regular file.",
            Self::PermissionDenied => {
                "Check who owns the file and its directory: this user must be allowed to write to both, because other files are created beside it."
            }
            Self::StorageFull => "Free some space and try again; the stored credentials were not changed.",
            Self::InsecurePermissions => {
                "Make this user the owner of `auth-profiles.json` with `chown`, and make the file private with `chmod 600`."
            }
            Self::LocksUnsupported => "Keep the file on a local disk.",
            Self::StoreUnavailable => {
                "Try again in a moment; if it persists, check that the server with the credentials is running and can be reached."
            }
            Self::Locked => "Try again; if it persists, look for another program that holds the lock.",
            Self::Reentrant => "Report this to the author of the program; nothing was changed.",
            Self::UpdateFailed => "Correct the problem in the message and try again; nothing was changed.",
            Self::Conformance => {
                "Report this to the author of the program: its credential store does not work correctly."
            }
            Self::WrongSecret => "Add an API key as a key and a token as a token, each for its own provider.",
            Self::UnknownProfile => {
                "Look up the name among this agent's profiles, for example with `openclaw models auth list`."
            }
            Self::InvalidLifetime => {
                "Enter a number with `ms`, `s`, `m`, `h` or `d`, such as 365d; a bare number means days."
            }
            Self::InvalidInclude => {
                "Correct the `$include` at the position given: the file must be in the directory of `openclaw.json` or below it, and must not include itself."
            }
            Self::PaymentRequired => {
                "Add credit or raise the spend limit at the provider and clear this profile's cooldown, or use another account."
            }
            Self::RateLimited => "Wait and try again, or add another key for this provider.",
            Self::ModelUnavailable => {
                "Check the model's name in `openclaw.json` and whether this account may use it, or use another model."
            }
            Self::RequestRefused => "Correct or shorten the request; another credential would get the same answer.",
            Self::Unreachable => "Check this machine's network, its proxy settings and the base URL, then try again.",
            Self::WrongAddress => {
                "Check the base URL of this provider in `openclaw.json`: its path must be the one that the provider documents."
            }
            Self::ProviderFailed => "Try again later; if it persists, look at the provider's status page.",
            Self::RefreshFailed => "Try again; if it persists, log in again.",
            Self::RefreshDenied => "Log in again: the old login has ended, or its refresh token was used elsewhere.",
            Self::Client => "Check the proxy settings and the TLS certificates of this system.",
            Self::WrongStore => {
                "OpenClaw keeps the credentials of this directory in a database; use a program that can open it."
            }
            Self::MigrationPending => {
                "Run `openclaw doctor --fix` once to import the old file, which is then kept under another name."
            }
            Self::NoDatabase => {
                "Run OpenClaw once for this agent, for example `openclaw models auth paste-api-key --agent NAME`, to create the database."
            }
            Self::InheritedProfile => {
                "Remove the profile from the agent that owns it, such as the default agent, or remove it with OpenClaw."
            }
        }
    }
}
