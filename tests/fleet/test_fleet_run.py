"""`station fleet` on a real mosquitto: all online, every claim a verdict, storms pass, what is said is published."""

import json
from pathlib import Path

import pytest

from station import cli
from station.fleet.options import FleetOptions, Result, Storm
from station.fleet.run import Run
from tests.broker.lab import Lab
from tests.interface.test_interface_traffic import problems
from tests.support.backend import Backend
from tests.support.mosquitto import Mosquitto, free_port

QUICK = ("--stations", "6", "--rate", "20", "--duration", "1", "--backoff-min", "0.1", "--json")


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    made: dict[str, object] = json.loads(capsys.readouterr().out)
    return made


def test_every_claim_gets_its_verdict_and_every_storm_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Mosquitto(tmp_path) as broker:
        assert cli.main(["fleet", "--port", str(broker.port), "--processes", "2", *QUICK]) == 0
    told = printed(capsys)
    assert told["well"] is True
    assert told["claims"] == told["verdicts"] == 20
    assert told["answers"] == {"ok": 20}
    assert [storm["cause"] for storm in told["storms"]] == ["start", "all cut at once"]  # type: ignore[attr-defined]
    assert [told[key] for key in ("gaps", "missing", "unconfirmed", "differing", "refused")] == [0] * 5


def test_with_certificates_of_the_lab_over_mutual_tls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab = Lab(tmp_path / "lab")
    given = ["fleet", "--host", "localhost", "--ca", str(lab.authority.folder), "--state", str(tmp_path / "f"), *QUICK]
    with lab.broker() as broker:
        status = cli.main([*given, "--port", str(broker.port)])
        first = printed(capsys)
        assert status == 0, (first, broker.log[-20:])
        assert cli.main([*given, "--port", str(broker.port)]) == 0
    assert (first["tls"], first["verdicts"], first["refused"]) == (True, 20, 0)
    assert len([entry for entry in lab.authority.entries() if entry.role == "station"]) == 6  # used again


def test_a_broker_that_is_not_there_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--state", str(tmp_path), "--patience", "1"]
    assert cli.main(["fleet", "--port", str(free_port()), *given, *QUICK]) == 1
    assert "connection refused; start the broker" in capsys.readouterr().err


def test_plain_tcp_beyond_loopback_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fleet", "--host", "broker.example", *QUICK]) == 2
    assert "plain TCP is for loopback only" in capsys.readouterr().err


def test_a_broker_that_restarts_by_itself_is_a_storm_of_the_table(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        options = FleetOptions(port=broker.port, stations=4, rate_per_s=5, duration_s=1, storms=0, backoff_min_s=0.1)
        restarted: list[str] = []

        def tell(text: str) -> None:
            if text.startswith("claims") and not restarted:
                restarted.append(text)
                broker.kill()
                broker.start()

        run = Run(options, tmp_path, tell)
        try:
            result = run.go()
        finally:
            run.close()
    assert [storm.cause for storm in result.storms] == ["start", "connections were lost"]
    assert result.storms[1].stations > 0
    assert (result.verdicts, result.missing, result.gaps) == (5, 0, 0)


@pytest.mark.parametrize("lean", [False, True])
def test_what_light_stations_say_is_published_like_all_else(tmp_path: Path, lean: bool) -> None:
    with Mosquitto(tmp_path) as broker:
        options = FleetOptions(port=broker.port, stations=1, rate_per_s=4, duration_s=1, storms=0, lean=lean)
        root = options.station(0).root
        with Backend(broker.port, root) as backend:
            run = Run(options, tmp_path, lambda _: None)
            try:
                assert run.go().well
                backend.wait(lambda: lean or len(backend.heard("evt/transaction")) >= 8)
            finally:
                run.close()
            backend.wait(lambda: backend.heard("st/conn")[-1].event["data"] == {"state": "offline"})
    said = [heard for heard in backend.messages if "/cmd/" not in heard.topic and "/ack/" not in heard.topic]
    assert [problem for heard in said for problem in problems(heard, root)] == []
    assert {heard.topic.removeprefix(root) for heard in said} >= {"evt/verdict", "st/info", "st/health", "st/conn"}
    assert bool(backend.heard("evt/transaction")) != lean


@pytest.mark.parametrize("wrong", [{"gaps": 1}, {"missing": 1}, {"unconfirmed": 2}, {"differing": 1}])
def test_a_run_that_lost_something_is_not_well(wrong: dict[str, int]) -> None:
    sound = {"gaps": 0, "missing": 0, "unconfirmed": 0, "differing": 0}

    def result(storm_s: float | None, **changed: int) -> Result:
        return Result(
            stations=1, processes=1, tls=False, seconds=1.0, claims=1, answers={}, verdicts=1, verdicts_per_s=1.0,
            late=0, duplicates=0, latency_ms={}, storms=(Storm(cause="start", stations=1, seconds=storm_s),),
            published=1, refused=0, troubles={}, processor_s=0.1, **{**sound, **changed},
        )  # fmt: skip

    assert result(1.0).well
    assert not result(1.0, **wrong).well
    assert not result(None).well
