"""The table of faults: for each one its rows in the catalogue of faults, what happens, and the bytes of it.

`docs/faults.md` says what Turnout makes of each; the numbers F01 to F93 are its rows. A path `/f/NAME/...`, a header
`x-lab-fault: NAME`, a script and a rate all name a fault by the key it has here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from turnout.lab import acts
from turnout.lab.acts import Act, both, change_bytes, change_frames, change_json, halves, lines, status, until_content
from turnout.lab.exchange import Frame
from turnout.lab.scene import Do, Performance, Scene
from turnout.lab.schema import Json

__all__ = ["FAULTS", "OK", "Fault"]

OK: Final = "ok"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can go wrong.

    Args:
        rows: The rows of the catalogue that it shows, such as `F59`; empty for what is no fault.
        meaning: What happens, for people.
        act: What is put on the wire.
    """

    rows: str
    meaning: str
    act: Act


def _asked_wait(scene: Scene) -> Performance:
    return status("429", (("retry-after", str(scene.retry_after_s)),))(scene)


def _limit_gone(scene: Scene) -> Performance:
    said = {"remaining": "0", "limit": "1", "reset": "1m0s"}
    act = acts.fine(scene)
    headers = [
        (name, next((word for part, word in said.items() if "ratelimit" in name and f"-{part}" in name), value))
        for name, value in act.headers
    ]
    return dataclasses.replace(act, headers=tuple(headers))


def _slow(scene: Scene) -> Performance:
    return dataclasses.replace(acts.fine(scene), late_ms=scene.slow_ms)


def _early_hints(scene: Scene) -> Performance:
    return dataclasses.replace(acts.fine(scene), early=(103,))


def _empty(scene: Scene) -> Performance:
    act = acts.fine(scene)
    return dataclasses.replace(act, steps=(), length=None if scene.question.is_stream else 0)


def _no_body(code: int) -> Act:
    return lambda _: Performance((), code, content_type=None, length=None if code == 204 else 0)


def _usage(new: Json) -> Act:
    return change_json(lambda _, value: acts.walk(value, "usage", lambda old: old if old is None else new))


def _figures(figure: int) -> Act:
    def change(old: Json) -> Json:
        if isinstance(old, Mapping):
            return {name: change(each) for name, each in old.items()}
        return figure if isinstance(old, int) else old

    return change_json(lambda _, value: acts.walk(value, "usage", change))


def _ending(reason: str) -> Act:
    return change_json(lambda scene, value: scene.dialect.ended(value, reason))


def _twice(kind: str) -> Act:
    def change(_: Scene, frames: list[Frame]) -> list[Frame | Do]:
        at = next((at for at, frame in enumerate(frames) if frame.kind == kind), None)
        return [*frames] if at is None else [*frames[: at + 1], *frames[at:]]

    return change_frames(change)


def _without(kind: str) -> Act:
    return change_frames(lambda _, frames: [frame for frame in frames if frame.kind != kind])


def _first(*extra: bytes) -> Act:
    return change_frames(lambda _, frames: acts.insert_first(frames, [Frame(data) for data in extra]))


def _dialects_own(scene: Scene, frames: list[Frame]) -> list[Frame | Do]:
    return acts.insert_first(frames, scene.dialect.strange_frames)


def _deep(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


_GOOD_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
_CUT: Final = both(acts.first_chunks(0.5, Do.CUT), halves(Do.CUT))
_OVERFLOWS: Final = {
    "overflow_google": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "overflow_llama": "the request exceeds the available context size (8192 tokens), try increasing it",
    "overflow_mistral": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum "
    "context length",
    "overflow_xai": "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
    "overflow_ollama": "prompt too long; exceeded max context length by 12 tokens",
}

FAULTS: Final[dict[str, Fault]] = {
    OK: Fault("", "no fault: a place in a script where the call goes well", acts.fine),
    # Connection and time.
    "reset": Fault("F05", "the connection is reset (RST) before any answer", acts.nothing(Do.RESET)),
    "closed": Fault("F05", "the connection is closed without any answer", acts.nothing(Do.CUT)),
    "stale": Fault("F06 F87", "it goes well, and the kept connection is closed as it is used again", acts.stale),
    "garbage": Fault("F05", "an answer that is not HTTP", acts.over_head(b"SSH-2.0-lab\r\n\r\n")),
    "stall": Fault("F10 F11", "no answer ever comes, and the connection stays open", acts.nothing(Do.STALL)),
    "dribble": Fault("F12", "one byte every 20 s", acts.in_pieces(1, gap_ms=20_000)),
    "stall_first": Fault(
        "F13",
        "the head comes at once, and then nothing",
        both(lambda scene: dataclasses.replace(acts.fine(scene), steps=(Do.STALL,)), until_content(Do.STALL)),
    ),
    "slow": Fault("F13 F17", "the first token comes late", _slow),
    "stall_mid": Fault(
        "F14", "it stalls after about half of its content", both(acts.first_chunks(0.5, Do.STALL), halves(Do.STALL))
    ),
    "pings": Fault(
        "F15",
        "a stream sends signs of life and no content; else as `stall`",
        both(acts.nothing(Do.STALL), until_content(Do.PING)),
    ),
    "pings_mid": Fault(
        "F15",
        "a stream sends only signs of life after about half of its content; else as `stall_mid`",
        both(acts.first_chunks(0.5, Do.STALL), halves(Do.PING)),
    ),
    # Status.
    "429": Fault("F18 F24", "rate limited, with retry-after in seconds", _asked_wait),
    "429_date": Fault(
        "F19", "rate limited, with a date in retry-after, by a clock that is an hour wrong", acts.wait_until(2)
    ),
    "429_ms": Fault(
        "F20",
        "rate limited, with retry-after-ms beside seconds",
        status("429", (("retry-after", "9"), ("retry-after-ms", "250"))),
    ),
    "limit_gone": Fault(
        "", "it goes well, and its headers say that nothing is left of a limit for the next minute", _limit_gone
    ),
    "429_azure": Fault(
        "F20", "rate limited, with x-ms-retry-after-ms", status("429", (("x-ms-retry-after-ms", "250"),))
    ),
    "429_long": Fault("F21", "rate limited for 90 s", status("429", (("retry-after", "90"),))),
    "429_absurd": Fault("F21", "rate limited for 31 years", status("429", (("retry-after", "1000000000"),))),
    "429_negative": Fault("F21", "rate limited for less than nothing", status("429", (("retry-after", "-5"),))),
    "429_nan": Fault("F21", "rate limited for no number", status("429", (("retry-after", "NaN"),))),
    "429_inf": Fault("F21", "rate limited for ever", status("429", (("retry-after", "inf"),))),
    "429_bare": Fault("F22", "rate limited without a hint", status("429")),
    "429_quota": Fault("F23", "the key's quota is used up, said with 429", status("quota")),
    "529": Fault("F26", "overloaded (Anthropic 529, OpenAI 503)", status("529")),
    "500": Fault("F27", "internal error", status("500")),
    "502": Fault("F27", "bad gateway, as a page", acts.page(502)),
    "503": Fault("F27", "unavailable", status("529", code=503)),
    "503_wait": Fault("F27", "unavailable, with retry-after", status("529", (("retry-after", "2"),), code=503)),
    "504": Fault("F27", "gateway timeout, as a page", acts.page(504)),
    "408": Fault("F28", "request timeout", status("500", code=408)),
    "413": Fault("F29", "the body is too large", status("413")),
    "overflow": Fault(
        "F30", "the request is longer than the model's context, in the provider's words", status("overflow")
    ),
    **{
        name: Fault("F30", f"the same in the words of {name.removeprefix('overflow_')}", status("400", message=text))
        for name, text in _OVERFLOWS.items()
    },
    "400": Fault("F31", "the request is wrong", status("400", message="temperature: must be at most 1")),
    "401": Fault("F32", "the key is not accepted", status("401")),
    "403": Fault("F32", "the key may not do this", status("403")),
    "402": Fault("F33", "the account must be paid", status("402")),
    "404": Fault("F34", "the model is not known", status("404")),
    "409": Fault("F35", "a conflict", status("500", code=409)),
    "retry_yes": Fault(
        "F36", "400 with x-should-retry: true", status("400", (("x-should-retry", "true"),), "try again")
    ),
    "retry_no": Fault("F36", "500 with x-should-retry: false", status("plain500", (("x-should-retry", "false"),))),
    "307": Fault(
        "F37",
        "a redirect to another host",
        lambda _: Performance((), 307, (("location", "http://127.0.0.1:9/v1"),), None, 0),
    ),
    "103": Fault("F38", "early hints (103), and then it goes well", _early_hints),
    "202": Fault("F38", "accepted (202), without a body", _no_body(202)),
    "204": Fault("F38", "no content (204)", _no_body(204)),
    "599": Fault("F39", "an unknown status of the 5xx class", status("500", code=599)),
    "700": Fault("F39", "an unknown status", status("500", code=700)),
    "000": Fault("F39", "status 000", acts.over_head(b"HTTP/1.1 000 Lab\r\ncontent-length: 0\r\n\r\n")),
    # Bodies.
    "html200": Fault("F40 F62", "status 200 and an HTML page", acts.html),
    "html_stream": Fault(
        "F62",
        "an HTML page under the content type of a stream; else as `html200`",
        both(acts.html, acts.framed(Frame(acts.HTML))),
    ),
    "error_first": Fault(
        "F41 F57",
        "status 200, then an error as first event; a whole answer is an error object with status 200",
        both(acts.error_body, acts.error_frame),
    ),
    "cut_json": Fault(
        "F42",
        "a whole answer whose JSON ends in the middle; a stream: as `cut_clean`",
        both(acts.first_chunks(0.5, says_length=False), halves()),
    ),
    "not_json": Fault("F42", "words where JSON should be", change_bytes(lambda data: data.replace(b"{", b"(", 1))),
    "empty200": Fault("F43 F61", "status 200 and no body", _empty),
    "nothing_said": Fault(
        "F44", "an answer without content (`choices: []`, `content: []`) that ends well", acts.said_nothing
    ),
    "null_content": Fault(
        "F45",
        "content null, and an ending as if all were well",
        both(change_json(lambda scene, value: scene.dialect.nulled(value)), acts.said_nothing),
    ),
    "cut": Fault(
        "F46 F60",
        "a stream is cut after about half of its content, a whole answer has a short body; the connection just ends",
        _CUT,
    ),
    "short_length": Fault(
        "F46", "the stated length is shorter than the body", both(lambda scene: _lying(scene, -20), _CUT)
    ),
    "wrong_type": Fault("F47", "it goes well under the wrong content type", acts.text_type),
    "gzip": Fault("F48", "it goes well, compressed though nobody asked", acts.encoded("gzip", acts.gzipped)),
    "gzip_broken": Fault(
        "F48",
        "a compressed body that is broken",
        acts.encoded("gzip", lambda data: acts.gzipped(data)[:12] + b"broken" * 9),
    ),
    "gzip_cut": Fault(
        "F48", "a compressed body without its end", acts.encoded("gzip", lambda data: acts.gzipped(data)[:-9])
    ),
    "unknown_encoding": Fault(
        "F48", "a body in an encoding that nobody asked for", acts.encoded("zstd", lambda data: data)
    ),
    "bomb": Fault("F48", "gzip that grows a thousandfold to 300 MiB", acts.bomb(300)),
    "endless": Fault("F49", "a body of 96 MiB", acts.endless(96)),
    "huge_header": Fault(
        "F49", "a header of 4 MiB", acts.over_head(_GOOD_HEAD + b"x-pad: " + b"0" * (4 << 20) + b"\r\n\r\n", b"{}")
    ),
    "bad_utf8": Fault(
        "F50",
        "bytes that are no UTF-8 inside a text",
        change_bytes(lambda data: data.replace(b" the ", b" \xff\xfe ", 1)),
    ),
    "surrogate": Fault(
        "F50",
        "a lone surrogate and a NUL, escaped, inside a text",
        change_bytes(lambda data: data.replace(b" the ", b" \\ud800\\u0000 ", 1)),
    ),
    "deep": Fault(
        "F51",
        "JSON that is 10,000 levels deep",
        both(lambda scene: _with_body(scene, _deep(10_000)), _first(b"data: " + _deep(10_000) + b"\n\n")),
    ),
    "wide_numbers": Fault(
        "F51",
        "numbers out of any range, and a key that comes twice",
        change_bytes(lambda data: data.replace(b'{"id":', b'{"x":1e999,"x":-1e400,"id":', 1)),
    ),
    "usage_missing": Fault("F52 F74", "no usage", _usage(acts.LEFT_OUT)),
    "usage_null": Fault("F52", "a usage of null", _usage(None)),
    "usage_negative": Fault("F52", "a usage below nothing", _figures(-7)),
    "usage_absurd": Fault("F52", "a usage of 10^15 tokens", _figures(10**15)),
    "ends_length": Fault("F53", "the answer ends at its token limit", _ending("length")),
    "ends_refusal": Fault("F54", "a filter ends the answer", _ending("refusal")),
    "ends_pause": Fault("F55", "the turn is paused", _ending("pause")),
    "ends_window": Fault("F55", "the answer ends at the context window", _ending("window")),
    "ends_unknown": Fault("F55 F56", "an ending that nobody knows", _ending("unknown")),
    "strange": Fault(
        "F56",
        "fields, events and blocks that nobody knows",
        both(change_json(lambda scene, value: scene.dialect.strange(value)), change_frames(_dialects_own)),
    ),
    # Streams; whole answers go well where nothing else is said.
    "error_mid": Fault(
        "F58",
        "a stream turns into an error event after about half of its content; else as `error_first`",
        both(acts.error_body, halves("error")),
    ),
    "cut_clean": Fault(
        "F59",
        "a stream ends after half of its content, properly for HTTP, without its last event; else as `cut`",
        both(acts.first_chunks(0.5, Do.CUT), halves()),
    ),
    "reset_mid": Fault(
        "F60", "the connection is reset after about half", both(acts.first_chunks(0.5, Do.RESET), halves(Do.RESET))
    ),
    "pings_end": Fault(
        "F61",
        "a stream of signs of life that ends",
        change_frames(lambda scene, _: [Frame(scene.dialect.ping), Frame(b": ping\n\n")]),
    ),
    "trailing_error": Fault(
        "F63",
        "a bare JSON error after about half of a stream's events; else as `error_first`",
        both(acts.error_body, halves("raw_error")),
    ),
    "bad_frame": Fault(
        "F64",
        "one event is broken JSON; else as `cut_json`",
        both(acts.first_chunks(0.5, says_length=False), acts.break_frame),
    ),
    "null_data": Fault(
        "F65",
        "events with null, with nothing, and comments",
        _first(b"data: null\n\n", b"data:\n\n", b": nothing\n\n", b"data\n\n", b"event: x\n\n"),
    ),
    "split_bytes": Fault("F66 F68", "every byte in a segment of its own", acts.in_pieces(1)),
    "crlf": Fault("F67", "lines end in CR LF", lines(b"\r\n")),
    "cr": Fault("F67", "lines end in CR", lines(b"\r")),
    "bom": Fault("F67", "a byte order mark, `id:` and `retry:`", acts.marked),
    "multiline": Fault("F67", "the data of an event in several lines", acts.several_lines),
    "huge_event": Fault("F69", "one event of 20 MiB", _first(b'data: {"pad":"' + b"0" * (20 << 20) + b'"}\n\n')),
    "twice": Fault("F70", "an event of content comes twice", _twice("content")),
    "twice_open": Fault("F70", "the beginning of a block comes twice", _twice("open")),
    "twice_end": Fault("F70", "the last event comes twice", _twice("end")),
    "misplaced": Fault(
        "F71",
        "content of a block that never began",
        change_frames(lambda scene, frames: acts.insert_first(frames, [scene.dialect.misplaced_frame])),
    ),
    "extra": Fault("F72", "content after the last event", acts.more_after_end),
    "no_reason": Fault("F73", "the last event comes, but no reason for the ending", _without("finish")),
    "no_done": Fault("F73", "the reason for the ending comes, but no last event", _without("end")),
    "cut_tool": Fault(
        "F75", "a tool call whose arguments are cut, under the ending of a whole one", acts.cut_tool_call
    ),
}
"""Each fault by its name."""


def _lying(scene: Scene, difference: int) -> Performance:
    body = scene.reply().body
    head = _GOOD_HEAD + b"content-length: %d\r\n\r\n" % (len(body) + difference)
    return Performance((Frame(body),), head=head)


def _with_body(scene: Scene, body: bytes) -> Performance:
    act = acts.fine(scene)
    return dataclasses.replace(act, steps=(Frame(body),), length=len(body))
