//! The catalogue as its users see it: names, facts, successors, providers, bad rows, and every lint firing.

use super::{Auth, Catalog, CatalogError, Dialect, DisputeKind, Effort, Layer, Model, Status, ThinkingMode, lint};
use crate::calendar::Day;
use crate::money::{NanosPerMtok, Ratio, UsdNanos};

#[test]
fn the_bundled_bytes_are_read() {
    let catalog = Catalog::bundled();
    assert!(catalog.models().len() > 200, "{}", catalog.models().len());
    assert_eq!(catalog.providers().len(), 55);
    assert_eq!(catalog.hash().len(), 64);
    assert_eq!(catalog.as_of(), "2026-11-22");
}

#[test]
fn finds_a_model_by_each_of_its_names() {
    let catalog = Catalog::bundled();
    for name in [
        "anthropic/claude-haiku-4-5-20251001",
        "anthropic/claude-haiku-4-5",
        "claude-haiku-4-5-20251001",
        "claude-haiku-4-5",
    ] {
        let found = catalog.resolve(name).unwrap();
        assert_eq!(found.model.id, "claude-haiku-4-5-20251001", "{name}");
        assert_eq!(found.provider.id, "anthropic", "{name}");
        assert_eq!(found.is_alias, name.ends_with("4-5"), "{name}");
    }
    assert_eq!(catalog.resolve("bedrock/global.anthropic.claude-haiku-5-5").unwrap().provider.id, "amazon-bedrock");
    assert_eq!(catalog.resolve("groq/openai/gpt-oss-120b").unwrap().provider.id, "groq");
    assert_eq!(catalog.resolve("ollama/qwen3:8b").unwrap().model.id, "qwen3-8b");
}

#[test]
fn reads_every_fact_of_a_row() {
    let model = Catalog::bundled().resolve("anthropic/claude-haiku-5-5").unwrap().model;
    assert_eq!(model.full_name(), "anthropic/claude-haiku-5-5");
    assert_eq!((model.context, model.max_input, model.max_output), (Some(1_000_000), Some(1_000_000), Some(128_000)));
    assert_eq!(model.prices.len(), 1);
    let period = &model.prices[0];
    assert_eq!((period.from, period.until, period.checked), (None, None, Day::parse("2026-11-22")));
    assert_eq!(period.source.as_deref(), Some("genai-prices@0.2.3"));
    let price = &period.price;
    assert_eq!(price.base.rates.input, Some(NanosPerMtok(100_000_000)));
    assert_eq!(price.fees.web_search_per_k, Some(UsdNanos(10_000_000_000)));
    assert_eq!(price.base.tiers.len(), 1);
    assert_eq!(price.base.tiers[0].rates.cache_write_1h, Some(NanosPerMtok(1_000_000_000)));
    let multipliers: Vec<_> = price.multipliers.iter().map(|(name, ratio)| (name.to_string(), *ratio)).collect();
    let ratio = |text: &str| Ratio::parse(text).unwrap();
    assert_eq!(multipliers, [("region=us".to_owned(), ratio("1.1")), ("processing=batch".to_owned(), ratio("0.5"))]);
    assert_eq!(model.caps.forced_tool_use, Some(true));
    assert_eq!(model.caps.sampling, Some(false));
    assert_eq!(model.caps.audio_in, None);
    let reasoning = model.reasoning.as_ref().unwrap();
    assert_eq!(reasoning.modes, [ThinkingMode::Adaptive]);
    assert_eq!(reasoning.efforts, [Effort::Low, Effort::Medium, Effort::High, Effort::XHigh, Effort::Max]);
    assert_eq!((reasoning.can_disable, reasoning.default_effort), (Some(true), Some(Effort::Medium)));
    assert_eq!(model.prompt_cache_min_tokens, Some(512));
    assert_eq!(model.tokenizer_family.as_deref(), Some("claude-4.7-on"));
    assert_eq!((model.disputed, model.dispute.len(), model.is_moving), (None, 0, false));
    assert!(!model.sources.is_empty());
}

#[test]
fn retired_models_resolve_and_name_their_successor() {
    let catalog = Catalog::bundled();
    for name in ["claude-3-7-sonnet-20250219", "claude-3-7-sonnet-20250219-thinking", "claude-3-7-sonnet-latest"] {
        let model = catalog.resolve(name).unwrap().model;
        assert_eq!(model.status, Status::Retired, "{name}");
        assert_eq!(model.retires_on.as_deref(), Some("2026-02-19"));
        assert_eq!(model.replaced_by.as_deref(), Some("anthropic/claude-sonnet-5-5"), "{name}");
        assert_eq!(catalog.replacement(model).unwrap().id, "claude-sonnet-5-5");
        assert!(!model.prices.is_empty(), "old logs can be priced");
    }
    for (old, new) in [
        ("claude-3-5-haiku-latest", "claude-haiku-5-5"),
        ("claude-3-opus-20240229", "claude-opus-5-5"),
        ("claude-sonnet-4-5", "claude-sonnet-5-5"),
        ("claude-instant-1.2", "claude-haiku-5-5"),
    ] {
        assert_eq!(catalog.replacement(catalog.resolve(old).unwrap().model).unwrap().id, new, "{old}");
    }
    assert_eq!(catalog.replacement(catalog.resolve("claude-opus-5-5").unwrap().model), None);
}

#[test]
fn refuses_a_name_that_none_or_two_have() {
    let catalog = Catalog::bundled();
    let error = catalog.resolve("openai/gpt-oss-120b").unwrap_err();
    assert_eq!(error.code, "ambiguous-model");
    assert_eq!(
        error.to_string(),
        "`openai/gpt-oss-120b` is a model of 13 providers (write `groq/openai/gpt-oss-120b` or \
         `together/openai/gpt-oss-120b` or `baseten/openai/gpt-oss-120b` or `deepinfra/openai/gpt-oss-120b` or \
         `huggingface/openai/gpt-oss-120b` or `hyperbolic/openai/gpt-oss-120b`, or one of 7 more)"
    );
    for (name, hint) in [
        ("anthropic/claude-haiku-5.5", "`claude-haiku-5-5`"),
        ("claude-haiku-55", "`claude-haiku-5-5`"),
        ("Claude-Opus-5-5", "`claude-opus-5-5`"),
        ("antropic/claude-opus-5-5", "`anthropic/claude-opus-5-5`"),
        ("ollama/never-heard-of-it", "state its `context` and `price` in the policy"),
    ] {
        let error = catalog.resolve(name).unwrap_err();
        assert_eq!(error.code, "unknown-model", "{name}");
        assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{name}: {error}");
    }
    for name in ["", "/", "anthropic/", "/claude-haiku-5-5", "anthropic", "zzzzzzzzzzzzzzz", "\u{0}", "anthropic//x"] {
        assert_eq!(catalog.resolve(name).unwrap_err().code, "unknown-model", "{name:?}");
    }
}

#[test]
fn finds_providers_and_how_to_call_them() {
    let catalog = Catalog::bundled();
    let anthropic = catalog.provider("anthropic").unwrap();
    assert_eq!((anthropic.auth, anthropic.dialect), (Auth::XApiKey, Dialect::AnthropicMessages));
    assert_eq!(anthropic.env, ["ANTHROPIC_API_KEY"]);
    let openai = catalog.provider("openai").unwrap();
    assert_eq!((openai.auth, openai.dialect), (Auth::Bearer, Dialect::OpenAiChat));
    assert_eq!(openai.max_tokens_field, "max_completion_tokens");
    assert_eq!(catalog.provider("azure").unwrap().auth, Auth::ApiKeyHeader);
    assert!(catalog.provider("azure").unwrap().has_placeholders());
    for local in ["ollama", "vllm", "lmstudio", "llamacpp", "llama.cpp"] {
        let provider = catalog.provider(local).unwrap();
        assert!(provider.is_local, "{local}");
        assert_eq!((provider.auth, provider.dialect), (Auth::None, Dialect::OpenAiChat), "{local}");
        assert!(provider.base_url.as_deref().unwrap().starts_with("http://127.0.0.1:"), "{local}");
    }
    let error = catalog.provider("antropic").unwrap_err();
    assert_eq!(error.to_string(), "provider `antropic` is not in the catalogue (did you mean `anthropic`?)");
    assert_eq!(
        catalog.split_name("ollama/llama9:1t").map(|(p, id)| (p.id.as_str(), id)),
        Some(("ollama", "llama9:1t"))
    );
    assert_eq!(catalog.split_name("nobody/llama"), None);
    assert_eq!(catalog.split_name("ollama/"), None);
}

pub(super) fn one_model(model: &str) -> Result<Catalog, CatalogError> {
    let models = format!("{{\"format\":1}}\n{model}\n");
    let provider = r#"{"id":"p","dialect":"openai-chat","auth":"bearer","max_tokens_field":"max_tokens"}"#;
    Catalog::parse(models.as_bytes(), provider.as_bytes())
}

#[test]
fn a_bad_row_is_named_with_its_field() {
    for (row, message) in [
        (r#"{"provider":"p","id":"m","price":{"in":1}}"#, "row `p/m`: unknown key `price`"),
        (r#"{"provider":"p","id":"m","context":-5}"#, "row `p/m`: `context` is not a whole number"),
        (r#"{"provider":"p","id":"m","contex":5}"#, "row `p/m`: unknown key `contex`"),
        (r#"{"provider":"p","id":"m","status":"gone"}"#, "row `p/m`: `status` is not active, deprecated or retired"),
        (
            r#"{"provider":"p","id":"m","retires_on":"soon"}"#,
            "row `p/m`: `retires_on` is not a date such as `2026-11-22`",
        ),
        (r#"{"provider":"p","id":"m","caps":{"fly":true}}"#, "row `p/m`: unknown key `fly`"),
        (r#"{"provider":"q","id":"m"}"#, "row `q/m`: its provider is not in the catalogue"),
        (r#"{"provider":"p"}"#, "row `p/?`: `id` is missing"),
        ("[1]", "row `?/?`: expected an object"),
    ] {
        let error = one_model(row).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), ("bad-row", message));
    }
    assert_eq!(one_model("{").unwrap_err().code, "bad-row");
    assert_eq!(one_model(r#"{"provider":"p","id":"m","aliases":["m"]}"#).unwrap_err().code, "duplicate-name");
    let twice = "{\"provider\":\"p\",\"id\":\"m\"}\n{\"provider\":\"p\",\"id\":\"n\",\"aliases\":[\"m\"]}";
    assert_eq!(one_model(twice).unwrap_err().message, "model `m` stands twice in the catalogue");
    assert_eq!(Catalog::parse(b"", b"").unwrap_err().message, "row `header`: `format` is not 1");
    let short = Catalog::parse(b"{\"format\":1,\"models\":2}", b"").unwrap_err();
    assert_eq!(short.message, "row `header`: `models` is not the number of rows that follow");
}

#[test]
fn successors_that_name_each_other_end() {
    let rows = concat!(
        r#"{"provider":"p","id":"a","status":"retired","replaced_by":"p/b"}"#,
        "\n",
        r#"{"provider":"p","id":"b","status":"retired","replaced_by":"p/a"}"#
    );
    let catalog = one_model(rows).unwrap();
    assert_eq!(catalog.replacement(catalog.resolve("a").unwrap().model), None);
    let active = rows.replace("retired", "active");
    assert_eq!(codes(&active), ["successor-cycle", "successor-cycle"]);
}

pub(super) fn codes(rows: &str) -> Vec<&'static str> {
    lint(&one_model(rows).unwrap()).into_iter().map(|finding| finding.code).collect()
}

#[test]
fn each_lint_fires_on_a_row_that_breaks_it() {
    for (row, code) in [
        (r#""context":1000,"max_input":1001"#, "input-above-window"),
        (r#""context":1000,"max_output":1001"#, "output-above-window"),
        (r#""context":1000,"max_output":0"#, "zero-limit"),
        (r#""replaced_by":"p/nobody""#, "successor-not-active"),
        (r#""replaced_by":"p/m""#, "successor-cycle"),
        (r#""alias_of":"p/nobody""#, "alias-of-nothing"),
        (r#""status":"retired""#, "retired-without-date"),
        (r#""release":"2026-01-01","retires_on":"2025-01-01""#, "retired-before-release"),
        (r#""caps":{"reasoning":false},"reasoning":{"modes":["adaptive"]}"#, "thinks-and-does-not"),
        (r#""reasoning":{"always_on":true,"can_disable":true}"#, "always-on-and-not"),
        (r#""reasoning":{"efforts":["high","low"]}"#, "efforts-order"),
        (r#""reasoning":{"efforts":["low"],"default_effort":"high"}"#, "default-effort"),
        (r#""reasoning":{"budget_min":2,"budget_max":1}"#, "budget-order"),
    ] {
        assert_eq!(codes(&format!(r#"{{"provider":"p","id":"m",{row}}}"#)), [code], "{row}");
    }
    assert_eq!(codes(r#"{"provider":"p","id":"m","context":5,"max_output":5,"prices":[{"in":1,"out":1}]}"#), [""; 0]);
}

#[test]
fn the_bundled_catalogue_is_clean() {
    let catalog = Catalog::bundled();
    assert!(catalog.models().len() > 200);
    assert_eq!(lint(catalog), []);
}

#[test]
fn lints_look_at_the_wide_part_too() {
    let wide = r#"{"models":[{"provider":"groq","id":"added","prices":[{"in":0,"out":3}]}]}"#;
    let catalog = Catalog::bundled().with_layer(Layer::Refreshed, wide.as_bytes()).unwrap();
    assert!(catalog.models().all(|model| model.id != "added"), "what a refresh adds stands behind");
    let found: Vec<(&str, String)> = lint(&catalog).into_iter().map(|finding| (finding.code, finding.model)).collect();
    assert_eq!(found, [("input-free-output-not", "groq/added".to_owned())]);
}

#[test]
fn odd_facts_of_the_sources_are_not_carried_over() {
    let price = |name: &str| {
        let model = Catalog::bundled().resolve(name).unwrap().model;
        model.period_on(None).ok().map(|period| period.price.base.rates)
    };
    for unknown in ["perplexity/sonar-medium-online", "perplexity/sonar-small-online", "ollama/gpt-oss:120b-cloud"] {
        assert_eq!(price(unknown), None, "{unknown}");
    }
    // The alias of Mistral Large 3, not the price of the first Mistral Large.
    let large = price("mistral/mistral-large-latest").unwrap();
    assert_eq!((large.input, large.output), (Some(NanosPerMtok(500_000_000)), Some(NanosPerMtok(1_500_000_000))));
    for (old, new) in [
        ("openai/gpt-4-turbo", "openai/gpt-6.1-sol"),
        ("openai/gpt-4.1-nano", "openai/gpt-6-luna"),
        ("openai/o3-mini", "openai/gpt-6.1-terra"),
        ("deepseek/deepseek-chat", "deepseek/deepseek-flash"),
        ("google/gemini-2.0-flash", "google/gemini-2.5-flash-lite"),
        ("xai/grok-code-fast-1", "xai/grok-build-0.1"),
    ] {
        let catalog = Catalog::bundled();
        let next = catalog.replacement(catalog.resolve(old).unwrap().model).map(Model::full_name);
        assert_eq!(next.as_deref(), Some(new), "{old}");
    }
}

#[test]
fn a_model_is_gone_from_its_last_day_on() {
    let sonnet = Catalog::bundled().resolve("claude-sonnet-4-5").unwrap().model;
    assert_eq!(sonnet.status, Status::Deprecated);
    assert!(!sonnet.is_retired_on("2026-11-29"));
    assert!(sonnet.is_retired_on("2026-11-30"));
    assert!(Catalog::bundled().resolve("claude-2.1").unwrap().model.is_retired_on("2020-01-01"), "retired is retired");
    assert!(!Catalog::bundled().resolve("claude-opus-5-5").unwrap().model.is_retired_on("9999-12-31"));
}

#[test]
fn a_dispute_keeps_what_each_source_says() {
    let flash = Catalog::bundled().resolve("google/gemini-flash-latest").unwrap().model;
    assert_eq!((flash.disputed, flash.is_moving), (Some(DisputeKind::Fresh), true));
    let input = flash.dispute.iter().find(|dispute| dispute.field == "in").unwrap();
    assert!(input.values.contains(&("pi-ai".to_owned(), "1.5".to_owned())), "{input:?}");
    let sonnet = Catalog::bundled().resolve("claude-sonnet-4-5").unwrap().model;
    let tiers = sonnet.dispute.iter().find(|dispute| dispute.field == "tiers").unwrap();
    assert!(tiers.values.contains(&("genai-prices".to_owned(), "[[200000,6]]".to_owned())), "{tiers:?}");
    assert_eq!(
        Catalog::bundled().resolve("claude-opus-5").unwrap().model.not_retired_before.as_deref(),
        Some("2027-07-24")
    );
    for bad in [r#"{"in":1}"#, "[]", r#"{"in":{"litellm":[1]}}"#] {
        let error = one_model(&format!(r#"{{"provider":"p","id":"m","dispute":{bad}}}"#)).unwrap_err();
        assert_eq!(error.message, "row `p/m`: `dispute` is not an object of objects of numbers or texts", "{bad}");
    }
}
