"""Distil the gathered catalogue into the files that the core embeds.

Usage: python scripts/build_catalog.py DATA_DIR OUT [--wide WIDE]

DATA_DIR holds `models.jsonl`, `models-core.jsonl` and `providers.jsonl`; OUT receives `models.jsonl`, `providers.jsonl`
and `NOTICE.md`, and WIDE, a file, every other gathered model in the same form. The same input gives the same bytes.
Numbers pass through as decimal text, never as floats. Every correction to the gathered rows stands here, in
`catalog_prices.py` or in `catalog_successors.py` with its reason.
"""

from __future__ import annotations

import argparse
import re
from fractions import Fraction
from pathlib import Path

from catalog_json import (
    AS_OF,
    Json,
    Row,
    count,
    encode,
    full_name,
    items,
    number,
    read_rows,
    table,
    write_rows,
)
from catalog_prices import RATES, periods, reachable, scaled
from catalog_successors import replaced_by

FORMAT = 1

# Names that people use for a retired model but that no price source lists. The seed article routes to Claude 3.7 Sonnet
# "thinking", which is the same model with a parameter.
EXTRA_ALIASES = {
    "anthropic/claude-3-7-sonnet-20250219": [
        "claude-3-7-sonnet",
        "claude-3-7-sonnet-20250219-thinking",
        "claude-3-7-sonnet-thinking",
    ],
}

# "Not sooner than" of Anthropic's table of retirements, for models that are active.
NOT_RETIRED_BEFORE = {
    "anthropic/claude-fable-5": "2027-06-09",
    "anthropic/claude-opus-5": "2027-07-24",
    "anthropic/claude-opus-4-8": "2027-05-28",
    "anthropic/claude-opus-4-7": "2027-04-16",
    "anthropic/claude-opus-4-6": "2027-02-05",
    "anthropic/claude-opus-4-5-20251101": "2026-11-24",
    "anthropic/claude-sonnet-5": "2027-06-30",
    "anthropic/claude-sonnet-4-6": "2027-02-17",
    "anthropic/claude-haiku-4-5-20251001": "2026-10-15",
}

# Names that a provider points at one model after another: the sources resolved them on different days, and differ.
MOVING = re.compile(r"(^|[-/])latest($|-)|^~")

# Models run on the user's own machine, as their server names them. Window and tokenizer are facts of the weights, taken
# from a host that serves the same weights unmodified. No price: a policy says `price: free` (or what its power costs).
LOCAL_MODELS: tuple[tuple[str, list[str], str, str, list[str], bool], ...] = (
    ("qwen3-8b", ["qwen3:8b"], "Qwen3 8B", "huggingface/Qwen/Qwen3-8B", ["text"], True),
    ("llama3.1:8b", ["llama3.1"], "Llama 3.1 8B", "groq/llama-3.1-8b-instant", ["text"], True),
    ("llama3.2:3b", ["llama3.2"], "Llama 3.2 3B", "deepinfra/meta-llama/Llama-3.2-3B-Instruct", ["text"], True),
    ("gemma3:12b", [], "Gemma 3 12B", "deepinfra/google/gemma-3-12b-it", ["text", "image"], False),
    ("gpt-oss:20b", [], "gpt-oss 20B", "groq/openai/gpt-oss-20b", ["text"], True),
)

CAPS = (
    "tools",
    "parallel_tools",
    "forced_tool_use",
    "strict_tools",
    "structured",
    "vision",
    "pdf",
    "audio_in",
    "prompt_cache",
    "prefill",
    "sampling",
    "system",
    "reasoning",
    "computer_use",
)
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

# Providers that are reached over another of their endpoints than the one the data names first, because this version
# speaks OpenAI Chat Completions and Anthropic Messages upstream.
ENDPOINTS: dict[str, Row] = {
    "openai": {"dialect": "openai-chat", "max_tokens_field": "max_completion_tokens", "stream_usage": "on_request"},
    "xai": {"dialect": "openai-chat", "max_tokens_field": "max_tokens", "stream_usage": "on_request"},
    "azure": {"dialect": "openai-chat", "max_tokens_field": "max_completion_tokens", "stream_usage": "on_request"},
    "google": {
        "base_url": "https://generativelanguage.googleapis.com/v1beta/openai",
        "dialect": "openai-chat",
        "auth": "bearer",
        "env": ["GOOGLE_API_KEY", "GEMINI_API_KEY"],
        "max_tokens_field": "max_tokens",
        "stream_usage": "on_request",
        "notes": "Called over its OpenAI-compatible endpoint. GOOGLE_API_KEY wins when both are set.",
    },
    "cohere": {
        "base_url": "https://api.cohere.ai/compatibility/v1",
        "dialect": "openai-chat",
        "max_tokens_field": "max_tokens",
        "stream_usage": "on_request",
        "notes": "Called over its OpenAI-compatible endpoint.",
    },
    "ollama": {
        "base_url": "http://127.0.0.1:11434/v1",
        "dialect": "openai-chat",
        "max_tokens_field": "max_tokens",
        "stream_usage": "on_request",
        "notes": "The server cuts prompts beyond its num_ctx without saying so: start it with a window as large as the"
        " policy assumes.",
    },
    "meta": {"max_tokens_field": "max_output_tokens"},
}
# How each provider takes a thinking setting over the endpoint that this version calls: the form (the words of
# `thinking_format.rs`), and the efforts that it documents whatever the model (models whose row lists none get one of
# these). From the `reasoning` notes of the gathered providers; a provider that is not here documents none, or none that
# holds for its models. xAI documents the field, but not the words of its newer models, which refuse unknown ones. Google
# takes efforts for Gemini 3 and later and budgets for 2.5. Ollama's OpenAI endpoint takes `none` to switch off.
THINKING: dict[str, tuple[str, tuple[str, ...]]] = {
    "alibaba": ("enable_thinking", ()),
    "anthropic": ("anthropic", ()),
    "azure": ("reasoning_effort", ()),
    "baseten": ("chat_template_args", ()),
    "cerebras": ("disable_reasoning", ()),
    "cloudflare-workers-ai": ("chat_template_kwargs", ()),
    "cohere": ("token_budget", ()),
    "databricks": ("reasoning_effort", ()),
    "deepinfra": ("reasoning_enabled", ()),
    "deepseek": ("thinking_type", ("high", "max")),
    "digitalocean": ("reasoning_effort", EFFORTS),
    "fireworks": ("reasoning_effort", ("none", "low", "medium", "high")),
    "friendli": ("chat_template_kwargs", ()),
    "google": ("google_thinking_config", ("low", "medium", "high")),
    "groq": ("reasoning_effort", ("low", "medium", "high")),
    "huggingface": ("reasoning_effort", ()),
    "inception": ("reasoning_effort", ("low", "medium", "high")),
    "llamacpp": ("chat_template_kwargs", ()),
    "minimax": ("anthropic", ()),
    "mistral": ("reasoning_effort", ()),
    "moonshotai": ("thinking_type", ()),
    "nebius": ("reasoning_effort", ("low", "medium", "high")),
    "novita": ("enable_thinking", ()),
    "nvidia": ("chat_template_kwargs", ()),
    "ollama": ("reasoning_effort", ("none", "low", "medium", "high")),
    "openai": ("reasoning_effort", ()),
    "openrouter": ("reasoning", ("minimal", "low", "medium", "high")),
    "ovhcloud": ("reasoning_effort", ()),
    "perplexity": ("reasoning_effort", ("minimal", "low", "medium", "high")),
    "scaleway": ("reasoning_effort", ()),
    "siliconflow": ("enable_thinking", ()),
    "stepfun": ("reasoning_effort", ("low", "medium", "high")),
    "together": ("reasoning_enabled", ()),
    "upstage": ("reasoning_effort", ("low", "medium", "high")),
    "vercel-ai-gateway": ("reasoning", ("low", "medium", "high")),
    "vllm": ("chat_template_kwargs", ()),
    "volcengine": ("thinking_type", ()),
    "wandb": ("chat_template_kwargs", ()),
    "xai": ("reasoning_effort", ()),
    "xiaomi": ("thinking_type", ()),
    "zai": ("thinking_type", ()),
}

# Providers that refuse or mislead a model whose calls of tools come back without its reasoning.
ECHOES_REASONING = {"deepseek", "moonshotai", "xiaomi", "zai"}

# Models whose thinking is set in another form than their provider's, and facts about it that no source lists. Qwen on
# Groq takes `default` and `none`; Magistral always thinks, and its older versions wait for the prompt mode; gpt-oss always
# thinks, its server's template has no switch.
MODEL_THINKING: dict[str, Row] = {
    "groq/qwen/qwen3.8-27b": {"format": "effort_default"},
    "mistral/magistral-medium-latest": {"always_on": True, "format": "prompt_mode"},
    "ollama/gpt-oss:20b": {"efforts": ["low", "medium", "high"], "can_disable": False},
    "ollama/qwen3-8b": {"efforts": ["none", "low", "medium", "high"]},
}

# What the servers of OpenAI's dialect take differently, in the words of `quirks.rs`; whoever is not here takes what the
# dialect has had from the beginning. Groq: https://console.groq.com/docs/openai (an error for each of these). Cerebras: its
# page on OpenAI compatibility, as of 2025. Mistral answers 422 (`extra_forbidden`) to members that it does not have, and
# calls the seed otherwise. Fireworks by its own default shortens the answer of a prompt that is too long instead of failing.
QUIRKS: dict[str, Row] = {
    "azure": {"store": True, "developer_role": True},
    "cerebras": {"refuses": ["frequency_penalty", "logit_bias", "presence_penalty"]},
    "fireworks": {"extra_body": {"context_length_exceeded_behavior": "error"}},
    "groq": {"refuses": ["logit_bias", "logprobs", "top_logprobs"]},
    "mistral": {"refuses": ["logit_bias", "logprobs", "top_logprobs", "user"], "renames": {"seed": "random_seed"}},
    "openai": {"store": True, "developer_role": True},
}

PROVIDER_ALIASES = {
    "amazon-bedrock": ["bedrock"],
    "google": ["gemini"],
    "google-vertex": ["vertex"],
    "llamacpp": ["llama.cpp"],
    "lmstudio": ["lm-studio"],
}
# Variables that are settings, not keys. ANTHROPIC_AUTH_TOKEN is a bearer token, so it must not go into `x-api-key`.
SETTINGS = {
    "AZURE_RESOURCE_NAME",
    "AWS_REGION",
    "CLOUDFLARE_ACCOUNT_ID",
    "DATABRICKS_HOST",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
    "OLLAMA_HOST",
}
NOT_KEYS = {"ANTHROPIC_AUTH_TOKEN", "(user supplied)"}


def limits(row: Row) -> tuple[int | None, int | None, int | None]:
    """Window, longest input and longest output, made to agree.

    Sources round windows differently and some copy the window into the output limit. When at least two sources (the
    longest input is litellm's word) name a window at least as large as the longest input, that window holds; else input
    and output are cut to the smaller window, because a request that does not fit fails and one that is kept out does
    not. An output limit as large as the window gives way to a smaller one that another source names.
    """
    context, max_input, max_output = (count(row.get(key)) for key in ("context", "max_input", "max_output"))
    disagreement = table(row, "limit_disagreement")
    if context is not None and max_input is not None and max_input > context:
        votes = [count(value) for value in table(disagreement, "context").values()]
        if sum(1 for vote in votes if vote is not None and vote >= max_input) >= 1:
            context = max_input
    if context is None:
        return context, max_input, max_output
    if max_output is not None and max_output >= context:
        others = [count(value) for value in table(disagreement, "max_output").values()]
        smaller = [other for other in others if other is not None and other < context]
        max_output = max(smaller) if smaller else context
    if max_input is not None:
        max_input = min(max_input, context)
    return context, max_input, max_output


def day(row: Row, key: str) -> str | None:
    """A date, when the source knows the day and not the month alone."""
    text = str(row.get(key))
    return text if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None


def dispute(row: Row) -> Row:
    """What each source says, by field, for the fields on which they differ; tiers as text."""
    out: Row = {}
    for field, said in table(row, "dispute").items():
        if isinstance(said, dict):
            values: Row = {
                source: encode(value) if isinstance(value, list) else value
                for source, value in said.items()
                if value is not None
            }
            out[RATES.get(field, field)] = values
    return out


def reasoning(row: Row) -> Row | None:
    """How the model's thinking is controlled; efforts in ascending order."""
    source = table(row, "reasoning") | MODEL_THINKING.get(full_name(row), {})
    if not source:
        return None
    out: Row = {}
    if modes := items(source, "modes"):
        out["modes"] = modes
    # `efforts_also` is a source's "and these too": without the list that it adds to, the efforts stay unknown.
    listed = items(source, "efforts")
    named = {str(effort) for effort in listed + items(source, "efforts_also")} if listed else set()
    # Groq's word for "think as you are made to", which is no level.
    named.discard("default")
    if unknown := named - set(EFFORTS):
        raise SystemExit(f"{full_name(row)}: unknown effort {sorted(unknown)}")
    if named:
        out["efforts"] = [effort for effort in EFFORTS if effort in named]
    for key in ("always_on", "can_disable", "default_effort", "budget_min", "budget_max", "format"):
        # A budget of -1 is a source's word for "as long as it likes": no bound.
        if source.get(key) is not None and source[key] != -1:
            out[key] = source[key]
    return out or None


def model_row(row: Row) -> Row:
    """One distilled model."""
    name = full_name(row)
    context, max_input, max_output = limits(row)
    is_preview = row["status"] == "preview"
    modalities = table(row, "modalities")
    caps = table(row, "caps")
    if unknown := set(caps) - set(CAPS):
        raise SystemExit(f"{name}: unknown ability {sorted(unknown)}")
    regional = table(row, "regional_price_in")
    out: Row = {
        "provider": row["provider"],
        "id": row["id"],
        # An alias whose region has another price is no alias: see `regional_rows`.
        "aliases": [*(alias for alias in items(row, "aliases") if alias not in regional), *EXTRA_ALIASES.get(name, [])],
        "moving": MOVING.search(str(row["id"])) is not None or None,
        "name": row.get("name"),
        "lab": row.get("lab"),
        # A preview is sold like any other model; that it may change or end early is said of who may rely on it.
        "status": "active" if is_preview else row["status"],
        "access": row.get("access") or ("preview" if is_preview else None),
        "release": day(row, "release"),
        "retires_on": day(row, "retirement"),
        "not_retired_before": NOT_RETIRED_BEFORE.get(name),
        "replaced_by": replaced_by(row),
        "context": context,
        "max_input": max_input,
        "max_output": max_output,
        "prices": reachable(periods(row), context),
        "input": items(modalities, "in"),
        "output": items(modalities, "out"),
        "caps": {cap: caps[cap] for cap in CAPS if cap in caps},
        "reasoning": reasoning(row),
        "prompt_cache_min_tokens": count(row.get("prompt_cache_min_tokens")),
        "tokenizer": row.get("tokenizer_family"),
        "dialect": row.get("dialect"),
        "disputed": row.get("dispute_kind"),
        "dispute": dispute(row),
        "sources": row["sources"],
    }
    return {key: value for key, value in out.items() if value not in (None, [], {})}


def regional_rows(row: Row, distilled: Row) -> list[Row]:
    """Rows of their own for the regions of a model whose price differs from the row's.

    Bedrock sells one model under regional and global ids; the gathered row carries one price vector and, for the other
    ids, the input price alone. The mark-up is the same for every class, so the vector of such an id is the row's vector
    times the ratio of the input prices, when that is exact. An id for which it is not stays unknown: no price is better
    than a wrong one.
    """
    out = []
    for alias, price in table(row, "regional_price_in").items():
        base, regional = number(table(row, "price").get("in")), number(price)
        if not base or not regional:
            continue
        try:
            prices = scaled(items(distilled, "prices"), Fraction(regional) / Fraction(base))
        except ValueError:
            continue
        out.append(
            {key: value for key, value in distilled.items() if key not in ("aliases", "dispute")}
            | {"id": alias, "prices": prices}
        )
    return out


def local_rows(wide: dict[str, Row]) -> list[Row]:
    """Rows for models on the user's own machine."""
    out: list[Row] = []
    for identity, aliases, name, same_weights, modalities, has_tools in LOCAL_MODELS:
        source = wide[same_weights]
        context = count(source.get("context"))
        thinks = f"ollama/{identity}" in MODEL_THINKING
        row: Row = {
            "provider": "ollama",
            "id": identity,
            "aliases": list(aliases),
            "name": name,
            "lab": source.get("lab"),
            "status": "active",
            "context": context,
            # A local server stops at the window and nowhere earlier.
            "max_output": context,
            "input": list(modalities),
            "output": ["text"],
            "caps": {"tools": has_tools, "vision": "image" in modalities, "reasoning": thinks},
            "reasoning": MODEL_THINKING.get(f"ollama/{identity}"),
            "tokenizer": source.get("tokenizer_family"),
            "dialect": "openai-chat",
            "sources": source["sources"],
        }
        out.append({key: value for key, value in row.items() if value not in (None, [])})
    return out


def provider_row(row: Row) -> Row:
    """One distilled provider."""
    identity = str(row["id"])
    auth_text = str(row["auth"]).lower()
    if row.get("local"):
        auth = "none"
    elif auth_text.startswith("x-api-key"):
        auth = "x-api-key"
    elif auth_text.startswith("api-key"):
        auth = "api-key"
    elif auth_text.startswith("aws"):
        auth = "sigv4"
    elif "bearer" in auth_text or auth_text.startswith("x-goog"):
        auth = "bearer"
    else:
        raise SystemExit(f"{identity}: unknown auth {row['auth']}")
    names = [str(name) for name in items(row, "env")]
    field = str(row["max_tokens_field"])
    stream = str(row["stream_usage"])
    base_url = str(row["base_url"])
    out: Row = {
        "id": identity,
        "aliases": list(PROVIDER_ALIASES.get(identity, [])),
        "base_url": None if base_url.startswith("(") else base_url,
        "dialect": row["dialect"],
        "auth": auth,
        "env": [name for name in names if name not in SETTINGS | NOT_KEYS],
        "settings_env": [name for name in names if name in SETTINGS],
        "max_tokens_field": "max_tokens" if field.startswith("max_tokens") else field,
        # Asking for usage in the stream is the safe side wherever the data does not say that it comes unasked.
        "stream_usage": "always" if stream.startswith(("always", "last chunk", "every chunk")) else "on_request",
        **QUIRKS.get(identity, {}),
        "thinking_format": THINKING[identity][0] if identity in THINKING else None,
        "thinking_efforts": list(THINKING[identity][1]) if identity in THINKING else None,
        "echoes_reasoning": True if identity in ECHOES_REASONING else None,
        "local": row.get("local"),
        "notes": row.get("notes"),
    }
    out |= ENDPOINTS.get(identity, {})
    return {key: value for key, value in out.items() if value not in (None, [])}


def notice(sources: list[str], models: int, providers: int) -> str:
    """The credits that ship with the data."""
    listed = "\n".join(f"- {source}" for source in sources)
    return f"""# Catalogue: where the facts come from

As of {AS_OF}: {models} models, {providers} providers. Written by `scripts/build_catalog.py`: do not
edit the files by hand.

Prices, windows, abilities and dates are facts merged from these public sources (name@version or date). They are under the
MIT licence, but for anthropic-sdk-python, which is under Apache-2.0 from its version 2.0 on:

{listed}

One date, the cut of Claude Sonnet 5.5's cache read price, is from a release note of TheKrush/PromptFuel 1.0.23. The request
fees of Perplexity's Sonar models are those of answers recorded in the tests of crmne/ruby_llm and 0xPlaygrounds/rig (MIT).

Each row names the sources that it was seen in. A row marked `disputed` is one on which they differ. An absent price is
unknown, which is not free. The corrections made to the gathered rows stand in `scripts/build_catalog.py`,
`scripts/catalog_prices.py` and `scripts/catalog_successors.py`, each with its reason.
"""


def wide_rows(gathered: list[Row], curated: list[Row]) -> list[Row]:
    """Every gathered model that is not among the curated ones, as compact as its facts allow.

    A name stands once: an alias gives way to a row of its own, and an id that is a curated model's alias is that model.
    """
    taken = {f"{row['provider']}/{name}" for row in curated for name in [row["id"], *items(row, "aliases")]}
    out: list[Row] = []
    for row in gathered:
        if full_name(row) in taken:
            continue
        distilled = model_row(row)
        # Who says what of which field is shown for curated models alone.
        distilled.pop("dispute", None)
        out += [distilled, *regional_rows(row, distilled)]
    own = {full_name(row) for row in out} | taken
    named: set[str] = set()
    kept: list[Row] = []
    for row in out:
        if full_name(row) in named | taken:
            continue
        named.add(full_name(row))
        aliases: list[Json] = []
        for alias in items(row, "aliases"):
            name = f"{row['provider']}/{alias}"
            if name not in own | named:
                aliases.append(alias)
                named.add(name)
        kept.append({key: value for key, value in (row | {"aliases": aliases}).items() if value != []})
    return kept


def main() -> None:
    """Reads the gathered catalogue and writes the distilled files."""
    parser = argparse.ArgumentParser(description="Distil the gathered catalogue.")
    parser.add_argument("data_dir", type=Path, metavar="DATA_DIR")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--wide", type=Path, metavar="WIDE")
    arguments = parser.parse_args()
    gathered = read_rows(arguments.data_dir / "models.jsonl")
    wide = {full_name(row): row for row in gathered}
    chosen = {name: wide[name] for name in map(full_name, read_rows(arguments.data_dir / "models-core.jsonl"))}
    chosen |= {name: row for name, row in wide.items() if row["provider"] == "anthropic" and name not in chosen}
    models: list[Row] = []
    for row in chosen.values():
        distilled = model_row(row)
        models += [distilled, *regional_rows(row, distilled)]
    models += local_rows(wide)
    models.sort(key=lambda row: (str(row["provider"]), str(row["id"])))
    providers = [provider_row(row) for row in read_rows(arguments.data_dir / "providers.jsonl")]
    providers.sort(key=lambda row: str(row["id"]))
    sources = sorted({str(source) for row in models for source in items(row, "sources")})
    header: Row = {"format": FORMAT, "as_of": AS_OF, "models": len(models), "providers": len(providers)}
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_rows(arguments.out / "models.jsonl", [header, *models])
    write_rows(arguments.out / "providers.jsonl", providers)
    text = notice(sources, len(models), len(providers))
    (arguments.out / "NOTICE.md").write_text(text, encoding="utf-8", newline="\n")
    if arguments.wide:
        others = wide_rows(gathered, models)
        others.sort(key=lambda row: (str(row["provider"]), str(row["id"])))
        write_rows(arguments.wide, [{"format": FORMAT, "as_of": AS_OF, "models": len(others)}, *others])


if __name__ == "__main__":
    main()
