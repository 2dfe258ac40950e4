//! Secrets as they come in, through every entrance: what is sent, what is not, and what is said of it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop where it fails, and builds its own JSON"
)]

mod entrance;
mod expiry;
mod properties;
mod yielding;

use entrance::{Entrance, through};

/// A key of no known form, so that it stands for any.
const KEY: &str = "made-up-0123456789";

/// What people put around a key, all of which is left out.
#[test]
fn quotes_and_whole_lines_are_left_out() {
    let texts = [
        "\"made-up-0123456789\"",
        "'made-up-0123456789'",
        "`made-up-0123456789`",
        "\u{201c}made-up-0123456789\u{201d}",
        " \"made-up-0123456789\" ",
        "\" made-up-0123456789 \"",
        "\"made-up-0123456789\",",
        "made-up\u{200b}-0123456789",
        "\u{feff}made-up-0123456789\u{a0}",
        "Bearer made-up-0123456789",
        "\"Bearer made-up-0123456789\"",
        "ANTHROPIC_API_KEY=made-up-0123456789",
        "ANTHROPIC_API_KEY='made-up-0123456789'",
        "ANTHROPIC_API_KEY = \"made-up-0123456789\"",
        "export ANTHROPIC_API_KEY=made-up-0123456789",
        "export ANTHROPIC_API_KEY='made-up-0123456789'",
        "export MY_RELAY=\"made-up-0123456789\"",
        "set ANTHROPIC_API_KEY=made-up-0123456789",
        "setx ANTHROPIC_API_KEY \"made-up-0123456789\"",
        "$env:ANTHROPIC_API_KEY = \"made-up-0123456789\"",
        "ANTHROPIC_API_KEY: made-up-0123456789",
        "\"ANTHROPIC_API_KEY\": \"made-up-0123456789\",",
        "x-api-key: made-up-0123456789",
        "Authorization: Bearer made-up-0123456789",
        "anthropic_api_key='made-up-0123456789'",
        "ANTHROPIC_API_KEY:made-up-0123456789",
        "--api-key=made-up-0123456789",
        "-e ANTHROPIC_API_KEY=made-up-0123456789",
        "set -gx ANTHROPIC_API_KEY made-up-0123456789",
        "setx ANTHROPIC_API_KEY made-up-0123456789 /M",
        "const apiKey = 'made-up-0123456789';",
        "{\"apiKey\":\"made-up-0123456789\"}",
        "{ \"type\": \"api_key\", \"provider\": \"anthropic\", \"key\": \"made-up-0123456789\" }",
    ];
    for text in texts {
        for entrance in Entrance::ALL {
            // A line of JSON is no value there.
            if entrance == Entrance::Dotenv && text.starts_with("\"ANTHROPIC") {
                continue;
            }
            let came = through(entrance, "anthropic", text);
            assert_eq!(came.sent.as_deref(), Some(KEY), "{entrance:?} {text:?}: {}", came.said);
        }
    }
    // Beside lines that have nothing to do with it.
    for text in [
        "# mine\nmade-up-0123456789\n",
        "ANTHROPIC_API_KEY=\"made-up-0123456789\" # mine",
        "DEBUG=1\nANTHROPIC_API_KEY=made-up-0123456789\nANTHROPIC_BASE_URL=https://a.example\n",
        "{\n  \"apiKey\": \"made-up-0123456789\"\n}\n",
    ] {
        for entrance in Entrance::ALL.into_iter().filter(|entrance| *entrance != Entrance::Dotenv) {
            let came = through(entrance, "anthropic", text);
            assert_eq!(came.sent.as_deref(), Some(KEY), "{entrance:?} {text:?}: {}", came.said);
        }
    }
    // Of two secrets, nobody knows which is meant.
    for text in ["A_KEY=made-up-1\nB_KEY=made-up-2\n", "A_KEY=made-\nup-1\nDEBUG=1\n"] {
        for entrance in Entrance::ALL.into_iter().filter(|entrance| *entrance != Entrance::Dotenv) {
            assert_eq!(through(entrance, "anthropic", text).sent, None, "{entrance:?} {text:?}");
        }
    }
    for text in ["made-up-01234\n56789\n", "made-up-01234\r\n56789", "ANTHROPIC_API_KEY=made-up-0123456789\n"] {
        for entrance in Entrance::ALL.into_iter().filter(|entrance| *entrance != Entrance::Dotenv) {
            assert_eq!(through(entrance, "anthropic", text).sent.as_deref(), Some(KEY), "{entrance:?} {text:?}");
        }
    }
    // The given instances.
    let given = format!("sk-ant-api03-{}", "a".repeat(40));
    for entrance in Entrance::ALL {
        for text in [format!("\"{given}\""), format!("ANTHROPIC_API_KEY={given}")] {
            assert_eq!(through(entrance, "anthropic", &text).sent, Some(given.clone()), "{entrance:?}");
        }
    }
}

#[test]
fn what_was_left_out_is_said() {
    for entrance in Entrance::ALL {
        let came = through(entrance, "anthropic", "ANTHROPIC_API_KEY=\"Bearer made-up-0123456789\"");
        for word in ["quotation marks", "name in front"] {
            // What a reference leads to is in nobody's document.
            let is_silent = matches!(entrance, Entrance::Reference | Entrance::ConfigReference | Entrance::Shorthand);
            // The reader of `.env` files takes quotation marks off as its format says.
            let is_read = entrance == Entrance::Dotenv;
            assert!(is_silent || is_read || came.said.contains(word), "{entrance:?} {word}: {}", came.said);
        }
    }
}

/// What no document, variable or reference may be sent from, whoever serves the requests.
const IMPLAUSIBLE: [(&str, &str); 59] = [
    ("your_api_key_here", "placeholder"),
    ("<your-anthropic-key>", "placeholder"),
    ("YOUR-KEY", "placeholder"),
    ("sk-ant-api03-your-key-here", "placeholder"),
    ("changeme", "placeholder"),
    ("REPLACE_ME", "placeholder"),
    ("insert-your-key-here", "placeholder"),
    ("{{ANTHROPIC_API_KEY}}", "placeholder"),
    ("__ANTHROPIC_API_KEY__", "placeholder"),
    ("sk-...", "placeholder"),
    ("sk-ant-\u{2026}", "placeholder"),
    ("sk-ant-a...wxyz", "placeholder"),
    ("your api key here", "placeholder"),
    ("change_me_in_production", "placeholder"),
    ("votre-cle-api", "placeholder"),
    ("TU_CLAVE_AQUI", "placeholder"),
    ("dein-api-schluessel", "placeholder"),
    ("@ANTHROPIC_API_KEY", "variable"),
    ("{ANTHROPIC_API_KEY}", "variable"),
    ("env['ANTHROPIC_API_KEY']", "variable"),
    ("{\"source\":\"env\",\"provider\":\"default\",\"id\":\"MY_KEY\"}", "variable"),
    ("bws:anthropic", "address"),
    ("projects/p/secrets/anthropic/versions/latest", "address"),
    ("/opt/keys/anthropic", "file"),
    ("C:\\keys\\anthropic.txt", "file"),
    ("profile:anthropic:default", "profile"),
    ("oauth:minimax-portal", "word of OpenClaw"),
    ("gpg -d key.gpg", "command"),
    ("${anthropicKey}", "variable"),
    ("%ANTHROPIC_API_KEY%", "variable"),
    ("env:ANTHROPIC_API_KEY", "variable"),
    ("env:default:QWEN_KEY", "variable"),
    ("{env:ANTHROPIC_API_KEY}", "variable"),
    ("$env:ANTHROPIC_API_KEY", "variable"),
    ("process.env.ANTHROPIC_API_KEY", "variable"),
    ("os.environ/ANTHROPIC_API_KEY", "variable"),
    ("secretref-env:ANTHROPIC_API_KEY", "variable"),
    ("ANTHROPIC_API_KEY", "variable"),
    ("$anthropic_api_key", "variable"),
    ("op://Private/Anthropic/credential", "address"),
    ("vault:secret/data/anthropic#key", "address"),
    ("vault://secret/anthropic", "address"),
    ("keychain:anthropic", "address"),
    ("aws:secretsmanager:anthropic", "address"),
    ("arn:aws:secretsmanager:eu-west-1:1:secret:a", "address"),
    ("https://console.example.com/keys", "address"),
    ("file:/run/secrets/anthropic", "file"),
    ("/run/secrets/anthropic", "file"),
    ("{file:~/.anthropic}", "file"),
    ("anthropic:default", "profile"),
    ("openai:work", "profile"),
    ("secretref-managed", "word of OpenClaw"),
    ("op read op://Private/Anthropic/credential", "command"),
    ("$(op read op://Private/Anthropic/credential)", "command"),
    ("!security find-generic-password -w", "command"),
    ("curl -H secret", "command"),
    ("***", "punctuation"),
    ("---", "punctuation"),
    ("...", "punctuation"),
];

#[test]
fn what_can_be_no_secret_is_named_and_never_sent() {
    for (text, word) in IMPLAUSIBLE {
        for entrance in Entrance::ALL {
            // A remark begins with this sign in `.env` files, and nothing is left.
            if entrance == Entrance::Dotenv && text.contains('#') {
                continue;
            }
            for provider in ["anthropic", "relay"] {
                if !entrance.serves(provider) {
                    continue;
                }
                let came = through(entrance, provider, text);
                assert_eq!(came.sent, None, "{entrance:?} {provider} {text}");
                assert!(came.said.contains(word), "{entrance:?} {provider} {text}: {}", came.said);
                assert!(
                    came.said.contains("Put the secret itself") || came.said.contains("reference"),
                    "{entrance:?} {text}"
                );
            }
        }
    }
}

/// `$NAME` and `${NAME}` are followed where OpenClaw follows or documents them, and are no secrets anywhere else.
#[test]
fn names_of_variables_are_followed_or_named() {
    for text in ["$OTHER_KEY", "${OTHER_KEY}"] {
        for entrance in Entrance::ALL {
            let came = through(entrance, "anthropic", text);
            let follows = matches!(entrance, Entrance::Profile | Entrance::Token | Entrance::Config);
            assert_eq!(came.sent.as_deref(), follows.then_some(KEY), "{entrance:?} {text}: {}", came.said);
            assert!(follows || came.said.contains("variable"), "{entrance:?} {text}: {}", came.said);
        }
    }
    let came = through(Entrance::Config, "anthropic", "$NOT_SET");
    assert_eq!(came.sent, None);
    assert!(came.said.contains("its variable is not set"), "{}", came.said);
}

/// The other side: never a length, never a required beginning, and whatever a gateway may take.
#[test]
fn any_other_text_is_sent_as_it_is() {
    for text in [
        "a",
        "sk-ant-a",
        "local",
        "ollama",
        "dummy",
        "none",
        "EMPTY",
        "test-key",
        "not-needed",
        "sk-1234",
        "my-secret-key",
        "c2VjcmV0a2V5==",
        "AKIAEXAMPLE:wJalr/EXAMPLE=",
        "user:pass",
        "$ecret",
        "sk-my-keyring-7",
        "it's",
        "key,with,commas",
    ] {
        for entrance in Entrance::ALL {
            for provider in ["anthropic", "relay"] {
                if entrance.serves(provider) {
                    let came = through(entrance, provider, text);
                    assert_eq!(came.sent.as_deref(), Some(text), "{entrance:?} {provider}: {}", came.said);
                }
            }
        }
    }
    // What belongs to another provider, or looks like filling, is a gateway's business.
    for text in ["sk-or-v1-made-up", "sk-xxxx"] {
        for entrance in Entrance::ALL {
            assert_eq!(through(entrance, "anthropic", text).sent, None, "{entrance:?} {text}");
            if entrance.serves("relay") {
                assert_eq!(through(entrance, "relay", text).sent.as_deref(), Some(text), "{entrance:?} {text}");
            }
        }
    }
}
