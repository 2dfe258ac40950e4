//! Secrets as people paste them.

use crate::error::{Error, ErrorKind, Result};
use crate::id::ProviderId;
use crate::providers::{SETUP_TOKEN_PREFIX, SecretUse, recognise};
use crate::secret::{Secret, is_blank_char};

/// The shortest setup-token in characters; a shorter one was cut off.
const SETUP_TOKEN_LENGTH: usize = 80;

/// Quotation marks that get copied along, in pairs.
const QUOTES: [(char, char); 6] =
    [('"', '"'), ('\'', '\''), ('`', '`'), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}'), ('\u{ab}', '\u{bb}')];

/// A secret that was pasted, cleaned and found to be of the expected kind.
///
/// Only [`api_key`], [`token`] and [`setup_token`] make one, so that what is stored was looked at. `Debug` does not
/// show the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidatedSecret {
    /// The secret as it will be stored.
    pub secret: Secret,
    /// What was done to the pasted text, a sentence each, to be shown to the user.
    pub notes: Vec<&'static str>,
}

/// Cleans a pasted API key and makes sure that it is none of the other things people paste.
///
/// Quotation marks and white space around it and line breaks inside are removed. A key of an unknown form is accepted:
/// gateways issue their own.
///
/// # Errors
///
/// [`ErrorKind::InvalidSecret`] if it is blank, has characters that cannot stand in a header, or is a login code of the
/// form `code#state`; [`ErrorKind::WrongSecret`] if it plainly is a token, an id, or a key of another provider.
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
    let pasted = clean(text, is_line_break)?;
    if *provider == ProviderId::anthropic() {
        refuse_login_code(&pasted)?;
    }
    match recognise(pasted.secret.expose()) {
        Some((_, SecretUse::Other(what))) => return Err(wrong(format!("this is {what}"))),
        Some((_, SecretUse::Token)) => {
            return Err(wrong("this is a setup-token, not an API key; store it as a token, or use an API key"));
        }
        Some((owner, SecretUse::ApiKey)) if owner.id() != provider.as_str() && is_known(provider) => {
            return Err(wrong(format!("this is a key of the provider {}, not of {provider}", owner.id())));
        }
        _ => {}
    }
    check(pasted, "key")
}

/// Cleans a pasted static token. For the provider `anthropic` it has to be a [`setup_token`]; of other providers nothing
/// is known, and it only has to fit in a header.
///
/// # Errors
///
/// [`ErrorKind::InvalidSecret`] if it is blank, damaged or too short, [`ErrorKind::WrongSecret`] if it plainly is
/// something else.
pub fn token(provider: &ProviderId, text: &str) -> Result<ValidatedSecret> {
    if *provider == ProviderId::anthropic() {
        return setup_token(text);
    }
    let pasted = clean(text, is_line_break)?;
    if recognise(pasted.secret.expose()).is_some_and(|(owner, _)| owner.id() == "anthropic") {
        return Err(wrong(format!("this is a secret of the provider anthropic, not of {provider}")));
    }
    check(pasted, "token")
}

/// Cleans a pasted setup-token: `sk-ant-oat`, a version of two digits, a dash, at least
/// 80 characters in all.
///
/// All white space is removed, because terminals break long lines, and quotation marks around it.
///
/// Read [`terms`](super::terms) to the user first.
///
/// # Errors
///
/// [`ErrorKind::InvalidSecret`] if it is blank, too short, of another form, or a login code of the form `code#state`;
/// [`ErrorKind::WrongSecret`] if it plainly is an API key or another known secret.
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
    let pasted = clean(text, is_blank_char)?;
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

/// Removes quotation marks and white space around the text, and inside it what is named.
fn clean(text: &str, unwanted: fn(char) -> bool) -> Result<ValidatedSecret> {
    let mut notes = Vec::new();
    let mut text = text.trim_matches(is_invisible);
    while let Some(inner) = QUOTES.iter().find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close)) {
        text = inner.trim_matches(is_invisible);
        if notes.is_empty() {
            notes.push("quotation marks around it were removed");
        }
    }
    let remove = |c: char| unwanted(c) || is_zero_width(c);
    let cleaned: String = text.chars().filter(|c| !remove(*c)).collect();
    if cleaned.len() != text.len() {
        notes.push("white space or line breaks inside it were removed");
    }
    if cleaned.is_empty() {
        return Err(invalid("nothing was pasted"));
    }
    Ok(ValidatedSecret { secret: Secret::new(cleaned), notes })
}

/// Refuses the code a browser shows at the end of a login, which is not yet a credential.
fn refuse_login_code(pasted: &ValidatedSecret) -> Result<()> {
    if pasted.secret.expose().contains('#') {
        return Err(invalid(
            "this is a login code of the form code#state; paste the token that the login gives for it",
        ));
    }
    Ok(())
}

fn check(pasted: ValidatedSecret, what: &str) -> Result<ValidatedSecret> {
    if pasted.secret.is_placeholder() {
        return Err(invalid(&format!("this is a word that OpenClaw shows in the place of a {what}")));
    }
    if pasted.secret.expose().contains(['=', '"', '\'']) && pasted.secret.expose().contains("export") {
        return Err(invalid(&format!("this is a line of a shell script; paste the {what} alone")));
    }
    if !pasted.secret.is_header_safe() {
        return Err(invalid(&format!("the {what} has spaces or characters that no {what} has; paste it alone")));
    }
    Ok(pasted)
}

/// Whether the shapes of this provider's keys are known.
fn is_known(provider: &ProviderId) -> bool {
    provider.known().is_some_and(|known| !known.secrets.is_empty())
}

fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

fn is_invisible(c: char) -> bool {
    is_blank_char(c) || is_zero_width(c)
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{2028}' | '\u{2029}')
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidSecret, message)
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::WrongSecret, message)
}
