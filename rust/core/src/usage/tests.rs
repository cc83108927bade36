use super::*;
use UsageProblem as P;

fn read(name: &str, usage: &str) -> ReportedUsage {
    let mut reader = UsageReader::new(Extractor::find(name).unwrap());
    reader.object(usage.as_bytes());
    reader.usage()
}

fn body(name: &str, frames: &[&str]) -> UsageReport {
    let mut reader = UsageReader::new(Extractor::find(name).unwrap());
    for frame in frames {
        reader.body(frame.as_bytes());
    }
    reader.report()
}

/// Input uncached, read, written 5m, 1h, other, audio in; output text, reasoning, audio out; searches, images in.
fn classes(usage: &Usage) -> [u64; 11] {
    [
        usage.input_uncached,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.cache_write_other,
        usage.audio_in,
        usage.output_text,
        usage.reasoning,
        usage.audio_out,
        usage.web_searches,
        usage.image_in,
    ]
}

fn problem(seen: &ReportedUsage) -> Option<UsageProblem> {
    seen.finding.map(|finding| finding.problem)
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table: one entry for each provider")]
fn every_extractor_reads_its_provider() {
    for (name, text, wanted) in [
        (
            "anthropic",
            r#"{"input_tokens":10,"cache_read_input_tokens":20,"cache_creation_input_tokens":33,"service_tier":"standard",
                "cache_creation":{"ephemeral_5m_input_tokens":11,"ephemeral_1h_input_tokens":22},"output_tokens":50,
                "output_tokens_details":{"thinking_tokens":40},"server_tool_use":{"web_search_requests":2}}"#,
            [10, 20, 11, 22, 0, 0, 10, 40, 0, 2, 0],
        ),
        (
            "openai",
            r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
                "prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":10,"audio_tokens":5},
                "completion_tokens_details":{"reasoning_tokens":20,"audio_tokens":3}}"#,
            [25, 60, 0, 0, 10, 5, 27, 20, 3, 0, 0],
        ),
        (
            "openai-responses",
            r#"{"input_tokens":142,"input_tokens_details":{"cache_write_tokens":27,"cached_tokens":100},"output_tokens":33,
                "output_tokens_details":{"reasoning_tokens":11},"total_tokens":175}"#,
            [15, 100, 0, 0, 27, 0, 22, 11, 0, 0, 0],
        ),
        (
            "gemini",
            r#"{"promptTokenCount":1518,"candidatesTokenCount":202,"totalTokenCount":1925,"cachedContentTokenCount":1122,
                "promptTokensDetails":[{"modality":"TEXT","tokenCount":1000},{"modality":"IMAGE","tokenCount":358},
                    {"modality":"AUDIO","tokenCount":160}],
                "cacheTokensDetails":[{"modality":"AUDIO","tokenCount":118},{"modality":"TEXT","tokenCount":704},
                    {"modality":"IMAGE","tokenCount":300}],
                "thoughtsTokenCount":185,"toolUsePromptTokenCount":20}"#,
            [316, 1122, 0, 0, 0, 42, 202, 185, 0, 0, 58],
        ),
        (
            "gemini-interactions",
            r#"{"total_input_tokens":53,"total_cached_tokens":3,"total_output_tokens":269,"total_thought_tokens":279,
                "total_tool_use_tokens":7,"total_tokens":608,"input_tokens_by_modality":[{"modality":"audio","tokens":9}],
                "grounding_tool_count":[{"type":"google_search","count":1}]}"#,
            [48, 3, 0, 0, 0, 9, 269, 279, 0, 1, 0],
        ),
        (
            "bedrock",
            r#"{"inputTokens":3,"outputTokens":61,"totalTokens":2445,"cacheReadInputTokens":2074,"cacheWriteInputTokens":307,
                "cacheDetails":[{"inputTokens":297,"ttl":"5m"},{"inputTokens":10,"ttl":"1h"}]}"#,
            [3, 2074, 297, 10, 0, 0, 61, 0, 0, 0, 0],
        ),
        (
            "bedrock-invoke",
            r#"{"inputTokenCount":3,"outputTokenCount":61,"cacheReadInputTokenCount":20,"invocationLatency":900}"#,
            [3, 20, 0, 0, 0, 0, 61, 0, 0, 0, 0],
        ),
        (
            "cohere",
            r#"{"billed_units":{"input_tokens":26.0,"output_tokens":147},"tokens":{"input_tokens":1431,"output_tokens":152,
                "reasoning_tokens":145},"cached_tokens":1392}"#,
            [26, 0, 0, 0, 0, 0, 2, 145, 0, 0, 0],
        ),
        (
            "mistral",
            r#"{"prompt_audio_seconds":3,"prompt_tokens":9,"total_tokens":632,"completion_tokens":248,
                "prompt_tokens_details":{"cached_tokens":4,"audio_tokens":375}}"#,
            [5, 4, 0, 0, 0, 375, 248, 0, 0, 0, 0],
        ),
        (
            "mistral",
            r#"{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"num_cached_tokens":4}"#,
            [5, 4, 0, 0, 0, 0, 2, 0, 0, 0, 0],
        ),
        (
            "deepseek",
            r#"{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10,"prompt_cache_hit_tokens":4,
                "prompt_cache_miss_tokens":5}"#,
            [5, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0],
        ),
        (
            "xai",
            r#"{"prompt_tokens":30,"completion_tokens":10,"total_tokens":340,"cost_in_usd_ticks":5411000,
                "completion_tokens_details":{"reasoning_tokens":300},"prompt_tokens_details":{"text_tokens":30}}"#,
            [30, 0, 0, 0, 0, 0, 10, 300, 0, 0, 0],
        ),
        (
            "xai",
            r#"{"input_tokens":5689,"input_tokens_details":{"cached_tokens":2048},"output_tokens":444,"total_tokens":6133,
                "output_tokens_details":{"reasoning_tokens":245},"server_side_tool_usage_details":{"web_search_calls":2}}"#,
            [3641, 2048, 0, 0, 0, 0, 199, 245, 0, 2, 0],
        ),
        (
            "groq",
            r#"{"queue_time":0.02,"prompt_tokens":1795,"completion_tokens":16,"total_tokens":1811,
                "completion_tokens_details":{"reasoning_tokens":14},"prompt_tokens_details":{"cached_tokens":1792}}"#,
            [3, 1792, 0, 0, 0, 0, 2, 14, 0, 0, 0],
        ),
        (
            "perplexity",
            r#"{"prompt_tokens":33,"completion_tokens":7163,"total_tokens":7196,"citation_tokens":20016,
                "num_search_queries":18,"reasoning_tokens":73997}"#,
            [20049, 0, 0, 0, 0, 0, 7163, 73997, 0, 18, 0],
        ),
        (
            "vercel-gateway",
            r#"{"prompt_tokens":113,"completion_tokens":327,"total_tokens":440,
                "completion_tokens_details":{"reasoning_tokens":256}}"#,
            [113, 0, 0, 0, 0, 0, 327, 256, 0, 0, 0],
        ),
        (
            "together",
            r#"{"prompt_tokens":9,"completion_tokens":1,"cached_tokens":4}"#,
            [5, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0],
        ),
        (
            "fireworks",
            r#"{"prompt_tokens":9,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":4}}"#,
            [5, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0],
        ),
        (
            "litellm",
            r#"{"prompt_tokens":100,"completion_tokens":1,"total_tokens":101,"cache_read_input_tokens":30,
                "prompt_tokens_details":{"cached_tokens":30,"cache_creation_tokens":50,
                    "cache_creation_token_details":{"ephemeral_1h_input_tokens":50}}}"#,
            [20, 30, 0, 50, 0, 0, 1, 0, 0, 0, 0],
        ),
        ("ollama", r#"{"prompt_eval_count":26,"eval_count":298}"#, [26, 0, 0, 0, 0, 0, 298, 0, 0, 0, 0]),
    ] {
        let seen = read(name, text);
        assert_eq!(seen.finding, None, "{name}");
        assert_eq!(classes(&seen.usage.unwrap()), wanted, "{name}");
    }
}

#[test]
fn figures_that_stand_outside_show_by_the_total_or_by_their_size() {
    let seen = read(
        "openai-chat",
        r#"{"prompt_tokens":9,"completion_tokens":2,"total_tokens":386,"prompt_tokens_details":{"audio_tokens":375}}"#,
    );
    assert_eq!((classes(&seen.usage.unwrap()), seen.finding), ([9, 0, 0, 0, 0, 375, 2, 0, 0, 0, 0], None));
    let seen = read("openai-chat", r#"{"prompt_tokens":5,"completion_tokens":7,"total_tokens":112}"#);
    assert_eq!(seen.usage.unwrap().reasoning, 100);
    assert_eq!(seen.finding.unwrap().field, "total_tokens");
    for (text, wanted, field) in [
        (
            r#"{"prompt_tokens":223,"completion_tokens":25,"total_tokens":248,
                "completion_tokens_details":{"reasoning_tokens":266}}"#,
            [223, 0, 0, 0, 0, 0, 25, 266, 0, 0, 0],
            "completion_tokens_details.reasoning_tokens",
        ),
        (
            r#"{"prompt_tokens":16,"completion_tokens":128,"total_tokens":144,
                "completion_tokens_details":{"reasoning_tokens":132}}"#,
            [16, 0, 0, 0, 0, 0, 0, 128, 0, 0, 0],
            "completion_tokens_details.reasoning_tokens",
        ),
        (
            r#"{"prompt_tokens":7,"completion_tokens":8,"prompt_tokens_details":{"cached_tokens":161}}"#,
            [7, 161, 0, 0, 0, 0, 8, 0, 0, 0, 0],
            "prompt_tokens_details.cached_tokens",
        ),
    ] {
        let seen = read("openai-chat", text);
        assert_eq!(classes(&seen.usage.unwrap()), wanted);
        let finding = seen.finding.unwrap();
        assert_eq!((finding.problem, finding.extractor, finding.field), (P::Inconsistent, "openai-chat", field));
    }
}

#[test]
fn what_cannot_be_true_is_a_finding_that_names_its_field() {
    for (name, text, has_usage, wanted) in [
        ("openai", r#"{"prompt_tokens":-1,"completion_tokens":1}"#, false, Some((P::Negative, "prompt_tokens"))),
        ("openai", r#"{"prompt_tokens":1e30,"completion_tokens":1}"#, false, Some((P::Absurd, "prompt_tokens"))),
        ("openai", r#"{"prompt_tokens":1,"completion_tokens":1.5}"#, false, Some((P::Absurd, "completion_tokens"))),
        ("openai", r#"{"prompt_tokens":"1","completion_tokens":1}"#, false, Some((P::Absurd, "prompt_tokens"))),
        (
            "openai",
            r#"{"prompt_tokens":1,"completion_tokens":2,"total_tokens":4}"#,
            true,
            Some((P::Inconsistent, "total_tokens")),
        ),
        ("openai", r#"{"prompt_tokens":3,"total_tokens":3}"#, true, None),
        ("openai", r#"{"prompt_tokens":3}"#, true, Some((P::Partial, "completion_tokens"))),
        ("ollama", r#"{"eval_count":3}"#, true, Some((P::Partial, "prompt_eval_count"))),
        ("openai", r#"{"prompt_tokens":1,"completion_tokens":-0}"#, true, None),
        ("openai", r#"{"prompt_tokens":1,"completion_tokens":1,"cost":-1}"#, true, Some((P::BadCost, "cost"))),
        ("openai", r#"{"prompt_tokens":1,"completion_tokens":1,"cost":"free"}"#, true, Some((P::BadCost, "cost"))),
        (
            "xai",
            r#"{"prompt_tokens":1,"completion_tokens":1,"cost_in_usd_ticks":1.5}"#,
            true,
            Some((P::BadCost, "cost_in_usd_ticks")),
        ),
        ("openai", r#"{"prompt_tokens":null,"completion_tokens":null}"#, false, None),
        ("openai", "{}", false, None),
        ("openai", "null", false, None),
        ("openai", "[", false, Some((P::Unreadable, "usage"))),
        ("openai", "7", false, Some((P::Unreadable, "usage"))),
        (
            "anthropic",
            r#"{"input_tokens":1,"output_tokens":1,"cache_creation_input_tokens":1,"cache_creation":{"ephemeral_1h_input_tokens":2}}"#,
            true,
            Some((P::Inconsistent, "cache_creation_input_tokens")),
        ),
        ("gemini", r#"{"promptTokenCount":1,"totalTokenCount":9}"#, true, Some((P::Inconsistent, "totalTokenCount"))),
        (
            "bedrock",
            r#"{"inputTokens":1,"outputTokens":1,"totalTokens":2,"cacheReadInputTokens":-5}"#,
            false,
            Some((P::Negative, "cacheReadInputTokens")),
        ),
    ] {
        let seen = read(name, text);
        let found = seen.finding.map(|finding| (finding.problem, finding.field));
        assert_eq!((seen.usage.is_some(), found), (has_usage, wanted), "{text}");
    }
    let padded = format!(r#"{{"prompt_tokens":1{}}}"#, " ".repeat(20_000));
    assert_eq!(problem(&read("openai", &padded)), Some(P::Unreadable));
    let finding = read("openai", r#"{"prompt_tokens":-1}"#).finding.unwrap();
    assert_eq!(finding.to_string(), "`prompt_tokens` in a usage of `openai-chat` is negative");
}

#[test]
fn costs_are_taken_where_the_provider_says_them() {
    for (name, text, picos) in [
        (
            "openrouter",
            r#"{"prompt_tokens":1,"cost":0.001,"is_byok":true,"cost_details":{"upstream_inference_cost":0.02}}"#,
            21_000_000_000,
        ),
        (
            "openrouter",
            r#"{"prompt_tokens":1,"cost":0.02,"is_byok":false,"cost_details":{"upstream_inference_cost":0.02}}"#,
            20_000_000_000,
        ),
        ("perplexity", r#"{"prompt_tokens":1,"cost":{"request_cost":0.005,"total_cost":0.00507}}"#, 5_070_000_000),
        ("xai", r#"{"prompt_tokens":1,"cost_in_usd_ticks":5411000}"#, 541_100_000),
    ] {
        assert_eq!(read(name, text).usage.unwrap().reported_cost_usd_picos, Some(picos), "{name}");
    }
    let venice = r#"{"usage":{"prompt_tokens":1,"completion_tokens":1},"cost":{"diem":0,"usd":1e-06}}"#;
    assert_eq!(body("openai-chat", &[venice]).usage.unwrap().reported_cost_usd_picos, Some(1_000_000));
    let alone = body("openai-chat", &[r#"{"cost":{"usd":1e-06}}"#]);
    assert_eq!((alone.usage, alone.reported_cost_usd_picos), (None, Some(1_000_000)));
}

#[test]
fn bodies_and_frames_say_the_same() {
    for (name, frames) in [
        (
            "anthropic",
            vec![
                r#"{"type":"message_start","message":{"usage":{"input_tokens":5,"output_tokens":1}}}"#,
                r#"{"type":"ping"}"#,
                r#"{"type":"message_delta","usage":{"output_tokens":7}}"#,
            ],
        ),
        (
            "openai-responses",
            vec![
                r#"{"type":"response.created","response":{"usage":null}}"#,
                r#"{"type":"response.completed","response":{"usage":{"input_tokens":5,"output_tokens":7,"total_tokens":12}}}"#,
            ],
        ),
        (
            "openai-chat",
            vec![
                r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":null}}"#,
                r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}"#,
                r#"{"choices":[],"usage":{}}"#,
            ],
        ),
        ("groq", vec![r#"{"x_groq":{"usage":{"prompt_tokens":5,"completion_tokens":7}}}"#]),
        (
            "gemini",
            vec![
                r#"[{"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5}},
                {"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":7,"totalTokenCount":12}}]"#,
            ],
        ),
        (
            "gemini",
            vec![
                r#"{"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5}}"#,
                r#"{"usageMetadata":{"candidatesTokenCount":4,"thoughtsTokenCount":3}}"#,
            ],
        ),
        ("bedrock-converse", vec![r#"{"metadata":{"usage":{"inputTokens":5,"outputTokens":7,"totalTokens":12}}}"#]),
        (
            "cohere",
            vec![r#"{"type":"message-end","delta":{"usage":{"billed_units":{"input_tokens":5,"output_tokens":7}}}}"#],
        ),
        ("cohere", vec![r#"{"text":"","meta":{"billed_units":{"input_tokens":5,"output_tokens":7}}}"#]),
        (
            "ollama",
            vec![
                r#"{"message":{"content":"x"},"done":false}"#,
                r#"{"done":true,"prompt_eval_count":5,"eval_count":7,"total_duration":12345678901}"#,
            ],
        ),
    ] {
        let report = body(name, &frames);
        let usage = report.usage.unwrap();
        assert_eq!((usage.input_total(), usage.output_total(), report.finding), (5, 7, None), "{name}");
    }
    assert_eq!(body("openai-chat", &["{"]).finding.unwrap().problem, P::Unreadable);
    assert_eq!(body("openai-chat", &["[{]"]).finding.unwrap().problem, P::Unreadable);
}

#[test]
fn the_terms_of_a_call_are_echoed() {
    let terms = |report: UsageReport| (report.service_tier, report.speed, report.region);
    let word = |word: &str| Some(word.to_owned());
    assert_eq!(
        terms(body(
            "anthropic",
            &[
                r#"{"message":{"usage":{"input_tokens":1,"service_tier":"priority","inference_geo":"us","speed":"fast"}}}"#
            ]
        )),
        (word("priority"), word("fast"), word("us"))
    );
    assert_eq!(
        terms(body("anthropic", &[r#"{"usage":{"input_tokens":1,"inference_geo":"not_available"}}"#])),
        (None, None, None)
    );
    assert_eq!(terms(body("openai", &[r#"{"service_tier":"flex","usage":null}"#])).0, word("flex"));
    assert_eq!(
        terms(body(
            "openai-responses",
            &[r#"{"response":{"service_tier":"auto"}}"#, r#"{"response":{"service_tier":"priority"}}"#,]
        ))
        .0,
        word("priority")
    );
    assert_eq!(
        terms(body("gemini", &[r#"{"usageMetadata":{"promptTokenCount":1,"trafficType":"ON_DEMAND_FLEX"}}"#])).0,
        word("flex")
    );
    assert_eq!(terms(body("bedrock", &[r#"{"serviceTier":{"type":"priority"}}"#])).0, word("priority"));
}

#[test]
fn a_write_without_its_split_takes_an_earlier_split_back() {
    let mut reader = UsageReader::new(&ANTHROPIC_MESSAGES);
    reader.object(
        br#"{"input_tokens":1,"output_tokens":1,"cache_creation_input_tokens":33,
             "cache_creation":{"ephemeral_5m_input_tokens":11,"ephemeral_1h_input_tokens":22}}"#,
    );
    reader.object(br#"{"cache_creation_input_tokens":33}"#);
    assert_eq!(reader.usage().usage.unwrap().cache_write_1h, 22);
    reader.object(br#"{"cache_creation_input_tokens":40}"#);
    let usage = reader.usage().usage.unwrap();
    assert_eq!((usage.cache_write_5m, usage.cache_write_1h, usage.cache_write_other), (0, 0, 40));
}

#[test]
fn compaction_is_added_and_an_advisor_is_a_finding() {
    let mut reader = UsageReader::new(&ANTHROPIC_MESSAGES);
    reader.object(br#"{"input_tokens":100,"cache_read_input_tokens":55096,"output_tokens":7}"#);
    reader.object(
        br#"{"input_tokens":181,"cache_read_input_tokens":0,"output_tokens":8,"iterations":[
             {"type":"compaction","input_tokens":100,"output_tokens":83,"cache_read_input_tokens":55096},
             {"type":"message","input_tokens":181,"output_tokens":8}]}"#,
    );
    let seen = reader.usage();
    let usage = seen.usage.unwrap();
    assert_eq!((usage.input_uncached, usage.cache_read, usage.output_text), (281, 55_096, 91));
    assert_eq!(seen.finding, None);
    reader.object(br#"{"iterations":[{"type":"advisor_message","model":"other","input_tokens":5}]}"#);
    assert_eq!(problem(&reader.usage()), Some(P::OtherModel));
}

#[test]
fn names_are_unique_and_unknown_ones_are_not_guessed() {
    let mut names: Vec<&str> =
        EXTRACTORS.iter().flat_map(|row| row.aliases.iter().copied().chain([row.name])).collect();
    let count = names.len();
    assert!(count > EXTRACTORS.len());
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(Extractor::find("no-such-provider").is_none());
    assert!(Extractor::find("").is_none());
    for row in EXTRACTORS {
        assert!(!row.input.is_empty() && !row.output.is_empty() && !row.usage_at.is_empty(), "{}", row.name);
    }
    assert!(P::ALL.windows(2).all(|pair| pair[0] < pair[1] && pair[0].name() != pair[1].name()));
}

#[test]
fn a_gateways_own_fee_is_no_cost_without_what_the_provider_took() {
    let upstream = "cost_details.upstream_inference_cost";
    for (more, picos, field) in [
        (r#""cost":0,"is_byok":true"#, None, Some(upstream)),
        (r#""cost":0.001,"is_byok":true,"cost_details":{"upstream_inference_cost":null}"#, None, Some(upstream)),
        (r#""cost":0.001,"is_byok":true,"cost_details":{"upstream_inference_cost":"0.3"}"#, None, Some(upstream)),
        (r#""cost":0.001,"is_byok":true,"cost_details":{"upstream_inference_cost":-1}"#, None, Some(upstream)),
        (r#""cost":"1","is_byok":true,"cost_details":{"upstream_inference_cost":1}"#, None, Some("cost")),
        (r#""cost":0,"is_byok":true,"cost_details":{"upstream_inference_cost":0.3}"#, Some(300_000_000_000), None),
        (r#""cost":0.5,"is_byok":false,"cost_details":{"upstream_inference_cost":"0.3"}"#, Some(500_000_000_000), None),
    ] {
        let seen = read("openrouter", &format!(r#"{{"prompt_tokens":1,"completion_tokens":1,{more}}}"#));
        assert_eq!(seen.usage.unwrap().reported_cost_usd_picos, picos, "{more}");
        let finding = seen.finding.map(|finding| (finding.problem, finding.field));
        assert_eq!(finding, field.map(|field| (P::BadCost, field)), "{more}");
    }
}

#[test]
fn writes_by_lifetime_that_exceed_their_total_are_all_paid() {
    for (total, minutes, hour, wanted, problem) in [
        (0, 0, 300, [0, 300, 0], Some(P::Inconsistent)),
        (100, 200, 300, [200, 300, 0], Some(P::Inconsistent)),
        (500, 200, 300, [200, 300, 0], None),
        (600, 200, 300, [200, 300, 100], None),
    ] {
        let text = format!(
            r#"{{"input_tokens":5,"output_tokens":7,"cache_creation_input_tokens":{total},
                "cache_creation":{{"ephemeral_5m_input_tokens":{minutes},"ephemeral_1h_input_tokens":{hour}}}}}"#
        );
        let seen = read("anthropic", &text);
        let usage = seen.usage.unwrap();
        assert_eq!([usage.cache_write_5m, usage.cache_write_1h, usage.cache_write_other], wanted, "{text}");
        assert_eq!(seen.finding.map(|finding| finding.problem), problem, "{text}");
    }
}

#[test]
fn figures_in_anothers_words_are_a_finding() {
    for (name, answer, wanted) in [
        ("anthropic", r#"{"usage":{"prompt_tokens":50}}"#, Some((P::Unreadable, "usage"))),
        ("openai", r#"{"usage":{"promptTokenCount":50}}"#, Some((P::Unreadable, "usage"))),
        ("gemini", r#"{"usageMetadata":{"details":[{"tokens":7}]}}"#, Some((P::Unreadable, "usageMetadata"))),
        ("openai", r#"{"usage":{"total_tokens":50}}"#, Some((P::Unreadable, "usage"))),
        ("anthropic", r#"{"usage":{"cache_read_input_tokens":50}}"#, Some((P::Unreadable, "usage"))),
        ("anthropic", r#"{"usage":{}}"#, None),
        ("openai", r#"{"usage":{"prompt_tokens":null}}"#, None),
        ("openai", r#"{"usage":{"cost":0.5}}"#, None),
        ("gemini", r#"{"usageMetadata":{"trafficType":"ON_DEMAND"}}"#, None),
        ("cohere", r#"{"meta":{"api_version":{"version":"2"}}}"#, None),
        ("ollama", r#"{"created":1795348800,"done":false}"#, None),
    ] {
        let report = body(name, &[answer]);
        assert_eq!(report.usage, None, "{answer}");
        assert_eq!(report.finding.map(|finding| (finding.problem, finding.field)), wanted, "{answer}");
    }
    // A frame that says it in the right words is heard, whatever came before.
    let frames = [r#"{"usage":{"queue_time":1.5}}"#, r#"{"usage":{"prompt_tokens":5,"completion_tokens":7}}"#];
    assert_eq!(body("openai", &frames).finding, None);
}

#[test]
fn searches_that_stand_in_the_body_are_counted() {
    let figures = r#""usage":{"input_tokens":5,"output_tokens":7}"#;
    let output = r#""output":[{"type":"web_search_call","action":{"type":"search"}},{"type":"reasoning"},
        {"type":"web_search_call","action":{"type":"open_page"}},{"type":"web_search_call","status":"completed"},
        {"type":"web_search_call","action":{"type":"find_in_page"}},{"type":"message"}]"#;
    let metadata = r#""usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":7}"#;
    let grounded = r#""candidates":[{"groundingMetadata":{"webSearchQueries":["a","b",""]}}]"#;
    for (name, frames, wanted) in [
        ("openai-responses", vec![format!("{{{output},{figures}}}")], 2),
        ("openai", vec![format!("{{{output},{figures}}}")], 2),
        (
            "openai-responses",
            vec![
                r#"{"type":"response.created","response":{"output":[],"usage":null}}"#.to_owned(),
                format!(r#"{{"type":"response.completed","response":{{{output},{figures}}}}}"#),
            ],
            2,
        ),
        ("openai-responses", vec![format!(r#"{{"output":[{{"type":"message"}}],{figures}}}"#)], 0),
        // What the usage itself says counts first.
        (
            "xai",
            vec![format!(
                r#"{{{output},"usage":{{"input_tokens":5,"output_tokens":7,
                    "server_side_tool_usage_details":{{"web_search_calls":9}}}}}}"#
            )],
            9,
        ),
        ("gemini", vec![format!(r#"{{{grounded},{metadata},"modelVersion":"gemini-3.7-flash"}}"#)], 2),
        ("gemini", vec![format!(r#"{{{grounded},{metadata},"modelVersion":"gemini-2.5-pro"}}"#)], 1),
        ("gemini", vec![format!(r#"{{{grounded},{metadata},"modelVersion":"models/gemini-2.5-pro"}}"#)], 1),
        ("gemini", vec![format!("{{{grounded},{metadata}}}")], 2),
        // Frames repeat what they found, or the last one leaves it out.
        ("gemini", vec![format!("{{{grounded},{metadata}}}"), format!("{{{grounded}}}"), format!("{{{metadata}}}")], 2),
        ("gemini", vec![format!(r#"{{"candidates":[{{"groundingMetadata":{{}}}}],{metadata}}}"#)], 0),
        ("gemini", vec![format!(r#"{{"candidates":7,{metadata}}}"#)], 0),
    ] {
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        let report = body(name, &frames);
        assert_eq!((report.usage.unwrap().web_searches, report.finding), (wanted, None), "{name} {frames:?}");
    }
}
