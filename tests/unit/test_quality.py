"""Predicted quality from Python: rows in, artefact, scores, files, and the commands over them."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import turnout
from turnout.cli.app import run
from turnout.errors import QualityError
from turnout.quality import read_rows


def rows(count: int = 90) -> list[dict[str, object]]:
    """The weak model fails on law, and on three of four texts about taxes."""
    return [
        {
            "id": f"row-{n}",
            "prompt": f"explain {'taxes' if n % 2 else 'flowers'} number {n}",
            "category": ("law", "chat")[n // 2 % 2],
            "source": "made-up",
            "models": {"big": {"score": 1.0}, "small": {"score": float(n // 2 % 2 and (n % 2 == 0 or n % 8 == 3))}},
        }
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def fitted() -> turnout.QualityModel:
    return turnout.fit_quality(rows(), date="2026-12-01")


def test_category_and_text_are_learned(fitted: turnout.QualityModel) -> None:
    asked = [{"prompt": "explain flowers", "category": "law"}, {"prompt": "explain flowers", "category": "chat"}]
    law, chat = fitted.scores(asked, strong="big", weak="small")
    assert law > chat + 0.3
    taxes, flowers = fitted.scores(["explain taxes", "explain flowers"], strong="big", weak="small")
    assert taxes > flowers
    assert fitted.models == ["big", "small"]
    assert fitted.categories == ["chat", "law"]
    assert fitted.sources == {"made-up": 90}
    assert (fitted.rows, fitted.date) == (90, "2026-12-01")


def test_an_artefact_survives_its_file_and_no_change(fitted: turnout.QualityModel, tmp_path: Path) -> None:
    path = tmp_path / "quality.bin"
    fitted.save(path)
    again = turnout.QualityModel.load(path)
    assert again.hash == fitted.hash
    assert again.probabilities(["explain taxes"]) == fitted.probabilities(["explain taxes"])
    assert b"explain" not in path.read_bytes()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(QualityError, match="hash") as caught:
        turnout.QualityModel.load(path)
    assert caught.value.code == "bad-artefact"
    assert [each.name for each in tmp_path.iterdir()] == ["quality.bin"]


def test_a_share_and_its_report(fitted: turnout.QualityModel) -> None:
    scores = fitted.scores(rows(), strong="big", weak="small")
    least = fitted.threshold("big", "small", share=0.4)
    assert 0.25 < sum(score >= least for score in scores) / len(scores) < 0.55
    report = fitted.report()
    assert report.sentence in str(report)
    assert json.loads(report.json)["pair"]["apgr"] > 0.6
    assert report.svg.startswith("<svg")


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda _: turnout.fit_quality(rows(19)), "too-few-outcomes"),
        (lambda _: turnout.fit_quality([{"prompt": "x", "models": {"a": 2}}] * 20), "bad-outcome"),
        (lambda _: turnout.fit_quality([{"prompt": "x", "models": {"a": "good"}}] * 20), "quality-outcomes"),
        (lambda _: turnout.fit_quality([{"prompt": "x"}] * 20), "quality-outcomes"),
        (lambda _: turnout.fit_quality([{"models": {}}] * 20), "quality-outcomes"),
        (lambda model: model.scores(["x"], strong="big", weak="opus"), "unknown-quality-model"),
        (lambda model: model.scores([{"text": "x"}], strong="big", weak="small"), "quality-outcomes"),
        (lambda model: model.threshold("big", "small", share=1.5), "bad-share"),
        (lambda model: model.save("/nowhere/at/all"), "quality-unreadable"),
        (lambda model: model.load("/nowhere/at/all"), "quality-unreadable"),
    ],
)
def test_what_cannot_be_is_a_typed_error(
    fitted: turnout.QualityModel, act: Callable[[turnout.QualityModel], object], code: str
) -> None:
    with pytest.raises(QualityError) as caught:
        act(fitted)
    assert caught.value.code == code


def test_odd_texts_are_scored(fitted: turnout.QualityModel) -> None:
    odd = ["", "\0", "\ud800 lone", "a" * 200_000, "\N{COMBINING ACUTE ACCENT}" * 50, "\U0001f600", "日本語のテキスト"]
    assert len(fitted.scores(odd, strong="big", weak="small")) == len(odd)


def test_rows_are_read_from_plain_and_packed_files(tmp_path: Path) -> None:
    plain, packed, broken = (tmp_path / name for name in ("a.jsonl", "b.jsonl.gz", "c.jsonl"))
    text = "".join(json.dumps(row) + "\n\n" for row in rows(3))
    plain.write_text(text, encoding="utf-8")
    packed.write_bytes(gzip.compress(text.encode()))
    assert list(read_rows(plain)) == list(read_rows(packed)) == rows(3)
    broken.write_text('{"prompt": "x"}\n[1]\n', encoding="utf-8")
    with pytest.raises(QualityError, match=r"c\.jsonl:2"):
        list(read_rows(broken))
    packed.write_bytes(gzip.compress(text.encode())[:-9])
    with pytest.raises(QualityError, match="cannot be read"):
        list(read_rows(packed))


def test_fit_score_and_report_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, more, art, out = (str(tmp_path / name) for name in ("a.jsonl", "b.jsonl", "q.bin", "s.jsonl"))
    Path(data).write_text("".join(json.dumps(row) + "\n" for row in rows()[:60]), encoding="utf-8")
    Path(more).write_text("".join(json.dumps(row) + "\n" for row in rows()[60:]), encoding="utf-8")
    assert run(["quality", "fit", "--data", data, more, "--out", art]) == 0
    assert "you keep" in capsys.readouterr().out
    # Scored rows need no outcome, no source and no known category.
    bare = [{"id": row["id"], "prompt": row["prompt"], "category": "never seen"} for row in rows(5)]
    Path(data).write_text("".join(json.dumps(row) + "\n" for row in bare), encoding="utf-8")
    pair = ["--strong", "big", "--weak", "small"]
    assert run(["quality", "score", "--artefact", art, "--data", data, *pair, "--out", out, "--share", "0.5"]) == 0
    lines = [json.loads(line) for line in Path(out).read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == [f"row-{n}" for n in range(5)]
    assert all(isinstance(line["score"], float) and line["model"] in ("big", "small") for line in lines)
    picture = tmp_path / "q.svg"
    assert run(["quality", "report", "--artefact", art, "--json", "--svg", str(picture)]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 90
    assert picture.read_text(encoding="utf-8").endswith("</svg>")
    assert run(["quality", "score", "--artefact", data, "--data", data, *pair]) == 2


def test_classify_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["classify", "--prompt", "Translate into French: good morning, how are you today?"]) == 0
    shown = capsys.readouterr().out
    assert "translation" in shown
    assert "language    en" in shown
    assert run(["classify", "--prompt", "hm", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["language"] is None


def test_the_python_of_the_page_runs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "quality.md").read_text(encoding="utf-8")
    bodies = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert bodies
    for body in bodies:
        exec(compile(body, "docs/quality.md", "exec"), {})
