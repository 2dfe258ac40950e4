//! Reading secrets as people paste them.

use crate::credential::{Implausible, Received};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProviderId;
use crate::providers::{SETUP_TOKEN_PREFIX, SecretUse, recognise};
use crate::secret::{LEFT_OUT_INSIDE, Secret, clean, is_blank_char};

/// The length of the shortest setup-token in characters; a shorter one is incomplete.
const SETUP_TOKEN_LENGTH: usize = 80;

/// A pasted secret, cleaned and checked.
///
/// Created by [`api_key`], [`token`] and [`setup_token`], which check the secret, and by [`as_it_is`], with which the
/// caller vouches for it. `Debug` does not show the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidatedSecret {
    /// The secret as it will be stored.
    pub secret: Secret,
    /// The changes to the pasted text, to be shown to the user; one sentence each.
    pub notes: Vec<&'static str>,
}

/// Cleans a pasted API key and checks that it is not something else that people paste.
///
/// The text is [cleaned](Secret::cleaned), so a whole line `export NAME='value'` can be pasted. Keys of unknown formats
/// are accepted, because gateways issue their own.
///
/// # Errors
///
/// [`ErrorKind::InvalidSecret`] if it is blank, cannot be a secret for a reason in [`Implausible`], has characters that
/// a header cannot contain, or is a login code of the form `code#state`; [`ErrorKind::WrongSecret`] if it is recognised
/// as a token, an id, or a key of another provider.
///
/// # Examples
///
/// ```
/// use provider_auth::{ErrorKind, ProviderId, setup};
///
/// let anthropic = ProviderId::anthropic();
/// assert_eq!(setup::api_key(&anthropic, "\"sk-ant-api03-example\"\n")?.secret.expose(), "sk-ant-api03-example");
/// let error = setup::api_key(&anthropic, "sk-ant-oat01-example").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::WrongSecret);
/// # Ok::<(), provider_auth::Error>(())
/// ```
pub fn api_key(provider: &ProviderId, text: &str) -> Result<ValidatedSecret> {
    let pasted = take(provider, text)?;
    if *provider == ProviderId::anthropic() {
        refuse_login_code(&pasted)?;
    }
    match recognise(pasted.secret.expose()) {
        Some((_, SecretUse::Other(what))) => return Err(wrong(format!("this is {what}"))),
        Some((_, SecretUse::Token)) => {
            return Err(wrong("this is a setup-token, not an API key; store it as a token, or use an API key"));
        }
        _ => {}
    }
    check(pasted, "key")
}

/// Cleans a pasted static token. For the provider `anthropic` it must be a [`setup_token`]; the formats of other
/// providers' tokens are unknown, so these only have to be valid in a header.
///
/// # Errors
///
/// [`ErrorKind::InvalidSecret`] if it is blank, damaged or too short, [`ErrorKind::WrongSecret`] if it is recognised as
/// something else.
pub fn token(provider: &ProviderId, text: &str) -> Result<ValidatedSecret> {
    if *provider == ProviderId::anthropic() {
        return setup_token(text);
    }
    let pasted = take(provider, text)?;
    if recognise(pasted.secret.expose()).is_some_and(|(owner, _)| owner.id() == "anthropic") {
        return Err(wrong(format!("this is a secret of the provider anthropic, not of {provider}")));
    }
    check(pasted, "token")
}

/// Cleans a pasted setup-token: `sk-ant-oat`, a version of two digits and a dash, with a total of at least 80
/// characters.
///
/// The text is [cleaned](Secret::cleaned), and all white space is removed, because terminals break long lines.
///
/// Show the user the [`terms`](super::terms()) first.
///
/// # Errors
///
/// [`ErrorKind::InvalidSecret`] if it is blank, too short, of another form, or a login code of the form `code#state`;
/// [`ErrorKind::WrongSecret`] if it is recognised as an API key or another known secret.
///
/// # Examples
///
/// ```
/// use provider_auth::{ErrorKind, setup};
///
/// let pasted = format!("sk-ant-oat01-{}\n  {}\n", "a".repeat(40), "b".repeat(40));
/// let token = setup::setup_token(&pasted)?;
/// assert_eq!(token.secret.expose().len(), 93);
/// assert_eq!(token.notes.len(), 1);
///
/// assert_eq!(setup::setup_token("sk-ant-api03-example").unwrap_err().kind(), ErrorKind::WrongSecret);
/// # Ok::<(), provider_auth::Error>(())
/// ```
pub fn setup_token(text: &str) -> Result<ValidatedSecret> {
    let pasted = without_blanks(take(&ProviderId::anthropic(), text)?);
    refuse_login_code(&pasted)?;
    let token = pasted.secret.expose();
    match recognise(token) {
        Some((_, SecretUse::Other(what))) => return Err(wrong(format!("this is {what}"))),
        Some((owner, SecretUse::ApiKey)) => {
            return Err(wrong(format!("this is an API key of the provider {}, not a setup-token", owner.id())));
        }
        _ => {}
    }
    let Some(rest) = token.strip_prefix(SETUP_TOKEN_PREFIX) else {
        let message = if token.contains(SETUP_TOKEN_PREFIX) {
            "there is text before the setup-token; paste the token alone"
        } else {
            "a setup-token begins with sk-ant-oat, two digits and a dash"
        };
        return Err(invalid(message));
    };
    let version = rest.as_bytes().get(..3);
    if !version.is_some_and(|version| matches!(version, [a, b, b'-'] if a.is_ascii_digit() && b.is_ascii_digit())) {
        return Err(invalid("a setup-token begins with sk-ant-oat, two digits and a dash"));
    }
    if token.chars().count() < SETUP_TOKEN_LENGTH {
        return Err(invalid("the setup-token is too short; a part of it is missing"));
    }
    check(pasted, "token")
}

/// Cleans a pasted secret without checking it, for a secret that the other functions refuse although it is right, such
/// as a key of one provider for a gateway under the name of another.
///
/// Selection checks it again: to send a secret that looks like a placeholder, switch
/// [`refuse_implausible`](crate::select::SelectorRules::refuse_implausible) off.
///
/// # Errors
///
/// [`ErrorKind::InvalidSecret`] if it is blank or has characters that a header cannot contain.
///
/// # Examples
///
/// ```
/// use provider_auth::{ProviderId, setup};
///
/// // A relay that is configured as `anthropic` and takes keys of OpenRouter.
/// assert!(setup::api_key(&ProviderId::anthropic(), "sk-or-v1-example").is_err());
/// assert_eq!(setup::as_it_is("sk-or-v1-example")?.secret.expose(), "sk-or-v1-example");
/// # Ok::<(), provider_auth::Error>(())
/// ```
pub fn as_it_is(text: &str) -> Result<ValidatedSecret> {
    let (secret, cleaning) = clean(text);
    if secret.is_empty() {
        return Err(invalid("nothing was pasted"));
    }
    check(ValidatedSecret { secret, notes: cleaning.notes().collect() }, "secret")
}

/// Cleans the text, and refuses what cannot be a secret of the provider.
fn take(provider: &ProviderId, text: &str) -> Result<ValidatedSecret> {
    let received = Received::new(provider.as_str(), text);
    if received.secret.is_empty() {
        return Err(invalid("nothing was pasted"));
    }
    let is_gateway = provider.known().is_none_or(|known| known.base_url().is_none());
    // Text such as `sk-xxxx` is stored: a gateway may accept it, and the selector knows whether there is one.
    let doubt = received.doubt.and_then(|doubt| {
        doubt.at(true).or(doubt.at(is_gateway).filter(|reason| *reason == Implausible::OtherProvider))
    });
    match (doubt, recognise(received.secret.expose())) {
        (Some(Implausible::OtherProvider), Some((owner, _))) => {
            return Err(wrong(format!("this is a secret of the provider {}, not of {provider}", owner.id())));
        }
        (Some(reason), _) => return Err(invalid(&format!("this is {reason}")).with_help(reason.help())),
        (None, _) => {}
    }
    Ok(ValidatedSecret { secret: received.secret, notes: received.cleaning.notes().collect() })
}

/// Removes all white space, because terminals break long tokens into lines and indent them.
fn without_blanks(mut pasted: ValidatedSecret) -> ValidatedSecret {
    if pasted.secret.expose().contains(is_blank_char) {
        pasted.secret = Secret::new(pasted.secret.expose().replace(is_blank_char, ""));
        // A line that was broken and indented needs only one note.
        if !pasted.notes.contains(&LEFT_OUT_INSIDE) {
            pasted.notes.push("white space inside the secret is left out");
        }
    }
    pasted
}

/// Refuses the code that a browser shows at the end of a login, which is not a credential yet.
fn refuse_login_code(pasted: &ValidatedSecret) -> Result<()> {
    if pasted.secret.expose().contains('#') {
        return Err(invalid(
            "this is a login code of the form code#state; paste the token that the login returns for it",
        ));
    }
    Ok(())
}

fn check(pasted: ValidatedSecret, what: &str) -> Result<ValidatedSecret> {
    if pasted.secret.is_placeholder() {
        return Err(invalid(&format!("this is a word that OpenClaw shows instead of a {what}")));
    }
    if !pasted.secret.is_header_safe() {
        return Err(invalid(&format!("the {what} contains spaces or characters that no {what} has; paste it alone")));
    }
    Ok(pasted)
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidSecret, message)
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::WrongSecret, message)
}
