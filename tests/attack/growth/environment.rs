//! Variables and files with variables.

use provider_auth::Environment;

use super::{check, many, row};
use crate::support::provider;

#[test]
fn variables() {
    check(&[
        row(
            "dotenv: lines",
            400,
            |n| many(n, |n| format!("export V{n}='a b' # c\n")),
            |text| {
                let environment = Environment::empty().with_dotenv(text);
                environment.get("V1").is_some()
            },
        ),
        row(
            "dotenv: one name again and again",
            400,
            |n| "A=1\n".repeat(n),
            |text| Environment::empty().with_dotenv(text).get("A").is_some(),
        ),
        row(
            "dotenv: a quotation without end",
            4_000,
            |n| format!("A=\"{}", "\\n'\n".repeat(n)),
            |text| Environment::empty().with_dotenv(text).get("A").is_some(),
        ),
        row(
            "environment: a long value",
            8_000,
            |n| format!("OPENAI_API_KEY={}\n", "k".repeat(n)),
            |text| {
                let environment = Environment::empty().with_dotenv(text);
                environment.credential(&provider("openai")).is_some()
            },
        ),
        row(
            "environment: keys of a family",
            8_000,
            |n| format!("ANTHROPIC_API_KEYS={}\n", many(n / 8, |n| format!("key-{n},"))),
            |text| Environment::empty().with_dotenv(text).api_keys(&provider("anthropic")).len(),
        ),
        row(
            "environment: numbered keys of a family",
            200,
            |n| many(n, |n| format!("ANTHROPIC_API_KEY_{n}=key-{n}\n")),
            |text| Environment::empty().with_dotenv(text).api_keys(&provider("anthropic")).len(),
        ),
        row(
            "environment: a long path",
            4_000,
            |n| format!("~/{}", "a/".repeat(n)),
            |path| Environment::empty().expand_home(path).is_ok(),
        ),
    ]);
}
