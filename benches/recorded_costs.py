"""What recorded usage costs: ours beside an independent calculation, and beside what providers themselves report.

    python benches/recorded_costs.py DATA_DIR

DATA_DIR is the folder with `tokens/`, `wire/` and `catalog/`; without it there is nothing to measure, and that is said.

The independent side shares nothing with the core: its own reading of usage for each API, its own choice of period and
tier, fractions instead of integers. Both sides take the newest period, since recordings carry no date. Exit status: 0,
1 when anything differs, 2 when DATA_DIR is absent.
"""

from __future__ import annotations

import base64
import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import turnout

Json = dict[str, Any]
Classes = dict[str, int]

CATALOGUE = Path(__file__).parent.parent / "rust/core/data/catalog/models.jsonl"
HOSTS = {
    "bedrock": "amazon-bedrock",
    "vertex": "google-vertex",
    "vercel-gateway": "vercel-ai-gateway",
    "cloudflare": "cloudflare-workers-ai",
    "googleapis.com": "google",
    "ollama.com": "ollama",
}
GATEWAYS = {"openrouter", "vercel-gateway"}
# Servers with a row of their own among the extractors, of those that speak OpenAI's dialects.
SPEAKERS = {"mistral", "deepseek", "xai", "groq", "openrouter", "perplexity", "together", "fireworks", "vercel-gateway"}
DIALECTS = {
    "anthropic_messages": "anthropic-messages",
    "bedrock_converse": "bedrock-converse",
    "gemini": "gemini",
    "cohere": "cohere",
    "openai_chat": "openai-chat",
    "openai_completions": "openai-chat",
    "openai_responses": "openai-responses",
}
TOLERANCE = Fraction(1, 100)


def rows_of(path: Path) -> Iterator[Json]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


# The independent side: usage.


def number(value: Json | None, *names: str) -> int:
    for name in names:
        found = (value or {}).get(name)
        if found is not None:
            return int(found)
    return 0


def modality(items: list[Json] | None, name: str) -> int:
    return sum(int(item["tokenCount"]) for item in items or [] if item.get("modality") == name)


def own_anthropic(usage: Json) -> Classes:
    """Compaction rounds are paid beside the figures at the top."""
    rounds = [item for item in usage.get("iterations") or [] if item.get("type") == "compaction"]
    parts = [own_anthropic_top(item) for item in rounds] + [own_anthropic_top(usage)]
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def own_anthropic_top(usage: Json) -> Classes:
    written = number(usage, "cache_creation_input_tokens")
    split = usage.get("cache_creation")
    hour, minutes = number(split, "ephemeral_1h_input_tokens"), number(split, "ephemeral_5m_input_tokens")
    searches = number(usage.get("server_tool_use"), "web_search_requests")
    thinking = number(usage.get("output_tokens_details"), "thinking_tokens")
    return {
        "in": number(usage, "input_tokens"),
        "cache_read": number(usage, "cache_read_input_tokens"),
        "cache_write_5m": minutes + max(0, written - hour - minutes),
        "cache_write_1h": hour,
        "out": number(usage, "output_tokens") - thinking,
        "reasoning": thinking,
        "searches": searches,
    }


def own_openai(usage: Json, provider: str) -> Classes:
    given, made = number(usage, "prompt_tokens", "input_tokens"), number(usage, "completion_tokens", "output_tokens")
    ins = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    outs = usage.get("completion_tokens_details") or usage.get("output_tokens_details") or {}
    read = number(ins, "cached_tokens") or number(
        usage, "prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens", "cache_read_input_tokens"
    )
    written = number(ins, "cache_write_tokens") or number(usage, "cache_creation_input_tokens")
    hour = number(usage.get("cache_creation"), "ephemeral_1h_input_tokens")
    audio, images = number(ins, "audio_tokens"), number(ins, "image_tokens")
    thought = number(outs, "reasoning_tokens") or number(usage, "reasoning_tokens")
    is_apart = provider == "vercel-gateway" or (thought and number(usage, "total_tokens") == given + made + thought)
    rest = given - read - written
    if provider != "mistral":
        audio = min(audio, rest)
        rest -= audio
    images = min(images, rest)
    spoken = number(outs, "audio_tokens")
    return {
        "in": rest - images,
        "image_in": images,
        "audio_in": audio,
        "cache_read": read,
        "cache_write_5m": written - hour,
        "cache_write_1h": hour,
        "out": made - spoken - (0 if is_apart else thought),
        "audio_out": spoken,
        "reasoning": thought,
        "searches": number(usage.get("server_side_tool_usage_details"), "web_search_calls")
        + number(usage, "num_search_queries"),
    }


def own_gemini(usage: Json) -> Classes:
    prompt, cached = number(usage, "promptTokenCount"), number(usage, "cachedContentTokenCount")
    parts, served = usage.get("promptTokensDetails"), usage.get("cacheTokensDetails")
    rest = prompt - cached
    audio = min(rest, max(0, modality(parts, "AUDIO") - modality(served, "AUDIO")))
    images = min(rest - audio, max(0, modality(parts, "IMAGE") - modality(served, "IMAGE")))
    spoken = modality(usage.get("candidatesTokensDetails"), "AUDIO")
    return {
        "in": rest - audio - images + number(usage, "toolUsePromptTokenCount"),
        "audio_in": audio,
        "image_in": images,
        "cache_read": cached,
        "out": number(usage, "candidatesTokenCount") - spoken,
        "audio_out": spoken,
        "reasoning": number(usage, "thoughtsTokenCount"),
    }


def own_bedrock(usage: Json) -> Classes:
    written = number(usage, "cacheWriteInputTokens")
    hour = sum(item["inputTokens"] for item in usage.get("cacheDetails") or [] if item["ttl"] == "1h")
    return {
        "in": number(usage, "inputTokens"),
        "cache_read": number(usage, "cacheReadInputTokens"),
        "cache_write_5m": written - hour,
        "cache_write_1h": hour,
        "out": number(usage, "outputTokens"),
    }


def own_cohere(usage: Json) -> Classes:
    billed = usage["billed_units"]
    return {"in": number(billed, "input_tokens"), "out": number(billed, "output_tokens")}


def own_classes(api: str, provider: str, usage: Json) -> Classes:
    if api == "anthropic_messages":
        return own_anthropic(usage)
    if api == "gemini":
        return own_gemini(usage)
    if api == "bedrock_converse" and "inputTokens" in usage:
        return own_bedrock(usage)
    return own_cohere(usage) if api == "cohere" else own_openai(usage, provider)


# The independent side: prices.


def exact(value: object) -> Fraction:
    """The decimal that the file says, not the float that it is read as."""
    return Fraction(str(value))


def newest(row: Json) -> Json | None:
    begun = [period for period in row.get("prices") or [] if (period.get("from") or "") <= period.get("checked", "9")]
    return max(begun, key=lambda period: period.get("from") or "", default=None)


def own_cost(price: Json, classes: Classes, factor: object = 1) -> Fraction | str:
    """US dollars, or the class that has no price."""
    prompt = sum(classes.get(name, 0) for name in CLASSES[:6])
    rates: Json = price
    for tier in sorted(price.get("tiers") or [], key=lambda tier: int(tier["above"])):
        reached = prompt >= tier["above"] if tier.get("inclusive") else prompt > tier["above"]
        rates = tier if reached else rates
    total = Fraction(0)
    for name in CLASSES:
        count = classes.get(name, 0)
        if count:
            rate = rates.get(name)
            if rate is None:
                rate = rates.get({"reasoning": "out", "image_in": "in"}.get(name, ""))
            if rate is None:
                return name
            total += count * exact(rate) / 1_000_000
    total *= exact(factor)
    if classes.get("searches"):
        if price.get("web_search_per_k") is None:
            return "searches"
        total += classes["searches"] * exact(price["web_search_per_k"]) / 1000
    fee = price.get("per_request") or 0
    return "request fee" if fee == "unknown" else total + exact(fee)


CLASSES = [
    "in",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "audio_in",
    "image_in",
    "out",
    "reasoning",
    "audio_out",
]


OURS = {
    "input_uncached": "in",
    "cache_read": "cache_read",
    "cache_write_5m": "cache_write_5m",
    "cache_write_1h": "cache_write_1h",
    "cache_write_other": "cache_write_5m",
    "output_text": "out",
    "reasoning": "reasoning",
    "audio_in": "audio_in",
    "audio_out": "audio_out",
    "image_in": "image_in",
    "web_searches": "searches",
}


def picos(usd: Fraction) -> int:
    """Half to even, as `round` of a fraction does."""
    return round(usd * 10**12)


class Prices:
    """The rows of the bundled catalogue by provider and name."""

    def __init__(self, data: Path) -> None:
        self.catalog = turnout.load_catalog(refreshed=False)
        lines = [json.loads(line) for line in CATALOGUE.read_text(encoding="utf-8").splitlines()[1:]]
        self.rows = {(row["provider"], name): row for row in lines for name in [row["id"], *row.get("aliases", [])]}
        # What the sources said at other times and elsewhere: only to explain a difference to a reported cost.
        self.others: dict[str, list[Json]] = defaultdict(list)
        self.sources: dict[tuple[str, str], Json] = {}
        for line in (data / "catalog/models.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            for price in [row.get("price"), row.get("off_peak"), *(row.get("price_history") or [])]:
                if price:
                    self.others[bare(row["id"])].append(renamed(price))
            if row.get("price"):
                price = renamed(row["price"]) | {"tiers": [renamed(tier) for tier in row.get("tiers") or []]}
                self.sources |= {(row["provider"], name): price for name in [row["id"], *(row.get("aliases") or [])]}

    def price(self, provider: str, model: str) -> Json | None:
        """The bundled row's newest period; else what the sources say."""
        row = self.row(provider, model)
        found = (row and newest(row)) or self.sources.get((HOSTS.get(provider, provider), model))
        if found is None and provider in GATEWAYS and "/" in model:
            # A gateway passes the maker's own price on.
            maker, name = model.split("/", 1)
            return self.price(maker, name)
        return found

    def row(self, provider: str, model: str) -> Json | None:
        """The row as the bundled file states it; of the packed part, as the catalogue shows it."""
        host = HOSTS.get(provider, provider)
        if (host, model) not in self.rows:
            try:
                found = self.catalog.resolve(f"{host}/{model}")
            except turnout.CatalogError:
                return None
            self.rows[host, model] = found.to_dict()
        return self.rows[host, model]


def renamed(price: Json) -> Json:
    words = {"cache_write": "cache_write_5m", "reasoning_out": "reasoning"}
    return {words.get(key, key): value for key, value in price.items()}


def bare(model: str) -> str:
    return model.rsplit("/", 1)[-1].split(":", 1)[0].lower().replace(".", "-")


# Ours.


def extractor(dialect: str, provider: str) -> str:
    return provider if dialect in {"openai-chat", "openai-responses"} and provider in SPEAKERS else dialect


PEAK = datetime(2026, 11, 23, 2, tzinfo=UTC)
"""A Monday at two, when nobody's hours are cheap: the independent calculation knows no hours."""


def our_cost(provider: str, model: str, usage: turnout.Usage) -> int | str:
    try:
        return turnout.cost(f"{HOSTS.get(provider, provider)}/{model}", usage, at=PEAK).usd_picos
    except (turnout.CatalogError, turnout.MoneyError) as error:
        return error.code


def ours_in_words(usage: turnout.Usage) -> Classes:
    classes = Counter[str]()
    for name, count in usage.to_dict().items():
        classes[OURS[name]] += count
    return classes


def near(one: Fraction, other: Fraction) -> bool:
    return abs(one - other) <= max(TOLERANCE * other, Fraction(1, 10**9))


def explain(prices: Prices, provider: str, model: str, classes: Classes, reported: Fraction, raw: Json) -> str:
    """In which class a reported cost belongs."""
    price = prices.price(provider, model)
    ours = own_cost(price, classes) if price else "model"
    if isinstance(ours, str):
        return f"no price for the {ours}"
    if near(ours, reported):
        return "within 1%"
    return by_its_parts(ours, reported, raw) or by_other_prices(prices, provider, model, classes, reported)


def by_its_parts(ours: Fraction, reported: Fraction, raw: Json) -> str | None:
    """What the provider's own split of its cost shows."""
    cost, details = raw.get("cost"), raw.get("cost_details") or {}
    if isinstance(cost, dict):
        # Perplexity rounds each part to 1e-5 USD.
        rest = reported - exact(cost.get("request_cost") or 0)
        if abs(ours - rest) <= max(TOLERANCE * rest, Fraction(1, 10**5)):
            return "request fee"
    if raw.get("is_byok"):
        return "own key"
    if reported == 0:
        return "free of charge"
    made = details.get("upstream_inference_completions_cost", details.get("upstream_inference_output_cost"))
    given = details.get("upstream_inference_prompt_cost", details.get("upstream_inference_input_cost"))
    if made is None or given is None:
        return None
    if near(exact(made) + exact(given), ours):
        return "a plugin's fee on top (the tokens agree)"
    is_whole = near(exact(made) + exact(given), reported)
    return "the host's price of the day (its own parts sum to it)" if is_whole else None


def by_other_prices(prices: Prices, provider: str, model: str, classes: Classes, reported: Fraction) -> str:
    for price in prices.others[bare(model)]:
        cost = own_cost(price, classes)
        if not isinstance(cost, str) and near(cost, reported):
            return "another period or host"
    for (host, name), price in prices.sources.items():
        if host == provider and own_cost(price, classes) == reported:
            return f"a name pointed elsewhere: exactly the price of {name}"
    return "unexplained"


# The figures.


class Tokens:
    """The check of `tokens/`: what was compared, what was left out and why."""

    def __init__(self, prices: Prices) -> None:
        self.prices = prices
        self.checked, self.skipped = Counter[str](), Counter[str]()
        self.agreement = Counter[tuple[str, str, str]]()
        self.wrong: list[str] = []
        self.odd: list[str] = []

    def take(self, row: Json) -> None:
        raw, api, provider, model = row.get("usage_raw"), row.get("api", ""), row["provider"], row["model"]
        if not raw or api not in DIALECTS:
            self.skipped["no usage recorded" if not raw else f"api {api}"] += 1
            return
        # Bodies of OpenAI's dialect come through Bedrock's interface as well.
        api = "openai_chat" if "prompt_tokens" in raw else api
        member = "usageMetadata" if api == "gemini" else "usage"
        report = turnout.read_usage(extractor(DIALECTS[api], provider), {member: raw})
        if report.usage is None or report.problem:
            self.skipped[f"usage of {provider}: {report.problem or 'none'} ({report.field})"] += 1
            return
        if report.reported_cost is not None:
            reported = Fraction(report.reported_cost.usd_picos, 10**12)
            why = explain(self.prices, provider, model, ours_in_words(report.usage), reported, raw)
            self.agreement["tokens", provider, why] += 1
            if why == "unexplained":
                self.odd.append(f"{provider}/{model}: {float(reported):.8f} for {raw}")
        self.compare(provider, model, own_classes(api, provider, raw), our_cost(provider, model, report.usage))

    def compare(self, provider: str, model: str, classes: Classes, ours: int | str) -> None:
        row = self.prices.row(provider, model)
        if row is None:
            self.skipped["model not in the catalogue"] += 1
            return
        period = newest(row)
        own = own_cost(period, classes, row.get("price_factor", 1)) if period else "model"
        if isinstance(own, str):
            self.skipped[f"no price for the {own}"] += 1
            expected: int | str = "unknown-price"
        else:
            self.checked[provider] += 1
            expected = picos(own)
        if ours != expected:
            self.wrong.append(f"{provider}/{model}: {ours} for {expected}: {classes}")

    def show(self) -> None:
        print(f"\n{self.checked.total()} recorded usages checked to the pico-dollar, {len(self.wrong)} differ")
        print("  " + ", ".join(f"{provider} {count}" for provider, count in self.checked.most_common()))
        show("differing", self.wrong)
        print("left out:")
        for reason, count in self.skipped.most_common():
            print(f"  {count:6} {reason}")
        show("unexplained costs", self.odd)


def check_tokens(data: Path, prices: Prices) -> tuple[int, Counter[tuple[str, str, str]]]:
    tokens = Tokens(prices)
    for path in sorted((data / "tokens").glob("*.jsonl.gz")):
        for row in rows_of(path):
            tokens.take(row)
    tokens.show()
    return len(tokens.wrong), tokens.agreement


def show(title: str, lines: list[str]) -> None:
    for line in lines[:12]:
        print(f"  {title}: {line[:400]}")


def frames(body: bytes) -> Iterator[bytes]:
    """The payloads of an AWS event stream."""
    while len(body) >= 16:
        size, head = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
        if size < 16:
            return
        payload, body = body[12 + head : size - 4], body[size:]
        inner = json.loads(payload).get("bytes") if payload.startswith(b'{"bytes"') else None
        yield base64.b64decode(inner) if inner else payload


def usage_in(body: bytes) -> Json:
    """The last usage object of a body or stream of OpenAI's dialects, for what it says beside the tokens."""
    at = body.rfind(b'"usage"')
    start = body.find(b"{", at)
    try:
        found = json.JSONDecoder().raw_decode(body[start:].decode("utf-8", "replace"))[0]
    except ValueError:
        return {}
    return found if at >= 0 and isinstance(found, dict) else {}


def wire_extractor(row: Json) -> str | None:
    dialect = row["dialect"]
    names = {"openai-completions": "openai-chat", "embeddings": "openai-chat"}
    names |= {name: name for name in ["anthropic-messages", "openai-chat", "openai-responses", "gemini", "cohere"]}
    names |= {name: name for name in ["gemini-interactions", "bedrock-converse", "bedrock-invoke", "ollama", "mistral"]}
    return extractor(names[dialect], row["provider"]) if dialect in names else None


def check_wire(data: Path, prices: Prices) -> Counter[tuple[str, str, str]]:
    odd: list[str] = []
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    read, agreement = 0, Counter[tuple[str, str, str]]()
    for path in sorted((data / "wire").glob("*.jsonl.gz")):
        for row in rows_of(path):
            read += 1
            raw = row["response_body"] or ""
            body = base64.b64decode(raw) if row["body_encoding"] == "base64" else raw.encode("utf-8", "surrogatepass")
            if row["body_encoding"] == "base64":
                body = b"\n".join(frames(body))
            name = wire_extractor(row)
            if name is None:
                seen[row["dialect"]]["no extractor"] += 1
                continue
            report = turnout.read_usage(name, body)
            kind = report.problem and f"{report.problem} `{report.field}`"
            if (row["status"] or 200) >= 300 or "error" in row["kinds"]:
                kind = "error answer" if report.usage is None else "error answer with usage"
            seen[f"{row['dialect']} {row['provider']}"][kind or ("read" if report.usage else "says nothing")] += 1
            if report.reported_cost is None or report.usage is None or report.problem:
                continue
            classes = ours_in_words(report.usage)
            reported = Fraction(report.reported_cost.usd_picos, 10**12)
            why = explain(prices, row["provider"], row.get("model") or "", classes, reported, usage_in(body))
            agreement["wire", row["provider"], why] += 1
            if why == "unexplained":
                odd.append(f"{row['id']} {row['provider']}/{row['model']}: {float(reported):.8f} for {classes}")
    print(f"\n{read} answers of wire/ read, none failed; what was found:")
    for source, kinds in sorted(seen.items()):
        print(f"  {source}: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    show("unexplained costs", odd)
    return agreement


def main() -> int:
    data = Path(sys.argv[1]) if len(sys.argv) == 2 else None
    if data is None or not (data / "tokens").is_dir() or not (data / "catalog/models.jsonl").is_file():
        print(f"no recordings: `{data}` has no `tokens/`; usage: recorded_costs.py DATA_DIR", file=sys.stderr)
        return 2
    prices = Prices(data)
    print("prices: the newest period of each row; recordings carry no date")
    wrong, agreement = check_tokens(data, prices)
    agreement += check_wire(data, prices)
    print("\ncosts that providers report, beside ours:")
    for (folder, provider, verdict), count in sorted(agreement.items()):
        print(f"  {folder:6} {provider:16} {count:5} {verdict}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
