"""What each tool of the library is called with and what it answers, sized to order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .grammar import Grammar
from .papers import paper
from .sources import search_hits, series, service_log, source_file, source_path, sql_rows, test_log

Arguments = dict[str, object]
PAGE = "https://www.«verb»-«entity».example/«verb»/«#100-9999»"
FAILURES = {
    "edit_file": "old_text occurs 3 times in the file; add context so that it is unique",
    "run_command": "timed out after 120 s; partial output:\n  resolving packages ...",
    "query_logs": "bad filter at column 18: expected a quoted value, found `>=`",
    "fetch_page": "HTTP 403: this site refuses automated readers",
    "find_customer": "no customer matches",
    "run_sql": 'ERROR:  column o.delivered_on does not exist\nHINT:  Perhaps you meant "o.delivered_at".',
    "read_document": "pages 12-19 out of range: the document has 11 pages",
    "create_event": "conflict: 2 of 5 guests are busy at that time",
    "get_advisories": "upstream timed out (30 s)",
}
TEST_COMMANDS = {
    "py": "python -m pytest -q tests",
    "ts": "pnpm vitest run --reporter verbose",
    "go": "go test ./... -v",
    "rs": "cargo test",
}


@dataclass(slots=True)
class Story:
    """What one conversation remembers between its calls."""

    grammar: Grammar
    language: str
    paths: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    named: dict[str, list[str]] = field(default_factory=dict)
    documents: int = 0

    def path(self) -> str:
        """Mostly a file that was named before, now and then a new one."""
        if not self.paths or self.grammar.rng.random() < 0.4:
            self.paths.append(source_path(self.grammar, self.language))
        return self.grammar.rng.choice(self.paths)

    def name(self, kind: str, ident: str) -> str:
        """Remembers an id that a tool has answered with."""
        self.named.setdefault(kind, []).append(ident)
        return ident

    def named_before(self, kind: str, pattern: str) -> str:
        """An id that came up before, or a new one of that pattern."""
        known = self.named.get(kind)
        return self.grammar.rng.choice(known) if known else self.name(kind, self.grammar.fill(pattern))

    def service(self) -> str:
        """One of three services, most often the first."""
        while len(self.services) < 3:
            kind = self.grammar.rng.choice(("api", "worker", "gateway", "sync"))
            self.services.append(f"{self.grammar.say('entity')}-{kind}")
        return self.grammar.rng.choice((*self.services[:1] * 4, *self.services[1:]))

    def call(self, tool: str, size: int) -> tuple[Arguments, str]:
        """Arguments for `tool` and its answer of about `size` characters."""
        return MOVES[tool](self, size)

    def failure(self, tool: str) -> tuple[Arguments, str]:
        """Arguments with which `tool` fails, and its complaint."""
        arguments, _ = MOVES[tool](self, 300)
        return arguments, FAILURES[tool]


def _list_files(story: Story, size: int) -> tuple[Arguments, str]:
    paths = sorted({source_path(story.grammar, story.language) for _ in range(min(size, 5000) // 40)})
    story.paths += paths
    return {"path": "."}, "\n".join(f"{story.grammar.number(180, 48_000):>7}  {path}" for path in paths)


def _read_file(story: Story, size: int) -> tuple[Arguments, str]:
    path = story.path()
    arguments: Arguments = {"path": path}
    if size < 2500:
        arguments |= {"offset": story.grammar.number(20, 300), "limit": size // 30}
    return arguments, source_file(story.grammar, path, size)


def _search_code(story: Story, size: int) -> tuple[Arguments, str]:
    word = story.grammar.say("entity")
    hits = search_hits(story.grammar, story.language, word, min(size, 7000))
    story.paths += [line.partition(":")[0] for line in hits.splitlines()[:5]]
    return {"pattern": word, "glob": f"**/*.{story.language}"}, hits


def _edit_file(story: Story, _size: int) -> tuple[Arguments, str]:
    bound = {name: story.grammar.say(name) for name in ("entity", "field", "verb", "why")}
    old = story.grammar.say(f"{story.language}.block", bound).strip()
    new = old.replace(bound["field"], story.grammar.say("field")).replace(bound["why"], story.grammar.say("why"))
    path = story.path()
    return {"path": path, "old_text": old, "new_text": new}, f"edited {path}: 1 replacement"


def _run_command(story: Story, size: int) -> tuple[Arguments, str]:
    log = test_log(story.grammar, story.language, size)
    return {"command": TEST_COMMANDS[story.language]}, f"exit code {story.grammar.number(0, 1)}\n{log}"


def _query_logs(story: Story, size: int) -> tuple[Arguments, str]:
    service, hour = story.service(), story.grammar.number(8, 21)
    arguments: Arguments = {
        "service": service,
        "from": f"2026-03-09T{hour:02}:00:00Z",
        "to": f"2026-03-09T{hour + 1:02}:{story.grammar.number(0, 59):02}:00Z",
        "filter": story.grammar.fill('message !~ "health" and logger != "audit.«entity»"'),
    }
    return arguments, service_log(story.grammar, service, hour, size)


def _get_metrics(story: Story, size: int) -> tuple[Arguments, str]:
    arguments: Arguments = {"metric": "http_latency_p99", "service": story.service(), "window": "6h", "step_s": 30}
    return arguments, series(story.grammar, min(size, 6000))


def _describe_service(story: Story, _size: int) -> tuple[Arguments, str]:
    service = story.service()
    grammar = story.grammar
    state = {
        "service": service,
        "replicas": {"wanted": 6, "ready": grammar.number(3, 6)},
        "image": f"registry.example/{service}:2026.3.{grammar.number(1, 40)}",
        "restarts": [grammar.number(0, 9) for _ in range(6)],
        "events": [grammar.say("log.message") for _ in range(5)],
    }
    return {"service": service}, json.dumps(state, indent=2)


def _list_deployments(story: Story, _size: int) -> tuple[Arguments, str]:
    rows = []
    for index in range(8):
        stamp = f"2026-03-{9 - index:02} «#10-18»:«#10-59»  {story.services[0] if story.services else story.service()}"
        rows.append(story.grammar.fill(f"{stamp}  2026.3.{48 - index * 3}  «first»  «verb» «entity»: «why»"))
    return {"limit": len(rows)}, "\n".join(rows)


def _web_search(story: Story, size: int) -> tuple[Arguments, str]:
    grammar = story.grammar

    def hits() -> Iterator[str]:
        number = 0
        while True:
            number += 1
            url = story.name("page", grammar.fill(PAGE))
            yield grammar.fill(f"{number}. «report.heading» | «company»\n   {url}")
            yield f"   {grammar.say('report.line')} {grammar.say('report.line')}"

    return {"query": grammar.fill("«metric» «town» 2025 report"), "count": 10}, _until(hits(), min(size, 6000))


def _fetch_page(story: Story, size: int) -> tuple[Arguments, str]:
    url = story.named_before("page", PAGE)
    form = story.grammar.rng.choice(("report", "interview", "report", "diary", "handbook"))
    return {"url": url}, paper(form, story.grammar, size)


def _find_customer(story: Story, _size: int) -> tuple[Arguments, str]:
    last = story.grammar.say("last")
    rows = [
        {
            "id": story.name("customer", story.grammar.fill("C-«#10000-99999»")),
            "name": f"{story.grammar.say('first')} {last}",
            "town": story.grammar.say("town"),
        }
        for _ in range(story.grammar.number(1, 4))
    ]
    return {"query": last}, json.dumps(rows, ensure_ascii=False)


def _list_orders(story: Story, size: int) -> tuple[Arguments, str]:
    grammar = story.grammar
    orders: list[dict[str, object]] = []
    length = 0
    while length < min(size, 9000):
        lines = [
            {"article": grammar.say("goods"), "boxes": grammar.number(1, 12), "cents": grammar.number(190, 48_000)}
            for _ in range(grammar.number(1, 5))
        ]
        status = grammar.rng.choice(("delivered", "in transit", "partly returned", "refunded", "waiting for stock"))
        order: dict[str, object] = {
            "id": story.name("order", grammar.fill("O-«#40000-59999»")),
            "placed": f"2026-0{grammar.number(1, 3)}-{grammar.number(1, 28):02}",
            "status": status,
            "parcel": story.name("parcel", grammar.fill("P«#1000000000-9999999999»")),
            "lines": lines,
            "note": grammar.say("chatlog.customer"),
        }
        orders.append(order)
        length += len(json.dumps(order, indent=1))
    return {"customer_id": story.named_before("customer", "C-«#10000-99999»"), "since": "2025-10-01"}, json.dumps(
        orders, indent=1
    )


def _track_parcel(story: Story, size: int) -> tuple[Arguments, str]:
    def scans() -> Iterator[str]:
        while True:
            yield story.grammar.fill(
                "2026-03-«#10-28» «#10-23»:«#10-59»  depot «town»: «verb» by hand, shelf «#1-80»; note: «chatlog.agent»"
            )

    return {"parcel": story.named_before("parcel", "P«#1000000000-9999999999»")}, _until(scans(), min(size, 2500))


def _refund(story: Story, _size: int) -> tuple[Arguments, str]:
    order, cents = story.named_before("order", "O-«#40000-59999»"), story.grammar.number(490, 9900)
    reply = json.dumps({"order_id": order, "refunded_cents": cents, "arrives_in_days": story.grammar.number(2, 6)})
    return {"order_id": order, "amount_cents": cents, "reason": story.grammar.say("reason")}, reply


def _search_help_centre(story: Story, size: int) -> tuple[Arguments, str]:
    return {"query": story.grammar.fill("«goods» damaged on arrival")}, paper("handbook", story.grammar, size)


def _list_tables(story: Story, _size: int) -> tuple[Arguments, str]:
    names = "id bigint, town text, goods text, placed_at timestamptz, delivered_at timestamptz"
    rows = (story.grammar.fill(f"«entity»s ({names}, «field» int): «#900-48000000» rows") for _ in range(14))
    return {"schema": "sales"}, "\n".join(rows)


def _run_sql(story: Story, size: int) -> tuple[Arguments, str]:
    sql = story.grammar.fill(
        "select date_trunc('day', o.delivered_at) as day, o.town, o.goods, count(*) as orders, sum(o.total_cents), "
        "count(*) filter (where o.«field» is not null) as returned\nfrom sales.«entity»s o\n"
        "where o.placed_at >= date '2026-0«#1-3»-01' and o.town <> '«town»'\ngroup by 1, 2, 3\norder by «#4-6» desc"
    )
    return {"sql": sql}, sql_rows(story.grammar, size)


def _list_documents(story: Story, _size: int) -> tuple[Arguments, str]:
    rows = (
        story.grammar.fill(f"D-{index:03}  «contract.heading» («company»)  «date»  «person»  «#2-60» pages")
        for index in range(1, 16)
    )
    return {"matter": story.grammar.fill("M-«#1000-9999»")}, "\n".join(rows)


def _read_document(story: Story, size: int) -> tuple[Arguments, str]:
    story.documents += 1
    form = story.grammar.rng.choice(("contract", "contract", "contract", "minutes"))
    return {"document_id": f"D-{story.documents:03}"}, paper(form, story.grammar, size)


def _list_messages(story: Story, size: int) -> tuple[Arguments, str]:
    def rows() -> Iterator[str]:
        while True:
            ident = story.name("message", story.grammar.fill("m«#1000-9999»"))
            yield story.grammar.fill(f"{ident}  «person»  Re: «meeting.topic»\n        «survey.answer»")

    return {"folder": "inbox", "unread": True}, _until(rows(), min(size, 5000))


def _read_message(story: Story, size: int) -> tuple[Arguments, str]:
    def thread() -> Iterator[str]:
        grammar = story.grammar
        while True:
            yield grammar.fill("From: «person»\nDate: «weekday», «#1-28» «month»\nSubject: Re: «meeting.topic»\n")
            for _ in range(grammar.number(1, 4)):
                yield f"{grammar.say('meeting.point')} {grammar.say('survey.answer')}\n"
            yield grammar.fill("«first»\n\n> previous message follows\n")

    return {"id": story.named_before("message", "m«#1000-9999»")}, _until(thread(), size)


def _list_events(story: Story, size: int) -> tuple[Arguments, str]:
    def events() -> Iterator[str]:
        while True:
            yield story.grammar.fill(
                "2026-03-«#10-28» «#8-17»:«#10-55» («#15-90» min)  «meeting.title»  with «first», «first», «first»"
            )

    arguments: Arguments = {"person": story.grammar.say("person"), "from": "2026-03-09", "to": "2026-03-20"}
    return arguments, "\n".join(sorted(_until(events(), min(size, 4000)).splitlines()))


def _create_event(story: Story, _size: int) -> tuple[Arguments, str]:
    grammar = story.grammar
    arguments: Arguments = {
        "title": grammar.say("meeting.topic"),
        "start": f"2026-03-{grammar.number(10, 20)}T{grammar.number(8, 15):02}:30",
        "minutes": 45,
        "guests": [grammar.say("person") for _ in range(5)],
    }
    return arguments, json.dumps({"event": f"e{grammar.number(1000, 9999)}", "invited": 5})


def _list_dependencies(story: Story, size: int) -> tuple[Arguments, str]:
    def rows() -> Iterator[str]:
        while True:
            yield story.grammar.fill(
                "«verb»-«entity» «#0-9».«#0-30».«#0-12»   via «verb»-«field»   last release «#1-60» months ago"
            )

    return {"project": "."}, _until(rows(), min(size, 8000))


def _get_advisories(story: Story, size: int) -> tuple[Arguments, str]:
    grammar = story.grammar
    package = grammar.fill("«verb»-«entity»")

    def texts() -> Iterator[str]:
        while True:
            yield grammar.fill(
                f"ADV-2025-«#1000-9999» {package} < «#1-9».«#0-20».0  severity «#2.0-9.8»\n"
                "A crafted «field» makes `«verb»` read past its limit when «why». Reported by «person» («company»). "
                "«incident.analysis»\n"
            )

    return {"package": package}, _until(texts(), min(size, 3500))


def _until(lines: Iterator[str], size: int) -> str:
    out: list[str] = []
    length = 0
    for line in lines:
        out.append(line)
        length += len(line) + 1
        if length >= size:
            break
    return "\n".join(out)


MOVES: dict[str, Callable[[Story, int], tuple[Arguments, str]]] = {
    "list_files": _list_files,
    "read_file": _read_file,
    "search_code": _search_code,
    "edit_file": _edit_file,
    "run_command": _run_command,
    "query_logs": _query_logs,
    "get_metrics": _get_metrics,
    "describe_service": _describe_service,
    "list_deployments": _list_deployments,
    "web_search": _web_search,
    "fetch_page": _fetch_page,
    "find_customer": _find_customer,
    "list_orders": _list_orders,
    "track_parcel": _track_parcel,
    "refund": _refund,
    "search_help_centre": _search_help_centre,
    "list_tables": _list_tables,
    "run_sql": _run_sql,
    "list_documents": _list_documents,
    "read_document": _read_document,
    "list_messages": _list_messages,
    "read_message": _read_message,
    "list_events": _list_events,
    "create_event": _create_event,
    "list_dependencies": _list_dependencies,
    "get_advisories": _get_advisories,
}
