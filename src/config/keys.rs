//! The keys of `openclaw.json` that are read: where each stands, which releases of OpenClaw have it, and what it does here.
//!
//! The readers of the blocks visit what stands here and nothing else, and the page `docs::configuration` is made from it.

use super::release::Release;

/// Which releases have a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Releases {
    /// Every one that was looked at.
    All,
    /// Those before August 2026. Later ones refuse a file that has it.
    Older,
    /// August 2026 and later.
    Newer,
}

/// A key that is read.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) releases: Releases,
    /// What it does here, for the page.
    #[cfg_attr(not(test), expect(dead_code, reason = "the page is made from it, by a test"))]
    pub(super) does: &'static str,
}

/// The keys of an object. Only this file makes one.
pub(super) struct Shape {
    /// Where such objects stand, for the page.
    #[cfg_attr(not(test), expect(dead_code, reason = "the page is made from it, by a test"))]
    pub(super) at: &'static [&'static str],
    keys: &'static [Key],
    /// Keys that are valid, mean nothing here, and could be taken for a misspelling.
    foreign: &'static [&'static str],
    /// Whether any other key is a mistake; otherwise only a misspelling of one that is read is.
    pub(super) is_closed: bool,
}

impl Shape {
    /// The key of this name, if it is read.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of the keys that are read.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.keys.iter().map(|key| key.name)
    }

    /// Whether a key is known to be somebody else's.
    pub(super) fn is_foreign(&self, name: &str) -> bool {
        self.foreign.contains(&name)
    }

    /// Whether the release that a configuration belongs to refuses the key, and nothing around it.
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

/// An object with keys of other concerns too.
const fn open(at: &'static [&'static str], keys: &'static [Key]) -> Shape {
    Shape { at, keys, foreign: &[], is_closed: false }
}

/// An object whose keys all concern us.
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
        all("$include", "Puts another file in its place, at any depth of the file."),
        all("meta", "Says which release wrote the file."),
        all("env", "Holds variables, under those of the process and of the `.env` file."),
        all("auth", "Says which profiles are used, in which order, and how long they rest."),
        all("agents", "Says which models are used, and how."),
        all("models", "Says where providers are, and with which keys."),
        newer("secrets", "Says where secrets are that are only referred to."),
    ],
);

pub(super) static META: Shape = open(
    &["meta"],
    &[
        all(
            "lastTouchedVersion",
            "Decides which release's defaults, aliases and names apply. Without it, or where it is older than `agents.entries`: 2026.9.6 where there are such, else 2026.2.9.",
        ),
        newer("migrations", "Holds the next key."),
    ],
);

pub(super) static MIGRATIONS: Shape = open(
    &["meta.migrations"],
    &[newer("modelPolicyAllowlist", "`true`: `agents.defaults.models` does not say which models are allowed.")],
);

pub(super) static ENV: Shape = open(
    &["env"],
    &[
        all("vars", "Sets variables, each by its name. Names that steer programs (`PATH`, `LD_…`) are refused."),
        all("shellEnv", "Is read and reported; no shell is run."),
        older(
            "NAME",
            "Sets a variable of this name, ahead of `vars`. Still read from files of newer releases, with a remark.",
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
        all("profiles", "Lists the profiles that may be used: those of a provider that are not listed are left out."),
        all("order", "Gives the profiles of a provider in the order of use. A stored order wins."),
        older("cooldowns", "Sets how long profiles rest. Still read from files of newer releases, with a remark."),
    ],
);

pub(super) static PROFILE: Shape = closed(
    &["auth.profiles.ID"],
    &[
        all("provider", "Has to be the provider of the stored profile."),
        all(
            "mode",
            "Has to be its type: `api_key`, `oauth` or `token`. `aws-sdk` is known, and no profile of that kind is used.",
        ),
        all("email", "Is shown with the profile."),
        all("displayName", "Is shown with the profile, before `email`."),
    ],
);

pub(super) static COOLDOWNS: Shape = closed(
    &["auth.cooldowns"],
    &[
        older("billingBackoffHours", "Is the first window after a billing failure, in hours."),
        older("billingBackoffHoursByProvider", "Is the same for single providers."),
        older("billingMaxHours", "Is the longest such window, in hours."),
        older("failureWindowHours", "Is the time without failures after which counters begin again, in hours."),
        older("authPermanentBackoffMinutes", "Is the first window after a permanent refusal, in minutes."),
        older("authPermanentMaxMinutes", "Is the longest such window, in minutes."),
        older("overloadedProfileRotations", "Is how many more profiles are tried where the provider is overloaded."),
        older("overloadedBackoffMs", "Is the wait before such a try, in milliseconds."),
        older("rateLimitedProfileRotations", "Is how many more profiles are tried after a rate limit."),
    ],
);

pub(super) static AGENTS: Shape = open(
    &["agents"],
    &[
        all("defaults", "Holds for every agent that says nothing of its own."),
        older("list", "Holds the agents as a list. Not read where there are `entries`."),
        newer(
            "entries",
            "Holds the agents by their ids, which are read as OpenClaw reads them: in lower case, `-` for what does not fit.",
        ),
    ],
);

pub(super) static DEFAULTS: Shape = open(
    &["agents.defaults"],
    &[
        all("model", "Is the first model and its fallbacks: a name, or an object."),
        all("imageModel", "Is the same for images; it is in the status report."),
        newer("utilityModel", "Is the model for small tasks, in the status report; a blank one says there is none."),
        all(
            "models",
            "Gives models aliases and parameters. Before August 2026 it lists the models that are allowed as well.",
        ),
        all("params", "Holds the parameters of all models."),
        newer("modelPolicy", "Says which models are allowed."),
    ],
);

pub(super) static AGENT: Shape = open(
    &["agents.entries.ID", "agents.list[]"],
    &[
        all("id", "Names the agent of a list."),
        all("default", "`true`: the agent that is meant where none is named."),
        all("agentDir", "Is the directory with the agent's files, where it is not the usual one."),
        all(
            "model",
            "Is the agent's first model and its fallbacks. In `entries`, a model without fallbacks has none; in `list` it has those of the defaults.",
        ),
        newer("utilityModel", "Is the agent's model for small tasks."),
        newer("models", "Gives models aliases and parameters for this agent."),
        all("params", "Holds the agent's parameters, which win over those of models."),
        newer("modelPolicy", "Says which models this agent may use, in place of the defaults'."),
    ],
);

pub(super) static CHOICE: Shape = Shape {
    foreign: &["timeoutMs"],
    ..open(
        &["agents.defaults.model", "agents.defaults.imageModel", "agents.entries.ID.model", "agents.list[].model"],
        &[
            all(
                "primary",
                "Is the first model: `provider/model`, an alias, or a bare name. A bare name is a model of `openai` since August 2026, of `anthropic` before.",
            ),
            all("fallbacks", "Lists the models to use where the first is not available."),
        ],
    )
};

pub(super) static MODEL: Shape = open(
    &["agents.defaults.models.MODEL", "agents.entries.ID.models.MODEL"],
    &[
        all("alias", "Is another name of the model; a blank one takes the usual one away."),
        all("params", "Holds the model's parameters."),
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
            "`none`, `short` or `long`: no cache breakpoints, five minutes, one hour. The later of these places wins.",
        ),
        all("cacheControlTtl", "Is its older spelling, `5m` or `1h`, with a remark."),
        all("anthropicBeta", "Adds beta flags; the innermost place that has some counts."),
    ],
);

pub(super) static POLICY: Shape = open(
    &["agents.defaults.modelPolicy", "agents.entries.ID.modelPolicy"],
    &[newer(
        "allow",
        "Lists the models that are allowed: aliases, `provider/model`, or `provider/*`, with the provider as it is written. An empty list allows all.",
    )],
);

pub(super) static MODELS: Shape = open(
    &["models"],
    &[all("providers", "Holds providers by their names. The spelling that is asked for wins, another is found too.")],
);

pub(super) static PROVIDER: Shape = open(
    &["models.providers.NAME"],
    &[
        all("baseUrl", "Is where requests go."),
        all("apiKey", "Is the key that is used where no profile and no variable has one."),
        all("auth", "`token` or `oauth`: the key is a bearer token. `api-key` is the default, `aws-sdk` has no key."),
        all("api", "Is the interface; requests are built for `anthropic-messages`."),
        all("authHeader", "`true`: the key goes into the `authorization` header."),
        all(
            "headers",
            "Are sent with every request. One with a credential in it (`authorization`, `x-api-key`, `cf-aig-authorization`, …) authenticates as it is: no profile is needed, and the key of one goes beside it, unless it is for the same header.",
        ),
        newer("request", "Holds the next keys."),
        all("models", "Lists what single models change."),
    ],
);

pub(super) static REQUEST: Shape = open(
    &["models.providers.NAME.request"],
    &[
        newer("headers", "Are sent with every request, over those of the provider and of the model."),
        newer("auth", "Is a credential for every request, over `headers`."),
        newer(
            "allowPrivateNetwork",
            "`true`: credentials may go over plain HTTP to hosts of a private network, where others can read them. `false`: nothing may. Otherwise only what has no credential.",
        ),
    ],
);

pub(super) static REQUEST_AUTH: Shape = closed(
    &["models.providers.NAME.request.auth"],
    &[
        newer("mode", "`authorization-bearer`, `header`, or `provider-default` for no credential of its own."),
        newer("token", "Is a bearer token."),
        newer("headerName", "Names the header; a configured `authorization` is not sent then."),
        newer("value", "Is what stands in the header."),
        newer("prefix", "Stands before it, as it is written."),
    ],
);

pub(super) static PROVIDER_MODEL: Shape = open(
    &["models.providers.NAME.models[]"],
    &[
        all("id", "Names the model."),
        newer("baseUrl", "Is where requests for this model go, in place of the provider's."),
        all("api", "Is the interface of this model, in place of the provider's."),
        all("headers", "Are sent with requests for this model, over the provider's."),
        newer("compat", "Holds the next key."),
    ],
);

pub(super) static COMPAT: Shape = open(
    &["models.providers.NAME.models[].compat"],
    &[newer(
        "supportsLongCacheRetention",
        "`false`: breakpoints of one hour become those of five minutes, with a note.",
    )],
);

pub(super) static SECRETS: Shape = Shape {
    foreign: &["resolution", "egress"],
    ..open(
        &["secrets"],
        &[
            newer("providers", "Holds the places that references to secrets name."),
            newer("defaults", "Names the places that are meant where a reference names none."),
        ],
    )
};

pub(super) static SECRET_DEFAULTS: Shape = Shape {
    foreign: &["file", "exec"],
    ..open(
        &["secrets.defaults"],
        &[newer("env", "Names the one of variables."), newer("store", "Names the one of OpenClaw's own store.")],
    )
};

pub(super) static SECRET_PROVIDER: Shape = Shape {
    foreign: &["pluginIntegration"],
    ..open(
        &["secrets.providers.NAME"],
        &[
            newer("source", "`env`, `file`, `exec` or `store`."),
            newer("allowlist", "Lists the variables that may be read; without it all may."),
            newer("path", "Is the file."),
            newer("mode", "`json`: ids point into an object. `singleValue`: the file is the secret."),
            newer("timeoutMs", "Is the most that a file or a command may take; 5000 if it is not set."),
            newer("maxBytes", "Is the most that is read of a file; 1 MiB if it is not set."),
            newer("command", "Is the path of the command, which is started without a shell."),
            newer("args", "Are its arguments."),
            newer("env", "Are variables for it."),
            newer("passEnv", "Lists variables of this process that it may see."),
            newer("trustedDirs", "Lists the directories in which it may be."),
            newer("noOutputTimeoutMs", "Is the longest silence; as `timeoutMs` if it is not set."),
            newer("maxOutputBytes", "Is the most that is read of its output; 1 MiB if it is not set."),
            newer("jsonOnly", "`false`: what a command prints for one id is the secret."),
        ],
    )
};

#[cfg(test)]
mod tests;
