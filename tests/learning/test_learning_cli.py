"""`station check --learn` and what `station catalogue` tells of it."""

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from station import cli
from station.core.product import Product
from tests.learning.shop import TARE_SD_G, Shop, gtin_of

CASES = 60


def run(*arguments: str) -> int:
    return cli.main(list(arguments))


def write_catalogue(folder: Path, products: Sequence[Product]) -> Path:
    path = folder / "products.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode(product) for product in products))
    return path


def stream(shop: Shop, number: int) -> list[bytes]:
    lines: list[dict[str, object]] = []
    for at, lesson in enumerate(shop.stream(number)):
        goods = [{"line": n, "gtin": gtin, "quantity": q} for n, (gtin, q) in enumerate(lesson.goods, start=1)]
        claim = {
            "transaction_id": f"T-{at}", "revision": 1, "lines": goods, "shopper": f"S-{at % 12}",
            "tare": {"kind": "basket", "weight_g": 600.0, "sd_g": TARE_SD_G},
        }  # fmt: skip
        weight = {"gross_g": lesson.weight_g + 600.0, "sd_g": 1.0}
        lines.append({"type": "case", "case_id": str(at), "claim": claim, "weight": weight})
        contents = [{"gtin": gtin, "quantity": q} for gtin, q in lesson.goods]
        if at % 10 == 9:
            whom: dict[str, object] = {"transaction_id": f"T-{at}", "source": "attendant"}
            lines.append({"type": "feedback", **whom, "contents": contents})
    return [json.dumps(line).encode() + b"\n" for line in lines]


def check(monkeypatch: pytest.MonkeyPatch, lines: Sequence[bytes], *arguments: str) -> list[dict[str, object]]:
    """Return the answers, without what a clock measured."""
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"".join(lines))))
    with monkeypatch.context() as here:
        here.setattr(sys, "stdout", io.TextIOWrapper(out, write_through=True))
        assert run("check", *arguments) == 0
        sys.stdout.flush()
        answers = [json.loads(line) for line in out.getvalue().splitlines()]
    for answer in answers:
        answer.get("verdict", {}).pop("timing_ms", None)
    return answers


def test_learning_in_parts_is_learning_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shop = Shop()
    catalogue, lines = str(write_catalogue(tmp_path, shop.catalogue())), stream(shop, CASES)
    whole = check(monkeypatch, lines, "--catalogue", catalogue, "--learn")
    state = str(tmp_path / "state")
    parts = [
        answer for part in (lines[:25], lines[25:])
        for answer in check(monkeypatch, part, "--catalogue", catalogue, "--learn", "--state", state)
    ]  # fmt: skip
    assert len(whole) == CASES
    assert parts == whole
    plain = check(monkeypatch, [line for line in lines if b'"case"' in line], "--catalogue", catalogue)
    assert plain[-1] != whole[-1]  # it did learn


def test_what_was_learned_is_used_without_learning_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shop = Shop()
    catalogue, lines = str(write_catalogue(tmp_path, shop.catalogue())), stream(shop, CASES)
    state = ("--state", str(tmp_path / "state"))
    check(monkeypatch, lines[:-1], "--catalogue", catalogue, "--learn", *state)
    kept = (tmp_path / "state" / "lessons.db").read_bytes()
    case = [line for line in lines if b'"case"' in line][-1:]
    told = b'{"type": "feedback", "transaction_id": "T-1", "source": "attendant", "contents": []}\n'
    *answers, refused = check(monkeypatch, case * 3 + [told], "--catalogue", catalogue, *state)
    assert answers[0] == answers[1] == answers[2]
    assert "--learn" in str(refused["error"])
    assert (tmp_path / "state" / "lessons.db").read_bytes() == kept
    plain = check(monkeypatch, case, "--catalogue", catalogue)
    assert answers[0] == check(monkeypatch, case, "--catalogue", catalogue, "--learn", *state)[0] != plain[0]


def test_a_state_that_cannot_be_read_is_one_line_and_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    catalogue = write_catalogue(tmp_path, Shop().catalogue())
    (tmp_path / "lessons.db").write_bytes(b"nonsense" * 1000)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert run("check", "--catalogue", str(catalogue), "--state", str(tmp_path)) == 1
    assert "lessons.db" in capsys.readouterr().err
    assert [file.name for file in tmp_path.glob("lessons*")] == ["lessons.db"]


def test_feedback_that_cannot_be_used_is_told_by_its_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    catalogue = str(write_catalogue(tmp_path, Shop().catalogue()))
    unknown = json.dumps({"type": "feedback", "transaction_id": "X", "source": "attendant", "contents": []}).encode()
    answers = check(monkeypatch, [unknown + b"\n", b'{"type": "feedback"}\n'], "--catalogue", catalogue, "--learn")
    assert [answer["line"] for answer in answers] == [1, 2]
    assert "remembered" in str(answers[0]["error"])
    assert "transaction_id" in str(answers[1]["error"])


def test_what_was_learned_is_shown_and_exported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop, state = Shop(products=12), str(tmp_path / "state")
    path = write_catalogue(tmp_path, shop.catalogue())
    config = tmp_path / "other.csv"
    check(monkeypatch, stream(shop, 550), "--catalogue", str(path), "--learn", "--state", state)
    capsys.readouterr()
    assert run("catalogue", "show", gtin_of(3), "--state", state, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert abs(shown["learned"]["mean_g"] - shop.mean_g[3]) < 4 * shown["learned"]["mean_sd_g"] < 20
    assert (shown["learned"]["status"], shown["learned"]["shoppers"]) == ("trusted", pytest.approx(12, abs=4))
    assert shown["history"][0]["number"] == 50
    assert run("catalogue", "show", gtin_of(3), "--state", state) == 0
    told = capsys.readouterr().out
    assert f"learned          {shown['learned']['mean_g']:.1f} ± " in told
    assert "status           trusted" in told
    assert told.count("|") >= len(shown["history"])  # the catalogue's weight beside each point
    assert "-o-" in told
    assert run("catalogue", "export", str(config), "--learned", "--state", state) == 0
    assert run("catalogue", "import", str(config), "--state", str(tmp_path / "copy")) == 0
    capsys.readouterr()
    assert run("catalogue", "show", gtin_of(3), "--state", str(tmp_path / "copy"), "--json") == 0
    copy = json.loads(capsys.readouterr().out)
    assert copy["weight_g"] == shown["learned"]["mean_g"]
    assert copy["learned"] is None
