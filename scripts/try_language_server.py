"""Opens a policy in a YAML language server, as an editor does, and asks for completion, hovers and diagnostics.

Run: .venv/bin/python scripts/try_language_server.py PATH/TO/yaml-language-server POLICY (`make clients` does)
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


class Server:
    """A language server on its standard streams; one request at a time."""

    def __init__(self, program: str) -> None:
        self._process = subprocess.Popen([program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._last = 0
        self.diagnostics: dict[str, list[dict[str, Any]]] = {}

    def notify(self, method: str, parameters: object, **more: object) -> None:
        """Sends a message that has no answer."""
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": parameters, **more}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def ask(self, method: str, parameters: object) -> dict[str, Any]:
        """Sends a request and waits for its answer; what the server asks meanwhile is answered with nothing."""
        self._last += 1
        self.notify(method, parameters, id=self._last)
        while True:
            message = self.read()
            if message.get("id") == self._last and "method" not in message:
                result = message.get("result") or {}
                return result if isinstance(result, dict) else {"items": result}

    def read(self) -> dict[str, Any]:
        """The next message."""
        assert self._process.stdout is not None
        length = 0
        while (line := self._process.stdout.readline().strip()) or not length:
            if not line and self._process.poll() is not None:
                raise SystemExit("the language server ended")
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        if "id" in message and "method" in message:
            asked = message.get("params") or {}
            empty = [{} for _ in asked.get("items", [])] if message["method"] == "workspace/configuration" else None
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": empty}).encode()
            assert self._process.stdin is not None
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            self._process.stdin.flush()
        elif message.get("method") == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        return message

    def end(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()


def opened(server: Server, path: Path, text: str, name: str) -> str:
    """Opens a text as a file beside the policy, so that the comment in its first line finds the schema."""
    uri = path.resolve().with_name(name).as_uri()
    server.notify(
        "textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}}
    )
    return uri


def place_of(text: str, marker: str, behind: int) -> dict[str, int]:
    """The position behind the first so many characters of a marker."""
    before = text[: text.index(marker) + behind]
    return {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}


def expect(what: str, found: str, words: list[str]) -> None:
    """Prints what was found, or ends with what is missing."""
    missing = [word for word in words if word not in found]
    if missing:
        raise SystemExit(f"{what}: {missing} is not in {found[:400]!r}")
    print(f"ok: {what}")


def main(program: str, policy: str) -> None:
    """Asks, and compares with what the schema says."""
    path = Path(policy)
    text = path.read_text(encoding="utf-8")
    server = Server(program)
    try:
        server.ask("initialize", {"processId": None, "rootUri": path.resolve().parent.as_uri(), "capabilities": {}})
        server.notify("initialized", {})
        uri = opened(server, path, text, path.name)
        hovers = [
            ("a hover on `escalate`", "escalate:", 3, ["How far a poor answer climbs"]),
            ("a hover on a rule's `when`", "when: tokens", 2, ["Its condition", "x is known", "any_word"]),
            ("a hover on `deadline`", "deadline:", 3, ["retries, fallbacks and waits included"]),
        ]
        for what, marker, behind, words in hovers:
            place = {"textDocument": {"uri": uri}, "position": place_of(text, marker, behind)}
            hover = server.ask("textDocument/hover", place)
            expect(what, json.dumps(hover.get("contents", "")).replace("\\\\", ""), words)

        started = text.replace("otherwise:\n", "otherwise:\n  \n", 1) + "\nunknown: \n"
        edited = opened(server, path, started, "edited.yaml")
        completions = [
            (
                "completion of a choice's keys",
                "otherwise:\n  ",
                len("otherwise:\n  "),
                ["accept", "escalate", "require", "run", "set"],
            ),
            ("completion of a closed set of words", "\nunknown: ", len("\nunknown: "), ["strongest", "skip"]),
        ]
        for what, marker, behind, words in completions:
            place = {"textDocument": {"uri": edited}, "position": place_of(started, marker, behind)}
            found = server.ask("textDocument/completion", place)
            expect(what, " ".join(str(item["label"]) for item in found["items"]), words)

        wrong = text.replace("deadline: 120s", "deadline: 120").replace("attempts: 3", "atempts: 3")
        damaged = opened(server, path, wrong, "wrong.yaml")
        while damaged not in server.diagnostics or uri not in server.diagnostics:
            server.read()
        if server.diagnostics[uri]:
            raise SystemExit(f"the policy as it is shipped has findings: {server.diagnostics[uri]}")
        said = " ".join(each["message"] for each in server.diagnostics[damaged])
        expect("a line under a duration without a unit, and under a misspelt key", said, ["atempts", "string"])
    finally:
        server.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
