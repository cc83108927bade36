"""The compiled core. Everything here is frozen, shareable between threads, and free of I/O."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias, final

__all__ = [
    "Answer",
    "Attempt",
    "Body",
    "Budget",
    "BudgetAlert",
    "Candidate",
    "Catalog",
    "CatalogDiff",
    "CatalogFinding",
    "Claim",
    "Classification",
    "Closed",
    "Decision",
    "Denied",
    "Engine",
    "ExpectedCost",
    "Failure",
    "Hold",
    "Model",
    "Money",
    "Plan",
    "Policy",
    "QualityArtefact",
    "Reservations",
    "Settlement",
    "State",
    "Step",
    "StreamEnd",
    "StreamEvent",
    "StreamReader",
    "StreamTranslator",
    "TestFailure",
    "ThinkingFields",
    "TokenCount",
    "ToolCall",
    "Usage",
    "UsageReport",
    "__version__",
    "classify",
    "classify_response",
    "codes",
    "compile_policy",
    "cost",
    "cost_at_price",
    "count_tokens",
    "facts",
    "fit_quality",
    "outcomes",
    "parse_answer",
    "policy_schema",
    "read_usage",
    "render_answer",
    "render_error",
    "thinking_fields",
    "tokenizer_family",
]
__version__: str

_Scalar: TypeAlias = str | int | float | bool | None

class _HasRecord(Protocol):
    @property
    def record_json(self) -> str: ...

_RequestLike: TypeAlias = str | bytes | Mapping[str, object]

@final
class Money:
    """An exact amount in US dollars, kept in pico-dollars."""
    def __new__(cls, usd: str) -> Money: ...
    @property
    def usd(self) -> Decimal: ...
    @property
    def usd_picos(self) -> int: ...
    def __add__(self, value: Money, /) -> Money: ...
    def __radd__(self, value: Money, /) -> Money: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __ge__(self, other: Money, /) -> bool: ...
    def __gt__(self, other: Money, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __le__(self, other: Money, /) -> bool: ...
    def __lt__(self, other: Money, /) -> bool: ...

@final
class ExpectedCost:
    """What a call is expected to cost: the median, and what nine of ten do not exceed."""
    @property
    def p50(self) -> Money: ...
    @property
    def p90(self) -> Money: ...

@final
class Usage:
    """Tokens of a call in classes that never overlap."""
    def __new__(
        cls,
        *,
        input_uncached: int = 0,
        cache_read: int = 0,
        cache_write_5m: int = 0,
        cache_write_1h: int = 0,
        cache_write_other: int = 0,
        output_text: int = 0,
        reasoning: int = 0,
        audio_in: int = 0,
        audio_out: int = 0,
        image_in: int = 0,
        web_searches: int = 0,
    ) -> Usage: ...
    @property
    def input_uncached(self) -> int: ...
    @property
    def cache_read(self) -> int: ...
    @property
    def cache_write_5m(self) -> int: ...
    @property
    def cache_write_1h(self) -> int: ...
    @property
    def cache_write_other(self) -> int: ...
    @property
    def output_text(self) -> int: ...
    @property
    def reasoning(self) -> int: ...
    @property
    def audio_in(self) -> int: ...
    @property
    def audio_out(self) -> int: ...
    @property
    def image_in(self) -> int: ...
    @property
    def web_searches(self) -> int: ...
    @property
    def input_total(self) -> int: ...
    @property
    def output_total(self) -> int: ...
    @property
    def reported_cost(self) -> Money | None: ...
    def to_dict(self) -> dict[str, int]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...

@final
class TokenCount:
    """A count of tokens with its bounds: `low <= tokens <= high`."""
    @property
    def tokens(self) -> int: ...
    @property
    def low(self) -> int: ...
    @property
    def high(self) -> int: ...
    @property
    def method(self) -> Literal["exact", "estimated", "unknown"]: ...

@final
class Classification:
    """What an ask is: task, natural language, difficulty; none where the classifier abstains."""
    @property
    def task(self) -> str | None: ...
    @property
    def task_score(self) -> float: ...
    @property
    def language(self) -> str | None: ...
    @property
    def language_score(self) -> float: ...
    @property
    def difficulty(self) -> float: ...
    @property
    def has_code(self) -> bool: ...
    @property
    def scores(self) -> dict[str, int]: ...

@final
class Model:
    """A model as its provider sells it. What is not known is None."""
    @property
    def provider(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def full_name(self) -> str: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def name(self) -> str | None: ...
    @property
    def lab(self) -> str | None: ...
    @property
    def status(self) -> Literal["active", "deprecated", "retired"]: ...
    @property
    def release(self) -> str | None: ...
    @property
    def retires_on(self) -> str | None: ...
    @property
    def replaced_by(self) -> str | None: ...
    @property
    def context(self) -> int | None: ...
    @property
    def max_input(self) -> int | None: ...
    @property
    def max_output(self) -> int | None: ...
    @property
    def inputs(self) -> tuple[str, ...]: ...
    @property
    def outputs(self) -> tuple[str, ...]: ...
    @property
    def disputed(self) -> Literal["fresh", "stale"] | None: ...
    @property
    def tokenizer(self) -> str | None: ...
    @property
    def sources(self) -> tuple[str, ...]: ...
    @property
    def layer(self) -> Literal["bundled", "wide", "refreshed", "override"]: ...
    def cost(
        self,
        usage: Usage,
        at_ms: int | None = None,
        batch: bool = False,
        service_tier: str | None = None,
        speed: str | None = None,
        region: str | None = None,
    ) -> Money: ...
    def to_json(self) -> str: ...
    def to_dict(self) -> dict[str, object]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...

@final
class CatalogFinding:
    """Something that a row says and that cannot be so."""
    @property
    def code(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def message(self) -> str: ...

@final
class CatalogDiff:
    """What differs between two catalogues, and what of it is alarming."""
    @property
    def added(self) -> tuple[str, ...]: ...
    @property
    def removed(self) -> tuple[str, ...]: ...
    @property
    def changed(self) -> tuple[tuple[str, str, str | None, str | None], ...]: ...
    @property
    def alarms(self) -> tuple[tuple[str, str | None, str], ...]: ...
    def __bool__(self, /) -> bool: ...

_LayerProblem: TypeAlias = tuple[str, int | None, list[str], str, str, str | None]

@final
class Catalog:
    """Models, providers and prices. Immutable; shared by threads."""
    @staticmethod
    def bundled() -> Catalog: ...
    @property
    def as_of(self) -> str: ...
    @property
    def hash(self) -> str: ...
    @property
    def providers(self) -> tuple[str, ...]: ...
    def resolve(self, name: str) -> Model: ...
    def note(self, name: str, today: str | None = None) -> str | None: ...
    def models(
        self,
        text: str = "",
        *,
        provider: str | None = None,
        lab: str | None = None,
        can: Sequence[str] | None = None,
        min_context: int | None = None,
        max_in: str | None = None,
        max_out: str | None = None,
        status: str | None = None,
        wide: bool = False,
        today: str | None = None,
    ) -> list[Model]: ...
    def lint(self) -> list[CatalogFinding]: ...
    def notices(self, today: str) -> list[CatalogFinding]: ...
    def diff(self, other: Catalog, today: str | None = None) -> CatalogDiff: ...
    def with_refreshed(self, content: bytes) -> Catalog: ...
    def with_override(self, document: str) -> tuple[Catalog | None, list[_LayerProblem]]: ...
    def refreshed_file(self) -> str: ...

@final
class TestFailure:
    """A test of a policy that does not hold."""
    @property
    def name(self) -> str: ...
    @property
    def file(self) -> int: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def held(self) -> Literal["false", "unknown"]: ...
    @property
    def expected(self) -> str: ...
    @property
    def saw(self) -> str: ...

@final
class Policy:
    """A checked policy."""
    @property
    def name(self) -> str: ...
    @property
    def hash(self) -> str: ...
    @property
    def models(self) -> tuple[str, ...]: ...
    @property
    def rules(self) -> tuple[str, ...]: ...
    @property
    def tests(self) -> tuple[str, ...]: ...
    @property
    def keys(self) -> dict[str, tuple[str, ...]]: ...
    @property
    def providers(self) -> dict[str, str]: ...
    @property
    def own_reach(self) -> tuple[str, ...]: ...
    @property
    def catalog(self) -> Catalog: ...
    @property
    def budgets(self) -> tuple[Budget, ...]: ...
    def claim(self, scope: str) -> Claim | None: ...
    def names(self) -> list[tuple[str, list[str]]]: ...
    def offers(self, now: float | None = None) -> dict[str, dict[str, object]]: ...
    @property
    def reserves(self) -> bool: ...
    def run_tests(self) -> list[TestFailure]: ...

@final
class Budget:
    """A budget of a policy; `window` is `hour`, `day`, `week`, `month`, or how long it rolls, such as `86400000ms`."""
    @property
    def name(self) -> str: ...
    @property
    def per(self) -> list[str]: ...
    @property
    def limit_usd_nanos(self) -> int: ...
    @property
    def window(self) -> str: ...
    @property
    def longest_ms(self) -> int: ...
    @property
    def zone(self) -> str: ...
    @property
    def on_exceed(self) -> Literal["refuse", "step_down", "warn"]: ...
    @property
    def is_enforced(self) -> bool: ...

@final
class Claim:
    """A scope that an attempt counts in."""
    @property
    def scope(self) -> str: ...
    @property
    def measure(self) -> Literal["window", "bucket", "permits"]: ...
    @property
    def unit(self) -> Literal["usd_nanos", "input_tokens", "output_tokens", "tokens", "requests"]: ...
    @property
    def limit(self) -> int: ...
    @property
    def is_enforced(self) -> bool: ...
    @property
    def refill_ms(self) -> int | None: ...
    @property
    def reach(self) -> int: ...
    def window(self, at_ms: int) -> tuple[int, int] | None: ...

@final
class Denied:
    """A scope without room, and when it has room again if nothing else happens; None if never."""
    @property
    def scope(self) -> str: ...
    @property
    def why(self) -> Literal["too_large", "spent", "held", "busy", "full"]: ...
    @property
    def retry_after_ms(self) -> int | None: ...

@final
class Hold:
    """What became of a reservation that was asked for."""
    @property
    def is_made(self) -> bool: ...
    @property
    def is_repeated(self) -> bool: ...
    @property
    def denied(self) -> tuple[Denied, ...]: ...
    @property
    def would_deny(self) -> tuple[Denied, ...]: ...
    @property
    def retry_after_ms(self) -> int | None: ...

@final
class BudgetAlert:
    """A share of a budget that is spent, told for the first time."""
    @property
    def scope(self) -> str: ...
    @property
    def share_millionths(self) -> int: ...
    @property
    def spent(self) -> int: ...
    @property
    def limit(self) -> int: ...

@final
class Closed:
    """A reservation that came to its end."""
    @property
    def id(self) -> str: ...
    @property
    def debt_usd_nanos(self) -> int: ...
    @property
    def usd_nanos(self) -> int: ...
    @property
    def alerts(self) -> tuple[BudgetAlert, ...]: ...

@final
class Reservations:
    """What a process has reserved and spent, by the scopes of budgets and limits; `mono` is a clock that nobody sets."""
    def reserve(
        self, attempt: Attempt, name: str, lease_ms: int, *, now: float | None = None, mono: float | None = None
    ) -> Hold: ...
    def top_up(
        self,
        name: str,
        *,
        usd_nanos: int = 0,
        output_tokens: int = 0,
        now: float | None = None,
        mono: float | None = None,
    ) -> Hold: ...
    def settle(
        self,
        name: str,
        *,
        usd_nanos: int = 0,
        input_tokens: int = 0,
        output_tokens: int = 0,
        now: float | None = None,
        mono: float | None = None,
    ) -> Closed | None: ...
    def release(self, name: str, *, now: float | None = None, mono: float | None = None) -> bool: ...
    def expire(self, *, now: float | None = None, mono: float | None = None) -> list[Closed]: ...
    def charge(
        self,
        policy: Policy,
        scope: str,
        usd_nanos: int,
        at_ms: int,
        *,
        now: float | None = None,
        mono: float | None = None,
    ) -> bool: ...
    def restore(
        self,
        policy: Policy,
        name: str,
        scopes: Sequence[str],
        usd_nanos: int,
        lease_ms: int,
        *,
        now: float | None = None,
        mono: float | None = None,
    ) -> None: ...
    def standing(
        self, policy: Policy, scope: str, *, now: float | None = None, mono: float | None = None
    ) -> tuple[int, int] | None: ...
    @property
    def open_count(self) -> int: ...

@final
class State:
    """What a process has seen of its deployments: cooldowns, breakers, latencies, prompt caches, the retry budget."""
    def __new__(cls) -> State: ...
    @property
    def reservations(self) -> Reservations: ...
    def call_started(self, *, now: float | None = None) -> None: ...
    def attempt_started(
        self, deployment: str, key: str, provider: str, *, input_tokens: int = 0, now: float | None = None
    ) -> None: ...
    def headers_came(
        self, deployment: str, headers: Sequence[tuple[str, str]], *, now: float | None = None
    ) -> None: ...
    def attempt_ended(
        self,
        deployment: str,
        key: str,
        provider: str,
        outcome: str,
        *,
        ttft_ms: int | None = None,
        total_ms: int = 0,
        retry_after_ms: int | None = None,
        now: float | None = None,
    ) -> None: ...
    def attempt_answered(self, attempt: Attempt, *, now: float | None = None) -> None: ...
    def input_reported(self, model: str, count: TokenCount, reported: int) -> None:
        """A provider reported the input tokens of a request that was counted: later counts are corrected by the median difference.

        Args:
            model: The name that the count was made for.
            count: What `count_tokens` said of the request.
            reported: Input tokens in the provider's usage, cached ones among them.
        """

    def overheads(self) -> list[tuple[str, int, int]]:
        """What was learned of reported input tokens, to be saved: model, shape of request, difference."""

    def learn_overheads(self, rows: list[tuple[str, int, int]]) -> None:
        """Take back what `overheads` gave."""

    def may_retry(self, *, doubtful: bool = False, now: float | None = None) -> bool: ...
    def is_healthy(self, deployment: str, key: str, provider: str, *, now: float | None = None) -> bool: ...
    def cooling_ms(self, deployment: str, key: str, provider: str, *, now: float | None = None) -> int | None: ...

@final
class Candidate:
    """A deployment that was considered, and what became of it."""
    @property
    def deployment(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def rank(self) -> int: ...
    @property
    def status(self) -> Literal["chosen", "ranked", "rejected"]: ...
    @property
    def place(self) -> int | None: ...
    @property
    def code(self) -> str | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def quality(self) -> tuple[float, float] | None: ...
    @property
    def quality_from(self) -> Literal["prior"] | None: ...
    @property
    def expected_cost(self) -> ExpectedCost | None: ...
    @property
    def cost_unknown(self) -> str | None: ...
    @property
    def cache_read_tokens(self) -> int: ...
    @property
    def cache_write_tokens(self) -> int: ...

@final
class Body:
    """An upstream body, and what could not be carried over into it."""
    @property
    def bytes(self) -> bytes: ...
    @property
    def dropped(self) -> tuple[str, ...]: ...

@final
class Attempt:
    """One upstream call that may be made."""
    @property
    def index(self) -> int: ...
    @property
    def deployment(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def upstream_model(self) -> str: ...
    @property
    def dialect(self) -> str: ...
    @property
    def base_url(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def auth(self) -> str: ...
    @property
    def key_names(self) -> tuple[str, ...]: ...
    @property
    def key_label(self) -> str: ...
    @property
    def rank(self) -> int: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def max_tokens(self) -> int | None: ...
    @property
    def expected_cost(self) -> ExpectedCost | None: ...
    @property
    def claims(self) -> tuple[Claim, ...]: ...
    @property
    def reserves(self) -> bool: ...
    @property
    def budget_scopes(self) -> tuple[str, ...]: ...
    @property
    def reserved(self) -> tuple[int, int, int]: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    def body(self, *, stream: bool | None = None) -> Body: ...
    def cost(self, usage: Usage, *, at_ms: int | None = None) -> Money: ...
    def settle(
        self,
        usage: Usage,
        *,
        at_ms: int,
        service_tier: str | None = None,
        speed: str | None = None,
        region: str | None = None,
        reported_cost: Money | None = None,
        usage_problem: str | None = None,
    ) -> Settlement: ...

@final
class Settlement:
    """What an attempt cost, and where the figure comes from."""
    @property
    def cost(self) -> Money | None: ...
    @property
    def source(self) -> Literal["reported", "computed"] | None: ...
    @property
    def computed(self) -> Money | None: ...
    @property
    def reported(self) -> Money | None: ...
    @property
    def unpriced(self) -> str | None: ...
    @property
    def price_from(self) -> str | None: ...
    @property
    def price_source(self) -> str | None: ...
    @property
    def price_terms(self) -> str | None: ...
    @property
    def doubt(self) -> Literal["lower_bound", "reported_zero"] | None: ...

@final
class Step:
    """What comes next after what was tried."""
    @property
    def kind(self) -> Literal["retry", "fallback", "escalate", "return"]: ...
    @property
    def attempt(self) -> int | None: ...
    @property
    def why(self) -> str | None: ...

@final
class Plan:
    """The attempts of one call, and its bounds."""
    @property
    def attempts(self) -> tuple[Attempt, ...]: ...
    @property
    def deadline_ms(self) -> int: ...
    @property
    def ttft_ms(self) -> int | None: ...
    @property
    def idle_ms(self) -> int: ...
    @property
    def on_disconnect(self) -> Literal["cancel", "drain"]: ...
    @property
    def is_hedged(self) -> bool: ...
    def late_after_ms(self, attempt: int, state: State, streams: bool) -> int | None: ...
    def hedge(
        self,
        tried: Sequence[tuple[int, str, bool, bool | None]],
        beside: int,
        spent: Money,
        state: State,
        *,
        now: float | None = None,
    ) -> int | None: ...
    @property
    def max_attempts(self) -> int: ...
    @property
    def spend(self) -> Money | None: ...
    @property
    def accept(self) -> tuple[str, ...]: ...
    def tightened(self, *, deadline_ms: int | None = None, spend: Money | None = None) -> Plan: ...
    def unmet(self, answer: Answer) -> str | None: ...
    def next(self, tried: Sequence[tuple[int, str, bool, bool | None]], spent: Money) -> Step: ...

@final
class Decision:
    """Which model, at what cost, why, and what to do on failure."""
    @property
    def model(self) -> str | None: ...
    @property
    def deployment(self) -> str | None: ...
    @property
    def rule(self) -> str: ...
    @property
    def policy(self) -> str: ...
    @property
    def policy_hash(self) -> str: ...
    @property
    def catalog_hash(self) -> str: ...
    @property
    def now(self) -> float: ...
    @property
    def seed(self) -> int: ...
    @property
    def expected_cost(self) -> ExpectedCost | None: ...
    @property
    def input_tokens(self) -> int | None: ...
    @property
    def candidates(self) -> tuple[Candidate, ...]: ...
    @property
    def plan(self) -> Plan: ...
    @property
    def relaxed(self) -> tuple[str, ...]: ...
    @property
    def inputs(self) -> dict[str, object]: ...
    @property
    def request(self) -> bytes: ...
    @property
    def requested(self) -> str: ...
    @property
    def asks_stream(self) -> bool: ...
    @property
    def asks_usage(self) -> bool: ...
    def explain(self) -> str: ...
    def why_not(self, name: str) -> str: ...
    def to_json(self) -> str: ...
    def to_dict(self) -> dict[str, object]: ...

@final
class Engine:
    """A policy ready to decide. Immutable but for its `state`; shared by threads."""
    def __new__(
        cls, policy: Policy, *, environ: Mapping[str, str] | None = None, with_client: Sequence[str] = ...
    ) -> Engine: ...
    def with_policy(
        self, policy: Policy, *, environ: Mapping[str, str] | None = None, with_client: Sequence[str] = ...
    ) -> Engine:
        """The engine of another policy that shares this one's state, as a reload needs it.

        Cooldowns, breakers and latencies of deployments that stay go on; one whose name now means another model,
        address or region starts anew. The retry budget is the new policy's from now on.
        """
    @property
    def policy(self) -> Policy: ...
    @property
    def state(self) -> State: ...
    def decide(
        self,
        request: _RequestLike,
        meta: Mapping[str, _Scalar] | None = None,
        *,
        now: float | None = None,
        seed: int | None = None,
        state: State | None = None,
        dialect: str | None = None,
        refused_ok: bool = False,
        resolve_edges: bool = False,
    ) -> Decision: ...
    def decide_for_client(
        self,
        body: bytes,
        meta: Mapping[str, _Scalar] | None = None,
        *,
        dialect: str,
        now: float | None = None,
        seed: int | None = None,
    ) -> Decision:
        """Decide for the request of a client, whose `model` says which part of the policy may answer.

        A decision without a choice is no error here.

        Raises:
            RequestError: The request cannot be read.
            DecisionError: `unknown-model-name`.
        """
    def observe(
        self,
        decision: Decision,
        outcome: str,
        *,
        attempt: int = 0,
        ttft_ms: int | None = None,
        total_ms: int = 0,
        retry_after_ms: int | None = None,
        now: float | None = None,
    ) -> None: ...
    def decide_batch(
        self,
        requests: Iterable[_RequestLike],
        *,
        meta: Mapping[str, _Scalar] | Sequence[Mapping[str, _Scalar] | None] | None = None,
        now: float | None = None,
        seed: int | None = None,
        state: State | None = None,
        dialect: str | None = None,
        refused_ok: bool = False,
    ) -> list[Decision | Exception]:
        """Decide for many requests, such as those of a log.

        What `decide` would raise for a row stands in its place, as an exception that was not raised; the others are
        decided. The GIL is released while a piece of some hundred rows is decided. Each result keeps its request and
        all candidates, some kilobytes a row: of a long log, give a piece at a time.

        Args:
            requests: Prompts, bodies as dicts, or bodies' bytes.
            meta: One mapping for all rows, or a list with one for each (or None).
            now: Seconds since 1970, the same for all rows; the clock's if None.
            seed: Row `i` is decided with `seed + i`.
            state: Lent to each row, and not changed by any.
            dialect: Of all bodies; found out row by row if None.
            refused_ok: Whether a row that no model may answer is a decision without a model, instead of an error.

        Returns:
            As many results as requests, in their order.

        Raises:
            TypeError: `requests` is one request, or cannot be iterated.
            ValueError: `meta` is a list of another length, or `now` is no time.
            RequestError: `unknown_dialect`.
        """
    def redecide(self, record: Decision | Mapping[str, object] | str | bytes | _HasRecord) -> Decision:
        """Make a decision again from its record: the same bytes, whatever the state, the keys and the clock are now.

        A record holds what the decision read, and no text: the result has no request, and cannot write bodies.

        Args:
            record: A decision, its `to_json()` or `to_dict()`, or a `CallRecord` of the ledger.

        Raises:
            DecisionError: `record-other-policy` or `record-other-catalog`, if this engine is of another one;
                `record-incomplete` or `record-unreadable`, if it is no whole record.
        """
    def warm(self) -> None: ...

@final
class ToolCall:
    """A tool call that the model made."""
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def arguments(self) -> str: ...

@final
class Failure:
    """Why an attempt gave no answer."""
    @property
    def outcome(self) -> str: ...
    @property
    def status(self) -> int | None: ...
    @property
    def code(self) -> str | None: ...
    @property
    def message(self) -> str: ...
    @property
    def retry_after_ms(self) -> int | None: ...
    @property
    def should_retry(self) -> bool | None: ...

@final
class Answer:
    """What came back."""
    @property
    def outcome(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def thinking(self) -> str: ...
    @property
    def refusal(self) -> str | None: ...
    @property
    def tool_calls(self) -> tuple[ToolCall, ...]: ...
    @property
    def finish_reason(self) -> str | None: ...
    @property
    def model(self) -> str | None: ...
    @property
    def usage(self) -> Usage | None: ...
    @property
    def usage_problem(self) -> str | None: ...
    @property
    def reported_cost(self) -> Money | None: ...
    @property
    def service_tier(self) -> str | None: ...
    @property
    def speed(self) -> str | None: ...
    @property
    def region(self) -> str | None: ...
    @property
    def message(self) -> str | None: ...
    @property
    def failure(self) -> Failure | None: ...

@final
class StreamEvent:
    """One event of a stream in normal form."""
    @property
    def kind(self) -> Literal["text", "thinking", "tool_call", "tool_arguments", "refusal", "ping", "error"]: ...
    @property
    def text(self) -> str: ...
    @property
    def index(self) -> int | None: ...
    @property
    def id(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...
    @property
    def is_content(self) -> bool: ...

@final
class StreamEnd:
    """How a stream ended."""
    @property
    def outcome(self) -> str: ...
    @property
    def usage(self) -> Usage | None: ...
    @property
    def finish_reason(self) -> str | None: ...
    @property
    def model(self) -> str | None: ...
    @property
    def message(self) -> str | None: ...
    @property
    def failure(self) -> Failure | None: ...

@final
class StreamReader:
    """Reads a stream: bytes as they come in, events out. One call for each network read."""
    def __new__(cls, dialect: str) -> StreamReader: ...
    def feed(self, data: bytes) -> list[StreamEvent]: ...
    def finish(self) -> tuple[list[StreamEvent], StreamEnd]: ...
    @property
    def has_content(self) -> bool: ...
    @property
    def is_over(self) -> bool: ...
    def answer(self) -> Answer: ...

@final
class StreamTranslator:
    """Translates a stream: upstream bytes in, bytes of the client's dialect out. One call for each network read."""
    def __new__(
        cls,
        upstream: str,
        client: str,
        *,
        answer_id: str,
        created_s: int,
        model: str | None = None,
        include_usage: bool = False,
    ) -> StreamTranslator: ...
    def feed(self, data: bytes) -> bytes: ...
    def finish(self, broke: tuple[str, str] | None = None) -> tuple[bytes, StreamEnd]:
        """The end of the connection; `broke` is how it broke, if it did: an outcome and a sentence."""

    def fail(self, outcome: str, message: str) -> bytes:
        """The event that ends the stream for the client; nothing when it has ended."""

    @property
    def has_content(self) -> bool: ...
    @property
    def brought_content(self) -> bool: ...
    @property
    def has_text(self) -> bool: ...
    @property
    def is_over(self) -> bool: ...
    @property
    def dropped(self) -> tuple[str, ...]: ...
    def answer(self) -> Answer: ...

_PolicyRow: TypeAlias = tuple[int, str | None, int, int, str, str, bool, int, int, Sequence[tuple[int, int, int]]]
_RawFinding: TypeAlias = tuple[int, int, str, str, str | None, Literal["error", "warning"], int]

def compile_policy(
    rows: Sequence[_PolicyRow],
    today: int,
    catalog: Catalog | None = None,
    bases: Sequence[Sequence[_PolicyRow]] = ...,
    zones: Sequence[tuple[str, Sequence[tuple[int, int]]]] = ...,
) -> tuple[Policy | None, list[_RawFinding]]: ...
def codes() -> dict[str, str]: ...
def facts() -> list[tuple[str, str, list[str], str, str, str]]: ...
def outcomes() -> list[tuple[str, bool, str, str, int, bool, bool, str]]: ...
def policy_schema() -> str: ...
def parse_answer(dialect: str, body: bytes) -> Answer: ...
def render_answer(answer: Answer, dialect: str, *, answer_id: str, created_s: int, model: str | None = None) -> Body:
    """An answer as a body of a dialect, whatever dialect it came in."""

def render_error(dialect: str, outcome: str, message: str) -> tuple[int, bytes]:
    """The status and the body that tell a client of a dialect what went wrong."""

def classify_response(
    dialect: str, status: int, headers: Sequence[tuple[str, str]], body: bytes, now_ms: int
) -> Failure: ...
def count_tokens(
    model: str,
    request_or_text: _RequestLike,
    *,
    dialect: str | None = None,
    guess: bool = False,
    state: State | None = None,
    exact: bool = True,
) -> TokenCount:
    """Input tokens of a text or a whole request for a model of the catalogue.

    Args:
        model: A model of the catalogue, in any of its spellings.
        request_or_text: A text, or a request in any dialect as a dict or bytes.
        dialect: The dialect of a request that could be of two.
        guess: Count for a model that the catalogue does not know by what its name says of its family.
        state: What was learned of the overhead of models (`State.input_reported`); it corrects the count of a request.
        exact: Count with vocabularies where they are; without, estimate in one pass over the bytes, as `decide` does first.

    Raises:
        CatalogError: The model is not known.
        RequestError: The request cannot be read.

    Example:
        >>> count_tokens("openai/gpt-4o", "Hello, world!").tokens
        4
    """

def tokenizer_family(model: str) -> str:
    """The tokenizer family of a model, by the catalogue or else by its name; `unknown` when neither says it."""

def classify(text_or_request: _RequestLike, *, dialect: str | None = None) -> Classification:
    """Classify a text or a request by what its caller asks for."""

@final
class QualityArtefact:
    """Predicted quality per model, fitted on graded outcomes; `turnout.QualityModel` wraps it."""

    @staticmethod
    def from_bytes(data: bytes) -> QualityArtefact: ...
    def to_bytes(self) -> bytes: ...
    @property
    def models(self) -> list[str]: ...
    @property
    def categories(self) -> list[str]: ...
    @property
    def sources(self) -> list[tuple[str, int]]: ...
    @property
    def rows(self) -> int: ...
    @property
    def date(self) -> str: ...
    @property
    def hash(self) -> str: ...
    def range(self, model: str) -> tuple[bool, float, float]: ...
    def scores(self, rows: Sequence[tuple[str, str | None]], strong: str, weak: str) -> list[float]: ...
    def predict(self, rows: Sequence[tuple[str, str | None]]) -> list[tuple[list[float], str]]: ...
    def threshold(self, strong: str, weak: str, share: float) -> float: ...
    def report(self, strong: str | None, weak: str | None) -> tuple[str, str, str, str]: ...

def fit_quality(
    rows: Sequence[tuple[str, str | None, str | None, str | None, Sequence[tuple[str, float]]]], date: str
) -> QualityArtefact: ...
def cost(
    catalog: Catalog,
    model: str,
    usage: Usage,
    at_ms: int | None = None,
    batch: bool = False,
    service_tier: str | None = None,
    speed: str | None = None,
    region: str | None = None,
) -> Money:
    """What a usage costs on a model of a catalogue."""

def cost_at_price(
    model: str,
    price: str,
    usage: Usage,
    at_ms: int | None = None,
    batch: bool = False,
    service_tier: str | None = None,
    speed: str | None = None,
    region: str | None = None,
) -> Money:
    """What a usage costs at a price that the call states itself: the JSON of one period of a catalogue row."""

@final
class ThinkingFields:
    """The thinking members of a request body, and what differs from what was asked."""
    @property
    def fields(self) -> dict[str, object]: ...
    @property
    def notes(self) -> tuple[str, ...]: ...

def thinking_fields(
    model: str, setting: Literal["off", "low", "medium", "high", "max"] | int, *, max_tokens: int | None = None
) -> ThinkingFields:
    """What a thinking setting becomes in a request to a model of the catalogue."""

@final
class UsageReport:
    """What an answer says about what it used, and by which terms it is priced.

    `usage` is None when nothing was reported, or when what was cannot be true; `problem` then says which. Problems are
    `bad_cost`, `partial`, `inconsistent`, `other_model` (the usage stands, with that doubt) and `unreadable`, `negative`,
    `absurd` (there is no usage); `field` is the figure as the provider calls it. A usage is never zero for want of one.
    """
    @property
    def extractor(self) -> str: ...
    @property
    def usage(self) -> Usage | None: ...
    @property
    def reported_cost(self) -> Money | None: ...
    @property
    def service_tier(self) -> str | None: ...
    @property
    def speed(self) -> str | None: ...
    @property
    def region(self) -> str | None: ...
    @property
    def problem(self) -> str | None: ...
    @property
    def field(self) -> str | None: ...
    @property
    def message(self) -> str | None: ...

def read_usage(provider: str, answer: bytes | Mapping[str, object], /) -> UsageReport:
    """Read the usage of a recorded answer, whole body or stream, in the words of its provider or dialect.

    Args:
        provider: A provider (`anthropic`, `bedrock`, `xai`) or a dialect (`openai-chat`, `gemini`).
        answer: The body as a dict, or the bytes of a body, of server-sent events or of JSON lines.

    Raises:
        CatalogError: How this provider reports usage is not known (`unknown-extractor`).
    """
