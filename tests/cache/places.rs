//! The table of blocks that can carry a marker, compared with the documentation, recorded answers of the API, and
//! public reports.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use provider_auth::CacheRetention;
use provider_auth::ErrorKind::InvalidCacheMarker;

use provider_auth::cache::{
    Breakpoint, BreakpointOptions, BreakpointOrigin, BreakpointPlan, BreakpointReason, mark_body,
};
use provider_auth::{Credential, Endpoint, RequestBuilder, Secret, request::EndpointKind};

use self::Source::{Answer, Documented, Reported};

/// How a row is known.
enum Source {
    /// A page or a type definition of the provider, and its date.
    Documented(&'static str),
    /// An answer of the API that somebody recorded: where, and the day.
    Answer(&'static str),
    /// What a third party reports, without the answer.
    Reported(&'static str),
}

/// What becomes of a caller's marker.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Given {
    Taken,
    /// An error at every host.
    Refused(&'static str),
    /// An error at the Anthropic API, a note elsewhere.
    RefusedThere(&'static str, BreakpointReason),
    /// A note.
    Noted(&'static str, BreakpointReason),
}

impl Source {
    fn text(&self) -> &'static str {
        match self {
            Documented(text) | Answer(text) | Reported(text) => text,
        }
    }
}

struct Row {
    place: &'static str,
    source: Source,
    /// The body, with `MARK` where the marker stands.
    body: String,
    given: Given,
    /// Where markers are planned in the same body without it.
    planned: &'static [&'static str],
}

const PAGE: Source = Documented("prompt caching page, 2026-09");
const TYPES: Source = Documented("type definitions of the SDKs, 2026-08");

fn tools(tools: &str) -> String {
    format!(r#"{{"tools":[{tools}]}}"#)
}

fn user(blocks: &str) -> String {
    format!(r#"{{"messages":[{{"role":"user","content":[{blocks}]}}]}}"#)
}

fn after_answer(answer: &str, blocks: &str) -> String {
    let first = r#"{"role":"user","content":"q"}"#;
    let (answer, last) = (
        format!(r#"{{"role":"assistant","content":[{answer}]}}"#),
        format!(r#"{{"role":"user","content":[{blocks}]}}"#),
    );
    format!(r#"{{"messages":[{first},{answer},{last}]}}"#)
}

const SAID: &str = r#"{"type":"text","text":"t"}"#;
const BY_CODE: &str =
    r#""type":"tool_use","name":"w","input":{},"caller":{"type":"code_execution_20250825","tool_id":"srvtoolu_1"}"#;
const SEARCH: &str = r#""id":"srvtoolu_2","name":"web_search","input":{},"caller":{"tool_id":"srvtoolu_1","type":"code_execution_20260120"}"#;

#[expect(clippy::too_many_lines, reason = "a table")]
fn rows() -> Vec<Row> {
    use BreakpointReason::{CalledByCode, DeferredTool, OnMessage};
    let row = |place, source, body, given, planned| Row { place, source, body, given, planned };
    let code_call = || format!(r#"{SAID},{{"id":"toolu_1",{BY_CODE}}}"#);
    vec![
        row("tool", PAGE, tools(r#"{"name":"a"MARK}"#), Given::Taken, &["/tools/0"]),
        row("toolset", PAGE, tools(r#"{"type":"mcp_toolset"MARK,"mcp_server_name":"x"}"#), Given::Taken, &["/tools/0"]),
        row(
            "deferred tool",
            Answer("router-for-me/CLIProxyAPI#4561, 2026-07-25; anthropics/claude-code#86743, 2026-08-15"),
            tools(r#"{"name":"a"},{"name":"b","defer_loading":true MARK}"#),
            Given::RefusedThere("/tools/1", DeferredTool),
            &["/tools/0"],
        ),
        row(
            "toolset that is deferred",
            Reported("decolua/9router PR 3687, 2026-09-01, speaks of tools; of toolsets it is a guess"),
            tools(r#"{"name":"a"},{"type":"mcp_toolset","default_config":{"defer_loading":true}MARK}"#),
            Given::Noted("/tools/1", DeferredTool),
            &["/tools/0"],
        ),
        row(
            "toolset of which one tool is deferred",
            PAGE,
            tools(r#"{"type":"mcp_toolset","configs":{"t":{"defer_loading":true}}MARK}"#),
            Given::Taken,
            &["/tools/0"],
        ),
        row(
            "entry of a toolset",
            PAGE,
            tools(r#"{"type":"mcp_toolset","configs":{"t":{"enabled":true MARK}}}"#),
            Given::Refused("/tools/0/configs"),
            &["/tools/0"],
        ),
        row(
            "default entry of a toolset",
            PAGE,
            tools(r#"{"type":"mcp_toolset","default_config":{"enabled":true MARK}}"#),
            Given::Refused("/tools/0/default_config"),
            &["/tools/0"],
        ),
        row("system", PAGE, r#"{"system":[{"type":"text","text":"s"MARK}]}"#.to_owned(), Given::Taken, &["/system/0"]),
        row("text", PAGE, user(r#"{"type":"text","text":"u"MARK}"#), Given::Taken, &["/messages/0/content/0"]),
        row("image", PAGE, user(r#"{"type":"image"MARK}"#), Given::Taken, &["/messages/0/content/0"]),
        row("document", PAGE, user(r#"{"type":"document"MARK}"#), Given::Taken, &["/messages/0/content/0"]),
        row(
            "tool result",
            PAGE,
            user(r#"{"type":"tool_result","tool_use_id":"t"MARK}"#),
            Given::Taken,
            &["/messages/0/content/0"],
        ),
        row("search result", TYPES, user(r#"{"type":"search_result"MARK}"#), Given::Taken, &["/messages/0/content/0"]),
        row("upload", TYPES, user(r#"{"type":"container_upload"MARK}"#), Given::Taken, &["/messages/0/content/0"]),
        row(
            "answer",
            PAGE,
            after_answer(r#"{"type":"text","text":"t"MARK}"#, SAID),
            Given::Taken,
            &["/messages/0/content/0", "/messages/2/content/0"],
        ),
        row(
            "server tool and its result",
            TYPES,
            after_answer(
                r#"{"type":"server_tool_use","id":"s"},{"type":"web_search_tool_result","tool_use_id":"s"MARK}"#,
                SAID,
            ),
            Given::Taken,
            &["/messages/0/content/0", "/messages/2/content/0"],
        ),
        row(
            "call",
            PAGE,
            after_answer(r#"{"type":"tool_use","id":"t"MARK}"#, r#"{"type":"tool_result","tool_use_id":"t"}"#),
            Given::Taken,
            &["/messages/0/content/0", "/messages/2/content/0"],
        ),
        row(
            "server tool itself",
            TYPES,
            after_answer(
                r#"{"type":"server_tool_use","id":"s"MARK},{"type":"web_search_tool_result","tool_use_id":"s"}"#,
                SAID,
            ),
            Given::Taken,
            &["/messages/0/content/0", "/messages/2/content/0"],
        ),
        row(
            "MCP call",
            TYPES,
            after_answer(r#"{"type":"mcp_tool_use","id":"m"MARK},{"type":"mcp_tool_result","tool_use_id":"m"}"#, SAID),
            Given::Taken,
            &["/messages/0/content/0", "/messages/2/content/0"],
        ),
        row(
            "reference to a tool",
            TYPES,
            user(r#"{"type":"tool_reference","tool_name":"t"MARK}"#),
            Given::Taken,
            &["/messages/0/content/0"],
        ),
        row("blank text", PAGE, user(r#"{"type":"text","text":" "MARK}"#), Given::Taken, &[]),
        row("type that is not in the SDKs", TYPES, user(r#"{"type":"hologram"MARK}"#), Given::Taken, &[]),
        row(
            "instructions among the messages",
            TYPES,
            r#"{"messages":[{"role":"user","content":"u"},{"role":"system","content":[{"type":"text","text":"s"MARK}]}]}"#
                .to_owned(),
            Given::Taken,
            &["/messages/0/content/0"],
        ),
        row(
            "compaction",
            Documented("type definition of OpenRouter's SDKs, 2026-08"),
            after_answer(r#"{"type":"compaction","content":"s"MARK},{"type":"text","text":"t"}"#, SAID),
            Given::Taken,
            &["/messages/2/content/0"],
        ),
        row(
            "empty text",
            Answer("anthropics/claude-code#50484, 2026-04"),
            user(r#"{"type":"text","text":""MARK}"#),
            Given::Refused("/messages/0/content/0"),
            &[],
        ),
        row(
            "thinking",
            Answer("Wei-Shaw/sub2api#225, 2026-01-10"),
            after_answer(r#"{"type":"thinking","thinking":"t"MARK}"#, SAID),
            Given::Refused("/messages/1/content/0"),
            &["/messages/0/content/0", "/messages/2/content/0"],
        ),
        row(
            "redacted thinking",
            PAGE,
            after_answer(r#"{"type":"redacted_thinking","data":"d"MARK}"#, SAID),
            Given::Refused("/messages/1/content/0"),
            &["/messages/0/content/0", "/messages/2/content/0"],
        ),
        row(
            "nested, last",
            Documented("release notes, 2025-05-01"),
            user(r#"{"type":"tool_result","content":[{"type":"text","text":"r"MARK}]}"#),
            Given::Taken,
            &["/messages/0/content/0"],
        ),
        row(
            "nested, not last",
            Documented("release notes, 2025-05-01"),
            user(r#"{"type":"tool_result","content":[{"type":"text","text":"r"MARK},{"type":"text","text":"s"}]}"#),
            Given::Refused("/messages/0/content/0/content/0"),
            &["/messages/0/content/0"],
        ),
        row(
            "citation",
            PAGE,
            user(r#"{"type":"text","text":"u","citations":[{"type":"char_location"MARK}]}"#),
            Given::Refused("/messages/0/content/0/citations/0"),
            &["/messages/0/content/0"],
        ),
        row(
            "message",
            Answer("anthropics/anthropic-sdk-typescript#553, 2024-10-12"),
            r#"{"messages":[{"role":"user","content":"u"MARK}]}"#.to_owned(),
            Given::RefusedThere("/messages/0", OnMessage),
            &["/messages/0/content/0"],
        ),
        row(
            "call by code execution",
            Answer("langchain-ai/langchain#34542, 2026-01-05"),
            after_answer(
                &format!(r#"{SAID},{{"id":"toolu_1",{BY_CODE}MARK}}"#),
                r#"{"type":"tool_result","tool_use_id":"toolu_1"}"#,
            ),
            Given::RefusedThere("/messages/1/content/1", CalledByCode),
            &["/messages/0/content/0", "/messages/1/content/0"],
        ),
        row(
            "result of a call by code execution",
            Answer("langchain-ai/langchain#34542, 2026-01-05"),
            after_answer(&code_call(), r#"{"type":"tool_result","tool_use_id":"toolu_1"MARK}"#),
            Given::RefusedThere("/messages/2/content/0", CalledByCode),
            &["/messages/0/content/0", "/messages/1/content/0"],
        ),
        row(
            "the same, spelled otherwise",
            Answer("langchain-ai/langchain#34542, 2026-01-05"),
            after_answer(&code_call(), r#"{"tool_use_id":"\u0074oolu_1"MARK,"type":"tool_result"}"#),
            Given::RefusedThere("/messages/2/content/0", CalledByCode),
            &["/messages/0/content/0", "/messages/1/content/0"],
        ),
        row(
            "result of the model's own call beside it",
            PAGE,
            after_answer(
                &format!(r#"{},{{"type":"tool_use","id":"toolu_2","caller":{{"type":"direct"}}}}"#, code_call()),
                r#"{"type":"tool_result","tool_use_id":"toolu_2"MARK},{"type":"tool_result","tool_use_id":"toolu_1"}"#,
            ),
            Given::Taken,
            &["/messages/0/content/0", "/messages/2/content/0"],
        ),
        row(
            "result of a server tool that code execution called",
            Reported("by analogy to langchain-ai/langchain#34542, 2026-01-05; no answer is known"),
            after_answer(
                &format!(
                    r#"{SAID},{{"type":"server_tool_use",{SEARCH}}},{{"type":"web_search_tool_result","tool_use_id":"srvtoolu_2"MARK}}"#
                ),
                SAID,
            ),
            Given::Noted("/messages/1/content/2", CalledByCode),
            &["/messages/0/content/0", "/messages/2/content/0"],
        ),
    ]
}

/// The paths of the caller's markers that are noted, and why.
fn noted(plan: &BreakpointPlan) -> Vec<(&str, BreakpointReason)> {
    let notes = plan.notes().iter().filter(|note| note.origin == BreakpointOrigin::Caller);
    notes.map(|note| (note.path.as_deref().expect("a path"), note.reason)).collect()
}

#[test]
fn each_place_is_treated_as_its_source_says() {
    let marks = [r#","cache_control":{"type":"ephemeral"}"#, r#","cache_control":{"ttl":"5m","type":"ephemeral"}"#];
    for Row { place, source, body, given, planned } in rows() {
        let row = format!("{place}: {}", source.text());
        assert!(source.text().contains("20"), "{row}: no date");
        // What nobody has seen refused is no error.
        let guess = matches!(source, Reported(_));
        assert_eq!(guess, matches!(given, Given::Noted(..)), "{row}");
        let plan = |body: &str, strict: bool| {
            let options = BreakpointOptions::new(CacheRetention::Short).refuses_misplaced(strict);
            BreakpointPlan::for_body(body.as_bytes(), &options)
        };
        for (strict, mark) in [false, true].into_iter().flat_map(|strict| marks.map(|mark| (strict, mark))) {
            let outcome = plan(&body.replace("MARK", mark), strict);
            match (given, strict) {
                (Given::Taken, _) => assert_eq!(noted(&outcome.expect(&row)), [], "{row}"),
                (Given::Refused(path), _) | (Given::RefusedThere(path, _), true) => {
                    let error = outcome.expect_err(&row);
                    assert_eq!(error.kind(), InvalidCacheMarker, "{row}");
                    assert_eq!(error.location().and_then(|at| at.key_path.as_deref()), Some(path), "{row}");
                }
                (Given::RefusedThere(path, reason), false) | (Given::Noted(path, reason), _) => {
                    let plan = outcome.expect(&row);
                    assert_eq!(noted(&plan), [(path, reason)], "{row}");
                    let note = plan.notes().iter().find(|note| note.origin == BreakpointOrigin::Caller);
                    assert!(
                        note.expect("a note")
                            .to_string()
                            .starts_with(&format!("the marker at {path} may be refused: "))
                    );
                }
            }
        }
        // A marker that is null is none; and where none is planned, it is for the same reason.
        for mark in ["", r#","cache_control":null"#] {
            let plan = plan(&body.replace("MARK", mark), true).expect(&row);
            assert_eq!(noted(&plan), [], "{row}");
            let paths: Vec<_> = plan.breakpoints().iter().map(Breakpoint::path).collect();
            if mark.is_empty() {
                assert_eq!(paths, planned, "{row}");
            }
        }
    }
}

#[test]
fn only_the_anthropic_api_makes_it_an_error() {
    let credential = Credential::api_key(Secret::new("sk-ant-api03-x"));
    let body = r#"{"messages":[{"role":"user","content":"u","cache_control":{"type":"ephemeral"}}]}"#;
    for kind in EndpointKind::all() {
        let endpoint = Endpoint::of_kind(kind, "https://host.example/base").expect("a URL");
        let plan = RequestBuilder::new(&endpoint, &credential).body(body).plan();
        match plan {
            Ok(plan) => assert!(kind != EndpointKind::Anthropic && noted(&plan).len() == 1, "{kind:?}"),
            Err(error) => assert_eq!((kind, error.kind()), (EndpointKind::Anthropic, InvalidCacheMarker)),
        }
    }
}

#[test]
fn the_last_entry_of_a_name_in_a_toolset_counts() {
    let mark = r#""cache_control":{"type":"ephemeral"}"#;
    let plan = |configs: String| {
        let body = tools(&format!(r#"{{"type":"mcp_toolset","configs":{{{configs}}}}}"#));
        BreakpointPlan::for_body(body.as_bytes(), &BreakpointOptions::new(CacheRetention::Short))
            .map_err(|error| error.kind())
    };
    let (with, without) = (format!("{{{mark}}}"), r#"{"enabled":true}"#);
    assert!(plan(format!(r#""t":{with},"t":{without}"#)).is_ok());
    assert!(plan(format!(r#""t":{with} , "\u0074":5"#)).is_ok());
    assert_eq!(plan(format!(r#""t":{without},"t":{with}"#)).err(), Some(InvalidCacheMarker));
    assert_eq!(plan(format!(r#""t":{with},"u":{without}"#)).err(), Some(InvalidCacheMarker));
    // Of six markers of one name there is one, which is refused for its place, not for its number.
    let five = format!(r#""t":{with},"#).repeat(5);
    assert!(plan(format!(r#"{five}"t":{without}"#)).is_ok());
}

#[test]
fn nothing_is_planned_before_a_compaction() {
    let said = |role: &str, text: &str| format!(r#"{{"role":"{role}","content":"{text}"}}"#);
    let long: Vec<_> = (0..6).flat_map(|turn| [said("user", &format!("u{turn}")), said("assistant", "a")]).collect();
    let compacted =
        r#"{"role":"assistant","content":[{"type":"compaction","content":"s"},{"type":"text","text":"t"}]}"#;
    let body = |messages: &[&str]| format!(r#"{{"system":"s","messages":[{}]}}"#, messages.join(","));
    let (history, options) = (long.join(","), BreakpointOptions::new(CacheRetention::Short));
    let before = body(&[&history, &said("user", "q")]);
    let (before, _) = mark_body(before.into_bytes(), &options).expect("legal");
    let rest = [said("user", "q"), compacted.to_owned(), said("user", "r")].join(",");
    // The client may keep what the API leaves out from then on, or leave it out itself.
    for (messages, end) in
        [(vec![history.as_str(), &rest], "/messages/14"), (vec![compacted, &said("user", "r")], "/messages/1")]
    {
        let now = body(&messages);
        let (now, plan) = mark_body(now.into_bytes(), &options.clone().previous(&before)).expect("legal");
        let paths: Vec<_> = plan.breakpoints().iter().map(Breakpoint::path).collect();
        assert_eq!(paths, ["/system/0".to_owned(), format!("{end}/content/0")]);
        // From then on the session grows as any other: it reads where it wrote.
        let next = body(&[&messages.join(","), &said("assistant", "b"), &said("user", "v")]);
        let (_, plan) = mark_body(next.into_bytes(), &options.clone().previous(&now)).expect("legal");
        assert!(plan.breakpoints().iter().any(|marker| marker.path() == format!("{end}/content/0")), "{plan:?}");
        assert_eq!(plan.breakpoints().len(), 3);
    }
    // A compaction that failed leaves nothing out.
    let failed = compacted.replace(r#""s""#, "null");
    let plan = BreakpointPlan::for_body(
        body(&[&history, &said("user", "q"), &failed, &said("user", "r")]).as_bytes(),
        &options,
    );
    assert_eq!(plan.expect("legal").breakpoints()[1].path(), "/messages/8/content/0");
}

/// Nothing is timed here, but by the square of their number these would take hours.
#[test]
fn results_find_their_calls_in_one_pass() {
    let count = 50_000;
    let call = |id: usize| format!(r#"{{"id":"{id}",{BY_CODE}}}"#);
    let result = |id: usize| format!(r#"{{"type":"tool_result","tool_use_id":"{id}"}}"#);
    let join = |block: &dyn Fn(usize) -> String| (0..count).map(block).collect::<Vec<_>>().join(",");
    let body = after_answer(&format!("{SAID},{}", join(&call)), &join(&result));
    let options = BreakpointOptions::new(CacheRetention::Short).refuses_misplaced(true);
    let plan = BreakpointPlan::for_body(body.as_bytes(), &options).expect("legal");
    let paths: Vec<_> = plan.breakpoints().iter().map(Breakpoint::path).collect();
    assert_eq!(paths, ["/messages/0/content/0", "/messages/1/content/0"]);
    let next = options.previous(body.as_bytes());
    let plan = BreakpointPlan::for_body(body.as_bytes(), &next).expect("legal");
    assert_eq!(plan.breakpoints().last().map(Breakpoint::path), Some("/messages/1/content/0"));
}
