//! The keys of `openclaw.json` that are read: the path, the releases of OpenClaw that have it, and the effect of each.
//!
//! The readers visit exactly these keys, and the tables of the page `docs::configuration` are generated from them.

use super::release::Release;

/// The releases that have a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Releases {
    /// Every examined release.
    All,
    /// Releases before August 2026. Later ones refuse a file with the key.
    Older,
    /// Releases since August 2026.
    Newer,
}

/// A key that is read.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) releases: Releases,
    /// The effect of the key, for the page.
    #[cfg_attr(not(test), expect(dead_code, reason = "the page is made from it, by a test"))]
    pub(super) does: &'static str,
}

/// The keys of an object. Shapes are created only in this file.
pub(super) struct Shape {
    /// The paths of such objects, for the page.
    #[cfg_attr(not(test), expect(dead_code, reason = "the page is made from it, by a test"))]
    pub(super) at: &'static [&'static str],
    keys: &'static [Key],
    /// Valid keys that are not read and could be taken for misspellings.
    foreign: &'static [&'static str],
    /// `true` if any other key is reported; otherwise only misspellings of known keys are.
    pub(super) is_closed: bool,
}

impl Shape {
    /// Returns the key of this name, if it is read.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Returns the names of the keys that are read.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.keys.iter().map(|key| key.name)
    }

    /// Returns `true` for a known key that is not read.
    pub(super) fn is_foreign(&self, name: &str) -> bool {
        self.foreign.contains(&name)
    }

    /// Returns `true` if the release of the configuration refuses the key, but not the whole object.
    pub(super) fn is_refused(&self, key: &Key, release: Release) -> bool {
        let is_older = |key: &Key| key.releases == Releases::Older;
        is_older(key) && release.has_entries() && !self.keys.iter().all(is_older)
    }
}

const fn all(name: &'static str, does: &'static str) -> Key {
    Key { name, releases: Releases::All, does }
}

const fn older(name: &'static str, does: &'static str) -> Key {
    Key { name, releases: Releases::Older, does }
}

const fn newer(name: &'static str, does: &'static str) -> Key {
    Key { name, releases: Releases::Newer, does }
}

/// Creates a shape for an object that has other keys too.
const fn open(at: &'static [&'static str], keys: &'static [Key]) -> Shape {
    Shape { at, keys, foreign: &[], is_closed: false }
}

/// Creates a shape for an object whose keys are all read.
const fn closed(at: &'static [&'static str], keys: &'static [Key]) -> Shape {
    Shape { at, keys, foreign: &[], is_closed: true }
}

/// Every shape, in the order of the page.
#[cfg(test)]
pub(super) static SHAPES: [&Shape; 24] = [
    &ROOT,
    &META,
    &MIGRATIONS,
    &ENV,
    &SHELL_ENV,
    &AUTH,
    &PROFILE,
    &COOLDOWNS,
    &AGENTS,
    &DEFAULTS,
    &AGENT,
    &CHOICE,
    &MODEL,
    &PARAMS,
    &POLICY,
    &MODELS,
    &PROVIDER,
    &REQUEST,
    &REQUEST_AUTH,
    &PROVIDER_MODEL,
    &COMPAT,
    &SECRETS,
    &SECRET_DEFAULTS,
    &SECRET_PROVIDER,
];

pub(super) static ROOT: Shape = open(
    &[""],
    &[
        all("$include", "Inserts another file, at any depth of the file."),
        all("meta", "Contains the release that wrote the file."),
        all("env", "Sets variables. Those of the process and of the `.env` file override them."),
        all("auth", "Sets the profiles to use, their order, and their cooldowns."),
        all("agents", "Sets the models to use, and their parameters."),
        all("models", "Sets the servers and keys of providers."),
        newer("secrets", "Sets the sources of secrets that are given as references."),
    ],
);

pub(super) static META: Shape = open(
    &["meta"],
    &[
        all(
            "lastTouchedVersion",
            "Selects the release whose defaults, aliases and names apply. If it is missing: 2026.9.6 with `agents.entries`, otherwise 2026.2.9. An older one beside `agents.entries` counts as 2026.9.6.",
        ),
        newer("migrations", "Contains the next key."),
    ],
);

pub(super) static MIGRATIONS: Shape = open(
    &["meta.migrations"],
    &[newer("modelPolicyAllowlist", "`true`: `agents.defaults.models` does not restrict which models are allowed.")],
);

pub(super) static ENV: Shape = open(
    &["env"],
    &[
        all("vars", "Sets variables by name. Names that control programs (`PATH`, `LD_…`) are refused."),
        all("shellEnv", "Is read and reported; no shell is run."),
        older(
            "NAME",
            "Sets a variable of this name, which overrides `vars`. In files of newer releases it is still read, with a warning.",
        ),
    ],
);

pub(super) static SHELL_ENV: Shape = closed(
    &["env.shellEnv"],
    &[
        all("enabled", "Is in the status report, as `shellEnvFallback`."),
        all("timeoutMs", "Is read, in milliseconds, and has no effect."),
    ],
);

pub(super) static AUTH: Shape = closed(
    &["auth"],
    &[
        all("profiles", "Lists the profiles to use. If one of a provider is listed, its other ones are not used."),
        all("order", "Lists the profiles of a provider in the order of use. A stored order wins."),
        older(
            "cooldowns",
            "Sets the lengths of cooldowns. In files of newer releases it is still read, with a warning.",
        ),
    ],
);

pub(super) static PROFILE: Shape = closed(
    &["auth.profiles.ID"],
    &[
        all("provider", "Must be the provider of the stored profile."),
        all("mode", "Must be its type: `api_key`, `oauth` or `token`. A profile with `aws-sdk` is never used."),
        all("email", "Is shown with the profile."),
        all("displayName", "Is shown with the profile, before `email`."),
    ],
);

pub(super) static COOLDOWNS: Shape = closed(
    &["auth.cooldowns"],
    &[
        older("billingBackoffHours", "Is the first window after a billing failure, in hours."),
        older("billingBackoffHoursByProvider", "Is the first window for single providers, in hours."),
        older("billingMaxHours", "Is the longest such window, in hours."),
        older("failureWindowHours", "Is the time without failures after which counters start again, in hours."),
        older("authPermanentBackoffMinutes", "Is the first window after a permanent refusal, in minutes."),
        older("authPermanentMaxMinutes", "Is the longest such window, in minutes."),
        older("overloadedProfileRotations", "Is the number of further profiles to try after an overload."),
        older("overloadedBackoffMs", "Is the wait before trying such a profile, in milliseconds."),
        older("rateLimitedProfileRotations", "Is the number of further profiles to try after a rate limit."),
    ],
);

pub(super) static AGENTS: Shape = open(
    &["agents"],
    &[
        all("defaults", "Applies to every agent without its own setting."),
        older("list", "Contains the agents as a list. Not read if there are `entries`."),
        newer(
            "entries",
            "Contains the agents by id. Ids are normalised as in OpenClaw: in lower case, with `-` for other characters.",
        ),
    ],
);

pub(super) static DEFAULTS: Shape = open(
    &["agents.defaults"],
    &[
        all("model", "Is the primary model and its fallbacks: a name, or an object."),
        all("imageModel", "Is the model for images and its fallbacks, shown in the status report."),
        newer("utilityModel", "Is the model for small tasks, shown in the status report; a blank name means none."),
        all("models", "Sets aliases and parameters of models. Before August 2026 it also lists the allowed models."),
        all("params", "Sets parameters of all models."),
        newer("modelPolicy", "Sets which models are allowed."),
    ],
);

pub(super) static AGENT: Shape = open(
    &["agents.entries.ID", "agents.list[]"],
    &[
        all("id", "Names the agent of a list."),
        all("default", "`true`: the agent to use if none is named."),
        all("agentDir", "Is the directory of the agent's files, if it is not the usual one."),
        all(
            "model",
            "Is the agent's primary model and its fallbacks. In `entries`, a model without fallbacks has none; in `list` it has those of the defaults.",
        ),
        newer("utilityModel", "Is the agent's model for small tasks."),
        newer("models", "Sets aliases and parameters of models for this agent."),
        all("params", "Sets parameters of the agent, which win over those of models."),
        newer("modelPolicy", "Sets which models this agent may use, in place of the defaults."),
    ],
);

pub(super) static CHOICE: Shape = Shape {
    foreign: &["timeoutMs"],
    ..open(
        &["agents.defaults.model", "agents.defaults.imageModel", "agents.entries.ID.model", "agents.list[].model"],
        &[
            all(
                "primary",
                "Is the primary model: `provider/model`, an alias, or a bare name. A bare name is a model of `openai` since August 2026, of `anthropic` before.",
            ),
            all("fallbacks", "Lists the models to use if the primary one is not available."),
        ],
    )
};

pub(super) static MODEL: Shape = open(
    &["agents.defaults.models.MODEL", "agents.entries.ID.models.MODEL"],
    &[
        all("alias", "Is another name of the model; a blank one removes the default alias."),
        all("params", "Sets parameters of the model."),
    ],
);

pub(super) static PARAMS: Shape = open(
    &[
        "agents.defaults.params",
        "agents.defaults.models.MODEL.params",
        "agents.entries.ID.models.MODEL.params",
        "agents.entries.ID.params",
        "agents.list[].params",
    ],
    &[
        all(
            "cacheRetention",
            "`none`, `short` or `long`: no cache breakpoints, five minutes, one hour. The later of these paths wins.",
        ),
        all("cacheControlTtl", "Is its older form, `5m` or `1h`, with a warning."),
        all("anthropicBeta", "Adds beta flags; the most specific of these paths that has some counts."),
    ],
);

pub(super) static POLICY: Shape = open(
    &["agents.defaults.modelPolicy", "agents.entries.ID.modelPolicy"],
    &[newer(
        "allow",
        "Lists the allowed models: aliases, `provider/model`, or `provider/*`, with the provider as it is written. An empty list allows all.",
    )],
);

pub(super) static MODELS: Shape = open(
    &["models"],
    &[all("providers", "Contains providers by name. The exact spelling wins, but other spellings are found too.")],
);

pub(super) static PROVIDER: Shape = open(
    &["models.providers.NAME"],
    &[
        all("baseUrl", "Is the base URL of requests."),
        all("apiKey", "Is the key to use if no profile and no variable has one."),
        all("auth", "`token` or `oauth`: the key is a bearer token. `api-key` is the default, `aws-sdk` has no key."),
        all("api", "Is the API of the server; requests are built for `anthropic-messages`."),
        all("authHeader", "`true`: the key goes into the `authorization` header."),
        all(
            "headers",
            "Are sent with every request. A header with a credential (`authorization`, `x-api-key`, `cf-aig-authorization`, …) is sent unchanged and needs no profile. The key of a profile is sent beside it, unless both use the same header.",
        ),
        newer("request", "Contains the next keys."),
        all("models", "Lists settings of single models."),
    ],
);

pub(super) static REQUEST: Shape = open(
    &["models.providers.NAME.request"],
    &[
        newer("headers", "Are sent with every request. They override those of the provider and of the model."),
        newer("auth", "Is a credential for every request, which overrides `headers`."),
        newer(
            "allowPrivateNetwork",
            "`true`: credentials may be sent over plain HTTP to hosts of a private network, where others can read them. `false`: no request may. Not set: only requests without a credential may.",
        ),
    ],
);

pub(super) static REQUEST_AUTH: Shape = closed(
    &["models.providers.NAME.request.auth"],
    &[
        newer("mode", "`authorization-bearer`, `header`, or `provider-default` for no separate credential."),
        newer("token", "Is a bearer token."),
        newer("headerName", "Names the header. A configured `authorization` is then not sent."),
        newer("value", "Is the value of the header."),
        newer("prefix", "Is added before the value, unchanged."),
    ],
);

pub(super) static PROVIDER_MODEL: Shape = open(
    &["models.providers.NAME.models[]"],
    &[
        all("id", "Names the model."),
        newer("baseUrl", "Is the base URL for this model, in place of the provider's."),
        all("api", "Is the API of this model, in place of the provider's."),
        all("headers", "Are sent with requests for this model. They override those of the provider."),
        newer("compat", "Contains the next key."),
    ],
);

pub(super) static COMPAT: Shape = open(
    &["models.providers.NAME.models[].compat"],
    &[newer("supportsLongCacheRetention", "`false`: breakpoints of one hour become five minutes, with a note.")],
);

pub(super) static SECRETS: Shape = Shape {
    foreign: &["resolution", "egress"],
    ..open(
        &["secrets"],
        &[
            newer("providers", "Contains the sources that references to secrets name."),
            newer("defaults", "Names the sources to use if a reference names none."),
        ],
    )
};

pub(super) static SECRET_DEFAULTS: Shape = Shape {
    foreign: &["file", "exec"],
    ..open(
        &["secrets.defaults"],
        &[newer("env", "Names the source of variables."), newer("store", "Names the source of OpenClaw's own store.")],
    )
};

pub(super) static SECRET_PROVIDER: Shape = Shape {
    foreign: &["pluginIntegration"],
    ..open(
        &["secrets.providers.NAME"],
        &[
            newer("source", "`env`, `file`, `exec` or `store`."),
            newer("allowlist", "Lists the variables that may be read; all if it is not set."),
            newer("path", "Is the path of the file."),
            newer("mode", "`json`: ids are pointers into an object. `singleValue`: the whole file is the secret."),
            newer("timeoutMs", "Is the longest time for a file or a command, in milliseconds; 5000 if it is not set."),
            newer("maxBytes", "Is the largest size of the file, in bytes; 1 MiB if it is not set."),
            newer("command", "Is the path of the command, which runs without a shell."),
            newer("args", "Are the arguments of the command."),
            newer("env", "Are variables of the command."),
            newer("passEnv", "Lists variables of this process that the command may read."),
            newer("trustedDirs", "Lists the directories in which the command may be."),
            newer(
                "noOutputTimeoutMs",
                "Is the longest time without output, in milliseconds; that of `timeoutMs` if it is not set.",
            ),
            newer("maxOutputBytes", "Is the largest output, in bytes; 1 MiB if it is not set."),
            newer("jsonOnly", "`false`: the output of a command for one id is the secret."),
        ],
    )
};

#[cfg(test)]
mod tests;
