"""Long documents of many forms, grown to a wanted size from the tables of `data/words.toml`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .grammar import Grammar

Blocks = Iterator[str]


def paper(form: str, grammar: Grammar, size: int) -> str:
    """A document of about `size` characters.

    Args:
        form: One of `FORMS`.
        grammar: Tables and chance.
        size: Characters; the text ends with the block that passes it.
    """
    out: list[str] = []
    length = 0
    for block in FORMS[form](grammar):
        out.append(block)
        length += len(block) + 1
        if length >= size:
            break
    return "\n".join(out)


def _minutes(grammar: Grammar) -> Blocks:
    number = grammar.number(3, 60)
    while True:
        number += 1
        yield grammar.fill(f"# «meeting.title», no. {number}, «weekday» «#1-28» «month»")
        present = ", ".join(grammar.say("person") for _ in range(grammar.number(4, 9)))
        yield f"Present: {present}. Apologies: {grammar.say('person')}.\n"
        for item in range(1, grammar.number(4, 7)):
            yield f"## {item}. {grammar.say('meeting.topic')}"
            for _ in range(grammar.number(2, 6)):
                yield f"- {grammar.say('meeting.point')}"
            if grammar.rng.random() < 0.7:
                yield f"Decision: {grammar.say('meeting.decision')}"
            yield ""
        yield "Tasks:"
        for _ in range(grammar.number(2, 6)):
            yield f"[ ] {grammar.say('meeting.task')}"
        yield ""


def _report(grammar: Grammar) -> Blocks:
    yield grammar.fill("«company»: report on the business year\n")
    chapter = 0
    while True:
        chapter += 1
        yield f"{chapter}. {grammar.say('report.heading')}\n"
        for _ in range(grammar.number(2, 5)):
            yield " ".join(grammar.say("report.line") for _ in range(grammar.number(3, 7))) + "\n"
        if grammar.rng.random() < 0.4:
            yield f"Table {chapter}: {grammar.say('metric')}"
            for _ in range(grammar.number(3, 8)):
                yield grammar.fill("  «town»    «#100-9900»    «#100-9900»    «#0.1-9.9» %")
            yield ""


def _incident(grammar: Grammar) -> Blocks:
    while True:
        yield grammar.fill("POSTMORTEM INC-«#1000-9899»: «system» («town»), «weekday» «#1-28» «month»\n")
        yield grammar.fill("Severity «#1-3». Duration «#1-6» h «#2-59» min. Author: «person».\n\nTimeline (UTC):")
        minute = grammar.number(0, 1200)
        for _ in range(grammar.number(10, 22)):
            minute = (minute + grammar.number(1, 17)) % 1440
            yield f"{minute // 60:02}:{minute % 60:02}  {grammar.say('incident.event')}"
        yield "\nAnalysis:"
        for _ in range(grammar.number(2, 4)):
            yield " ".join(grammar.say("incident.analysis") for _ in range(grammar.number(2, 4)))
        yield "\nActions:"
        for _ in range(grammar.number(2, 5)):
            yield f"* {grammar.say('meeting.task')}"
        yield ""


def _contract(grammar: Grammar) -> Blocks:
    yield grammar.fill("FRAMEWORK AGREEMENT\nbetween «company» (the Customer) and «company» (the Supplier)\n")
    section = 0
    while True:
        section += 1
        yield f"Section {section}. {grammar.say('contract.heading')}"
        for clause in range(1, grammar.number(3, 7)):
            yield f"{section}.{clause} {grammar.say('contract.clause')}"
        yield ""


def _chatlog(grammar: Grammar) -> Blocks:
    while True:
        name, agent = grammar.say("first"), grammar.say("first")
        minute = grammar.number(480, 1080)
        yield grammar.fill("--- conversation C-«#100000-999999», «weekday» «#1-28» «month», queue: «team» ---")
        for index in range(grammar.number(8, 20)):
            minute += grammar.number(0, 3)
            who, table = (name, "chatlog.customer") if index % 2 == 0 else (agent, "chatlog.agent")
            yield f"[{minute // 60:02}:{minute % 60:02}] {who}: {grammar.say(table)}"
        yield ""


def _survey(grammar: Grammar) -> Blocks:
    yield "id;department;years;satisfaction(1-5);what should change?"
    number = 0
    while True:
        number += 1
        answer = " ".join(grammar.say("survey.answer") for _ in range(grammar.number(1, 3)))
        yield f"{number};{grammar.say('team')};{grammar.number(0, 34)};{grammar.number(1, 5)};{answer}"


def _diary(grammar: Grammar) -> Blocks:
    day = 0
    while True:
        day += 1
        yield f"Day {day}, {grammar.say('town')}"
        yield " ".join(grammar.say("diary.line") for _ in range(grammar.number(3, 8))) + "\n"


def _interview(grammar: Grammar) -> Blocks:
    yield grammar.fill("Interview with «person», recorded in «town» on «#1-28» «month». Q: «first».\n")
    while True:
        yield f"Q: {grammar.say('interview.question')}"
        answer = " ".join(grammar.say("interview.answer") for _ in range(grammar.number(1, 5)))
        yield f"A: {answer}\n"


def _handbook(grammar: Grammar) -> Blocks:
    chapter = 0
    while True:
        chapter += 1
        yield f"{chapter} {grammar.say('handbook.heading')}"
        for step in range(1, grammar.number(5, 11)):
            yield f"{chapter}.{step} {grammar.say('handbook.step')}"
        yield ""


def _protokoll(grammar: Grammar) -> Blocks:
    while True:
        yield grammar.fill("«protokoll.titel», Protokoll vom «#1-28».«#1-12».2026, Leitung: «person»\n")
        for item in range(1, grammar.number(4, 8)):
            yield f"TOP {item}: {grammar.say('protokoll.thema')}"
            yield " ".join(grammar.say("protokoll.satz") for _ in range(grammar.number(2, 6))) + "\n"


def _readings(grammar: Grammar) -> Blocks:
    yield "time,station,temperature_c,humidity_pct,battery_v,remark"
    temperature, minute = 11.0, 0
    while True:
        for station in ("harbour", "school", "ring road", "mill"):
            value = temperature + grammar.rng.gauss(0, 0.6)
            odd = grammar.rng.random()
            remark = grammar.say("survey.answer") if odd > 0.985 else ""
            shown = "-999.0" if odd < 0.01 else f"{value:.1f}"
            stamp = f"2026-02-{3 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}"
            yield f"{stamp},{station},{shown},{grammar.number(48, 97)},{grammar.rng.uniform(3.1, 4.1):.2f},{remark}"
        minute += 10
        temperature += grammar.rng.uniform(-0.3, 0.3)


FORMS: dict[str, Callable[[Grammar], Blocks]] = {
    "minutes": _minutes,
    "report": _report,
    "incident": _incident,
    "contract": _contract,
    "chatlog": _chatlog,
    "survey": _survey,
    "diary": _diary,
    "interview": _interview,
    "handbook": _handbook,
    "protokoll": _protokoll,
    "readings": _readings,
}
