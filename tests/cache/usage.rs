//! The cache counters of replies, and the reasons for a miss.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use provider_auth::ErrorKind;
use provider_auth::cache::BreakpointSection::{Messages, System, Tools};
use provider_auth::cache::{CachePrices, CacheUsage, ChangedPart, PromptChange};

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn counters_are_read_flat_and_nested_and_any_may_be_missing() {
    for (name, reply, (uncached, read, written), one_hour) in [
        (
            "flat",
            r#"{"usage":{"input_tokens":1,"cache_read_input_tokens":2,"cache_creation_input_tokens":3}}"#,
            (1, 2, 3),
            0,
        ),
        (
            "nested only",
            r#"{"usage":{"input_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4}}}"#,
            (1, 0, 7),
            4,
        ),
        (
            "both, and fields of a later day",
            r#"{"diagnostics":null,"usage":{"input_tokens":1,"cache_creation_input_tokens":7,"new":[],"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4}}}"#,
            (1, 0, 7),
            4,
        ),
        ("one lifetime missing", r#"{"usage":{"cache_creation":{"ephemeral_1h_input_tokens":4}}}"#, (0, 0, 4), 4),
        ("nulls", r#"{"usage":{"input_tokens":1,"cache_read_input_tokens":null,"cache_creation":null}}"#, (1, 0, 0), 0),
        (
            "wrong types",
            r#"{"usage":{"input_tokens":"1","cache_read_input_tokens":-5,"cache_creation":[]}}"#,
            (0, 0, 0),
            0,
        ),
        ("no usage", "{}", (0, 0, 0), 0),
        ("null usage", r#"{"usage":null}"#, (0, 0, 0), 0),
        ("converse", r#"{"usage":{"inputTokens":1,"cacheReadInputTokens":2,"cacheWriteInputTokens":3}}"#, (1, 2, 3), 0),
        (
            "converse with lifetimes, the longer one first",
            r#"{"usage":{"inputTokens":1,"cacheReadInputTokens":2,"cacheWriteInputTokens":7,"cacheDetails":[{"ttl":"1h","inputTokens":4},{"ttl":"5m","inputTokens":3}]}}"#,
            (1, 2, 7),
            4,
        ),
        (
            "the last event of a converse stream",
            r#"{"metadata":{"usage":{"inputTokens":1,"cacheReadInputTokens":2,"cacheWriteInputTokens":3},"metrics":{"latencyMs":1}}}"#,
            (1, 2, 3),
            0,
        ),
        (
            "the last event of a model's own stream on bedrock",
            r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":1,"outputTokenCount":9,"cacheReadInputTokenCount":2,"cacheWriteInputTokenCount":3}}"#,
            (1, 2, 3),
            0,
        ),
        (
            "a compaction and the answer after it, of which the counters outside have the second only",
            r#"{"usage":{"input_tokens":23,"cache_read_input_tokens":0,"iterations":[{"type":"compaction","input_tokens":5,"cache_read_input_tokens":180,"cache_creation_input_tokens":9,"cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":7}},{"type":"message","input_tokens":23,"cache_creation_input_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":1}}]}}"#,
            (28, 180, 10),
            7,
        ),
        (
            "one run, and none",
            r#"{"usage":{"input_tokens":2,"iterations":[{"type":"message","input_tokens":3}]}}"#,
            (3, 0, 0),
            0,
        ),
        (
            "runs that do not say what was cached, and the object that does",
            r#"{"usage":{"input_tokens":23,"cache_read_input_tokens":900,"cache_creation_input_tokens":4,"cache_creation":{"ephemeral_1h_input_tokens":4},"iterations":[{"type":"message","input_tokens":23,"output_tokens":5}]}}"#,
            (23, 900, 4),
            4,
        ),
        ("runs of an unknown shape", r#"{"usage":{"input_tokens":2,"iterations":[null]}}"#, (2, 0, 0), 0),
        ("no runs", r#"{"usage":{"input_tokens":2,"iterations":[]}}"#, (2, 0, 0), 0),
        ("runs that are none", r#"{"usage":{"input_tokens":2,"iterations":null}}"#, (2, 0, 0), 0),
        (
            "vertex",
            r#"{"id":"msg_vrtx_1","usage":{"input_tokens":1,"cache_read_input_tokens":2,"cache_creation_input_tokens":3,"cache_creation":{"ephemeral_1h_input_tokens":3}}}"#,
            (1, 2, 3),
            3,
        ),
        (
            "openrouter",
            r#"{"usage":{"prompt_tokens":10,"prompt_tokens_details":{"cached_tokens":2,"cache_write_tokens":3}}}"#,
            (5, 2, 3),
            0,
        ),
        (
            "openai chat",
            r#"{"object":"chat.completion","choices":[{"message":{"content":"usage"}}],"usage":{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":0}}}"#,
            (86, 1920, 0),
            0,
        ),
        (
            "openai responses",
            r#"{"object":"response","usage":{"input_tokens":125,"input_tokens_details":{"cached_tokens":98,"cache_write_tokens":20},"output_tokens":48,"total_tokens":173}}"#,
            (7, 98, 20),
            0,
        ),
        (
            "gemini",
            r#"{"candidates":[],"usageMetadata":{"promptTokenCount":696219,"cachedContentTokenCount":696190,"candidatesTokenCount":214,"totalTokenCount":696433}}"#,
            (29, 696_190, 0),
            0,
        ),
        (
            "gemini, a stream without events",
            r#" [{"usageMetadata":{"promptTokenCount":10}},{"usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":8}}]"#,
            (2, 8, 0),
            0,
        ),
        ("gemini without a cache", r#"{"usageMetadata":{"promptTokenCount":10,"totalTokenCount":12}}"#, (10, 0, 0), 0),
        (
            "deepseek",
            r#"{"usage":{"prompt_tokens":10,"prompt_cache_hit_tokens":8,"prompt_cache_miss_tokens":2}}"#,
            (2, 8, 0),
            0,
        ),
        (
            "a gateway that fills in the counters of both APIs",
            r#"{"usage":{"prompt_tokens":10,"prompt_tokens_details":{"cached_tokens":8},"input_tokens":0,"input_tokens_details":null}}"#,
            (2, 8, 0),
            0,
        ),
        (
            "more cached than there is",
            r#"{"usage":{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":5}}}"#,
            (0, 5, 0),
            0,
        ),
        (
            "a reply of text, as of Ollama",
            r#"{"response":"usage","message":"usage","usage":{"input_tokens":3}}"#,
            (3, 0, 0),
            0,
        ),
    ] {
        let usage = CacheUsage::from_reply(reply.as_bytes()).expect(name);
        assert_eq!(
            (usage.uncached.unwrap_or(0), usage.read.unwrap_or(0), usage.written()),
            (uncached, read, written),
            "{name}"
        );
        assert_eq!(usage.written_one_hour.unwrap_or(0), one_hour, "{name}");
        assert_eq!(usage.total(), uncached + read + written, "{name}");
        assert_eq!(usage.hit_ratio().is_some(), usage.total() > 0, "{name}");
    }
    for broken in ["", "nothing", "[]x", "{"] {
        assert_eq!(CacheUsage::from_reply(broken.as_bytes()).expect_err(broken).kind(), ErrorKind::Syntax);
    }
}

#[test]
fn a_stream_gives_the_same_as_a_reply() {
    let stream = "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9,\"cache_read_input_tokens\":90,\"cache_creation\":{\"ephemeral_5m_input_tokens\":1}}}}\r\n\r\nevent: ping\ndata: {\"type\":\"ping\"}\n\ndata: [DONE]\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":5,\"input_tokens\":0,\"cache_read_input_tokens\":null}}\ndata: {\"type\":\"mess";
    let usage = CacheUsage::from_stream(stream.as_bytes());
    assert_eq!((usage.uncached, usage.read, usage.written(), usage.total()), (Some(9), Some(90), 1, 100));
    // Counters that only come at the end count too.
    let late = "data:{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":0}}}\ndata:{\"usage\":{\"input_tokens\":4}}\n";
    assert_eq!(CacheUsage::from_stream(late.as_bytes()).uncached, Some(4));
}

#[test]
fn a_stream_of_any_api_gives_the_same_counters_and_counts_the_prompt_once() {
    let responses = [
        r#"{"type":"response.created","response":{"usage":null}}"#,
        r#"{"type":"response.output_text.delta","delta":"usage"}"#,
        r#"{"type":"response.completed","response":{"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":90}}}}"#,
    ];
    let incomplete = [responses[0], &responses[2].replace("completed", "incomplete")];
    let chat = [
        r#"{"choices":[{"delta":{"content":"usage"}}],"usage":null}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":100,"prompt_tokens_details":{"cached_tokens":90}}}"#,
        "[DONE]",
    ];
    // The cached part is not told by every chunk.
    let gemini = [
        r#"{"candidates":[{}],"usageMetadata":{"promptTokenCount":100}}"#,
        r#"{"candidates":[{}],"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":90}}"#,
        r#"{"candidates":[{}],"usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":7}}"#,
    ];
    let messages = [
        r#"{"type":"message_start","message":{"usage":{"input_tokens":10,"cache_read_input_tokens":90}}}"#,
        r#"{"type":"message_delta","usage":{"input_tokens":10,"cache_read_input_tokens":90,"output_tokens":7}}"#,
    ];
    for events in [&responses[..], &incomplete, &chat, &gemini, &messages] {
        let stream = format!("data: {}\n\n", events.join("\n\ndata: "));
        let usage = CacheUsage::from_stream(stream.as_bytes());
        assert_eq!((usage.uncached, usage.read, usage.written()), (Some(10), Some(90), 0), "{stream}");
        assert_eq!((usage.total(), usage.hit_ratio()), (100, Some(0.9)), "{stream}");
    }
}

#[test]
fn a_long_stream_without_blank_lines_counts_to_its_end() {
    let delta = "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"word\"}}\n";
    let deltas = delta.repeat((512 << 10) / delta.len());
    let stream = format!(
        "data: {{\"message\":{{\"usage\":{{\"cache_read_input_tokens\":90}}}}}}\n{deltas}data: {{\"usage\":{{\"input_tokens\":9}}}}\n"
    );
    let usage = CacheUsage::from_stream(stream.as_bytes());
    assert_eq!((usage.uncached, usage.read), (Some(9), Some(90)));
}

#[test]
fn prices_are_data() {
    let reply = br#"{"usage":{"input_tokens":100,"cache_read_input_tokens":700,"cache_creation_input_tokens":200,"cache_creation":{"ephemeral_1h_input_tokens":50}}}"#;
    let usage = CacheUsage::from_reply(reply).expect("a reply");
    let close = |prices: &CachePrices, cost: f64| (usage.relative_cost(prices).expect("tokens") - cost).abs() < 1e-9;
    assert!(close(&CachePrices::default(), 0.1 + 0.07 + 0.15 * 1.25 + 0.05 * 2.0));
    assert!(close(&CachePrices::for_model("claude-fable-5.1"), 0.1 + 0.0175 + 0.15 * 1.25 + 0.05 * 2.0));
    assert!(close(&CachePrices::new(1.0, 1.0, 1.0), 1.0));
    assert_eq!(CacheUsage::default().relative_cost(&CachePrices::default()), None);
    for (model, read) in [("claude-opus-5", 0.1), ("claude-opus-5-51", 0.1), ("anthropic/claude-opus-5.5:beta", 0.05)] {
        assert!((CachePrices::for_model(model).read - read).abs() < 1e-9, "{model}");
    }
}

#[test]
fn a_session_adds_up_whatever_its_replies_tell() {
    let replies = [
        r#"{"usage":{"input_tokens":1,"cache_creation_input_tokens":100}}"#,
        r#"{"usage":{"input_tokens":1,"cache_creation":{"ephemeral_1h_input_tokens":50,"ephemeral_5m_input_tokens":10}}}"#,
        r#"{"usage":{"prompt_tokens":1000,"prompt_tokens_details":{"cached_tokens":900}}}"#,
        "{}",
    ];
    let read = |reply: &&str| CacheUsage::from_reply(reply.as_bytes()).expect("a reply");
    let session: CacheUsage = replies.iter().map(read).sum();
    assert_eq!((session.uncached, session.read, session.written()), (Some(102), Some(900), 160));
    assert_eq!((session.written_five_minutes, session.written_one_hour), (Some(10), Some(50)));
    let prices = CachePrices::new(0.1, 1.25, 2.0);
    let cost = 102.0 + 90.0 + 110.0 * 1.25 + 50.0 * 2.0;
    assert!((session.saved_tokens(&prices).expect("tokens") - (1162.0 - cost)).abs() < 1e-6);
    assert!((session.saved_money(&prices, 3.0).expect("money") - (1162.0 - cost) * 3e-6).abs() < 1e-12);
    // Each reply by itself comes to the same.
    let parts: f64 = replies.iter().map(read).filter_map(|usage| usage.saved_tokens(&prices)).sum();
    assert!((parts - (1162.0 - cost)).abs() < 1e-6);
    // Written and never read: caching was the dearer way.
    assert!(read(&replies[0]).saved_tokens(&prices).expect("tokens") < 0.0);
    assert_eq!(CacheUsage::default() + CacheUsage::default(), CacheUsage::default());
    assert_eq!(CacheUsage::default().saved_tokens(&prices), None);
    let full = CacheUsage::from_reply(br#"{"usage":{"input_tokens":18446744073709551615}}"#).expect("a reply");
    assert_eq!((full + full).uncached, Some(u64::MAX));
}

#[test]
fn a_stream_that_compacts_counts_all_its_runs() {
    let stream = concat!(
        r#"data: {"type":"message_start","message":{"usage":{"input_tokens":185,"cache_read_input_tokens":40}}}"#,
        "\n\n",
        r#"data: {"type":"message_delta","usage":{"input_tokens":23,"cache_read_input_tokens":7,"iterations":[{"type":"compaction","input_tokens":185,"cache_read_input_tokens":40},{"type":"message","input_tokens":23,"cache_read_input_tokens":7}]}}"#,
        "\n\n",
    );
    let usage = CacheUsage::from_stream(stream.as_bytes());
    assert_eq!((usage.uncached, usage.read, usage.total()), (Some(208), Some(47), 255));
}

/// The shapes are those of Anthropic's types (Python SDK, 2026-09) and of `OpenRouter`'s (TypeScript SDK, 2026-11); the
/// figures are made up. No recorded reply of these hosts with several runs is known, nor one of `InvokeModel` whose
/// metrics tell lifetimes, so those come from the model's own events.
#[test]
fn constructed_replies_with_several_runs_count_the_same_on_every_host() {
    let runs = r#""iterations":[{"type":"compaction","input_tokens":5,"cache_read_input_tokens":180,"cache_creation_input_tokens":9,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":9}},{"type":"message","model":"claude-opus-5","input_tokens":23,"cache_read_input_tokens":0,"cache_creation_input_tokens":0}]"#;
    let usage = format!(r#"{{"input_tokens":23,"cache_read_input_tokens":0,"output_tokens":7,{runs}}}"#);
    let start =
        r#"data: {"type":"message_start","message":{"usage":{"input_tokens":5,"cache_read_input_tokens":180}}}"#;
    let delta = format!(r#"data: {{"type":"message_delta","usage":{usage}}}"#);
    let stop = r#"data: {"type":"message_stop"}"#;
    let metrics = r#"data: {"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":23,"outputTokenCount":7,"cacheReadInputTokenCount":4}}"#;
    for (name, text) in [
        ("vertex", format!(r#"{{"id":"msg_vrtx_1","usage":{usage}}}"#)),
        ("bedrock, InvokeModel", format!(r#"{{"id":"msg_bdrk_1","usage":{usage}}}"#)),
        (
            "openrouter, messages",
            format!(r#"{{"id":"gen-1","usage":{{"cost":0.01,{}"#, usage.trim_start_matches('{')) + "}",
        ),
        ("vertex, a stream", [start, &delta, stop].join("\n\n")),
        ("bedrock, a stream whose metrics are those of the last run", [start, &delta, metrics].join("\n\n")),
    ] {
        let usage = if text.starts_with('{') {
            CacheUsage::from_reply(text.as_bytes()).expect(name)
        } else {
            CacheUsage::from_stream(text.as_bytes())
        };
        assert_eq!((usage.uncached, usage.read, usage.written()), (Some(28), Some(180), 9), "{name}");
        assert_eq!((usage.written_one_hour, usage.other_models), (Some(9), None), "{name}");
    }
    // Metrics without lifetimes leave those of the model's own events.
    let one_hour = r#"data: {"type":"message_start","message":{"usage":{"input_tokens":1,"cache_read_input_tokens":2,"cache_creation_input_tokens":3,"cache_creation":{"ephemeral_1h_input_tokens":3}}}}"#;
    let metrics = r#"data: {"amazon-bedrock-invocationMetrics":{"inputTokenCount":1,"cacheReadInputTokenCount":2,"cacheWriteInputTokenCount":3}}"#;
    let usage = CacheUsage::from_stream([one_hour, metrics].join("\n\n").as_bytes());
    assert_eq!((usage.total(), usage.written_one_hour), (6, Some(3)));
}

#[test]
fn tokens_of_other_models_are_counted_apart() {
    // An advisor's runs (advisor tool, 2026-03) are billed at the advisor's prices.
    let advised = r#"{"usage":{"input_tokens":412,"cache_read_input_tokens":50000,"iterations":[{"type":"message","model":"claude-sonnet-5","input_tokens":412,"cache_read_input_tokens":50000},{"type":"advisor_message","model":"claude-opus-5","input_tokens":52000,"cache_read_input_tokens":8,"cache_creation_input_tokens":2},{"type":"advisor_message","input_tokens":10}]}}"#;
    let usage = CacheUsage::from_reply(advised.as_bytes()).expect("a reply");
    assert_eq!((usage.uncached, usage.read, usage.other_models), (Some(412), Some(50_000), Some(52_020)));
    assert!(usage.hit_ratio().is_some_and(|ratio| ratio > 0.99));
    assert_eq!((usage + usage).other_models, Some(104_040));
    // A model that the server fell back from (2026-07) has other prices than the one that answered.
    let fell_back = r#"{"usage":{"input_tokens":7,"iterations":[{"type":"message","model":"claude-fable-5","input_tokens":100},{"type":"compaction","input_tokens":3},{"type":"fallback_message","model":"claude-opus-5","input_tokens":7}]}}"#;
    let usage = CacheUsage::from_reply(fell_back.as_bytes()).expect("a reply");
    assert_eq!((usage.uncached, usage.other_models), (Some(10), Some(100)));
    // Only the advisor's run is told: the counters outside are the executor's.
    let only = r#"{"usage":{"input_tokens":5,"iterations":[{"type":"advisor_message","input_tokens":9}]}}"#;
    let usage = CacheUsage::from_reply(only.as_bytes()).expect("a reply");
    assert_eq!((usage.uncached, usage.other_models), (Some(5), Some(9)));
}

#[test]
fn a_later_event_never_makes_a_sum_smaller() {
    let sum = r#"{"type":"message_delta","usage":{"input_tokens":23,"iterations":[{"type":"compaction","input_tokens":185,"cache_read_input_tokens":40},{"type":"message","input_tokens":23,"cache_read_input_tokens":7}]}}"#;
    let later = br#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":23,"cacheReadInputTokenCount":7}}"#;
    let mut usage = CacheUsage::from_reply(sum.as_bytes()).expect("an event");
    usage.observe_event(later).expect("an event");
    assert_eq!((usage.uncached, usage.read), (Some(208), Some(47)));
    let mut session = usage + usage;
    session.observe_event(later).expect("an event");
    assert_eq!(session, usage + usage);
    // An estimate that is no sum is replaced by the count at the end.
    let mut usage = CacheUsage::from_reply(br#"{"message":{"usage":{"input_tokens":35}}}"#).expect("an event");
    usage.observe_event(later).expect("an event");
    assert_eq!((usage.uncached, usage.read), (Some(23), Some(7)));
}

#[test]
fn the_first_change_is_named_with_what_it_costs() {
    let before = r#"{"model":"m","tools":[{"name":"a"},{"name":"b","input_schema":{"x":1}}],"system":[{"type":"text","text":"s"},{"type":"text","text":"t"}],"messages":[{"role":"user","content":[{"type":"image","source":"i"},{"type":"text","text":"u"}]},{"role":"assistant","content":"a"}]}"#;
    for (from, to, part, path, lost) in [
        (r#""model":"m""#, r#""model":"n""#, ChangedPart::Model, "/model", Tools),
        (r#"{"x":1}"#, r#"{"x":2}"#, ChangedPart::Tool(Some("input_schema".to_owned())), "/tools/1", Tools),
        (
            r#""name":"b","#,
            r#""name":"b","description":"d","#,
            ChangedPart::Tool(Some("description".to_owned())),
            "/tools/1",
            Tools,
        ),
        (r#"{"name":"a"},"#, "", ChangedPart::Tool(None), "/tools/0", Tools),
        (r#""model":"m","#, r#""model":"m","speed":"fast","#, ChangedPart::Speed, "/speed", System),
        (r#","text":"t"}"#, r#","text":"T"}"#, ChangedPart::System, "/system/1", System),
        (r#",{"type":"text","text":"t"}"#, "", ChangedPart::System, "/system/1", System),
        (
            r#""model":"m","#,
            r#""model":"m","tool_choice":{"type":"any"},"#,
            ChangedPart::ToolChoice,
            "/tool_choice",
            Messages,
        ),
        (r#""model":"m","#, r#""model":"m","thinking":{},"#, ChangedPart::Thinking, "/thinking", Messages),
        (r#"{"type":"image","source":"i"},"#, "", ChangedPart::ImageRemoved, "/messages/0/content/0", Messages),
        (
            r#"{"type":"text","text":"u"}"#,
            r#"{"type":"text","text":"u"},{"type":"image","source":"j"}"#,
            ChangedPart::ImageAdded,
            "/messages/0/content/2",
            Messages,
        ),
        (r#""text":"u""#, r#""text":"v""#, ChangedPart::Message, "/messages/0/content/1", Messages),
        (r#","content":"a"}"#, r#","content":"b"}"#, ChangedPart::Message, "/messages/1/content/0", Messages),
    ] {
        let after = before.replacen(from, to, 1);
        assert_ne!(after, before, "{from}");
        let change = PromptChange::between(before.as_bytes(), after.as_bytes()).expect("bodies").expect("a change");
        assert_eq!((change.part.clone(), change.path.as_str(), change.lost_from), (part, path, lost), "{change}");
        assert!(change.to_string().contains(path), "{change}");
    }
    let same = [
        before.replacen(r#""text":"t"}"#, r#""text":"t","cache_control":{"type":"ephemeral"}}"#, 1),
        before
            .replacen(r#"{"name":"a"}"#, r#"{"cache_control":{"type":"ephemeral"}, "name":"a"}"#, 1)
            .replace(", \"name", ",\"name"),
        before.replacen(r#""content":"a""#, r#""content":[{"type":"text","text":"a"}]"#, 1),
    ];
    for after in &same {
        assert_eq!(PromptChange::between(before.as_bytes(), after.as_bytes()).expect("bodies"), None, "{after}");
    }
    let grown = format!("{},{{\"role\":\"user\",\"content\":\"more\"}}]}}", before.strip_suffix("]}").expect("an end"));
    assert_eq!(PromptChange::between(before.as_bytes(), grown.as_bytes()).expect("bodies"), None);
    assert_eq!(PromptChange::between(b"{}", b"[]").expect_err("no body").kind(), ErrorKind::InvalidBody);
}
