//! Whatever the entrance: the header is the cleaned secret or nothing is sent, and no text shows any of it.

use proptest::prelude::*;
use provider_auth::Secret;

use super::entrance::{Entrance, through};

/// What is put before and behind a secret.
const AROUND: [(&str, &str); 14] = [
    ("", ""),
    (" ", "\n"),
    ("\"", "\""),
    ("'", "' "),
    ("Bearer ", ""),
    ("ANTHROPIC_API_KEY=", ""),
    ("export ANTHROPIC_API_KEY='", "'"),
    ("ANTHROPIC_API_KEY: \"", "\","),
    ("\u{200b}", "\u{feff}"),
    ("sk-ant-", ""),
    ("sk-ant-oat01-", ""),
    ("\"", ""),
    ("", "=="),
    ("A_KEY=", "\nB_KEY=x"),
];

/// What makes a text none, with a place for what somebody may have taken for a secret.
const IN_A_REFERENCE: [(&str, &str); 16] = [
    ("op://vault/", ""),
    ("vault:", ""),
    ("env:", ""),
    ("{env:", "}"),
    ("${x", "}"),
    ("%", "%"),
    ("file:/", ""),
    ("https://user:", "@host.example/"),
    ("arn:aws:secretsmanager:", ""),
    ("<", ">"),
    ("", "..."),
    ("{{", "}}"),
    ("your-key-", "-here"),
    ("$(echo ", ")"),
    ("curl -H ", ""),
    ("openai:", ""),
];

/// Long enough, and of few enough kinds of letters, that no part of it stands in a sentence; digits would stand in times.
fn core() -> impl Strategy<Value = String> {
    "[qzj]{19,31}"
}

/// Whether four characters of it in a row stand in a text.
fn shows(said: &str, core: &str) -> bool {
    let letters: Vec<char> = core.chars().collect();
    letters.windows(4).any(|part| said.contains(&part.iter().collect::<String>()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_header_is_the_cleaned_secret_or_nothing_is_sent(core in core(), around in 0..AROUND.len()) {
        let (before, behind) = AROUND[around];
        let text = format!("{before}{core}{behind}");
        for entrance in Entrance::ALL {
            // Its format has rules of its own for quotation marks and lines.
            if entrance == Entrance::Dotenv && (behind.contains('\n') || text.contains('"')) {
                continue;
            }
            let came = through(entrance, "anthropic", &text);
            let cleaned = Secret::cleaned(&text);
            let expected = cleaned.is_header_safe().then(|| cleaned.expose().to_owned());
            if entrance != Entrance::Paste || came.sent.is_some() {
                prop_assert_eq!(&came.sent, &expected, "{:?} {:?}", entrance, text);
            }
            prop_assert!(!came.said.contains(&core), "{:?}: {}", entrance, came.said);
        }
    }

    #[test]
    fn nothing_of_what_is_not_sent_is_shown(core in core(), around in 0..IN_A_REFERENCE.len()) {
        let (before, behind) = IN_A_REFERENCE[around];
        let text = format!("{before}{core}{behind}");
        for entrance in Entrance::ALL {
            let came = through(entrance, "anthropic", &text);
            prop_assert_eq!(&came.sent, &None, "{:?} {:?}", entrance, text);
            prop_assert!(!shows(&came.said, &core), "{:?} {:?}: {}", entrance, text, came.said);
        }
    }
}
