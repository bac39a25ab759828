"""`calibrate run` and its single steps, and what ends a session: accept, abort, report."""

import argparse
import contextlib
import shutil
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec

from calibration import accepting, certificate, sessions, store
from calibration.asking import Asker, language_of
from calibration.bench import Bench, Scale
from calibration.captures import Capture, Step
from calibration.conduct import Conductor
from calibration.control_client import OutOfReachError, out_of_service
from calibration.faces import LineFace, ScreenFace, console, title, usable_screen
from calibration.finding_words import sentence
from calibration.guide import Guide
from calibration.preparing import Prepared, begin, platform_of, step_plan
from calibration.procedure import Action
from calibration.record import CalibrationError
from calibration.remarks import Message
from calibration.results import Evaluation
from calibration.screen import Style, places_of
from calibration.sessions import SessionFile
from calibration.single import one_capture
from calibration.stations import ConfigurationError
from calibration.texts import Language, load, mass, say

OK, REFUSED = 0, 1
WIDE = 200  # where nobody's terminal has to be fitted
LEFT = 1  # a session that is not finished has not passed


class Desk:
    """One command at work: the scale, the language, and whether anybody can be asked."""

    def __init__(self, chosen: argparse.Namespace, bench: Bench, scale: Scale) -> None:
        self.chosen, self.bench, self.scale = chosen, bench, scale
        self.language: Language = language_of(getattr(chosen, "lang", None))
        alone = getattr(chosen, "yes", False) or chosen.json
        self.asker = Asker(self.language, may_ask=not alone and sys.stdin.isatty())

    @property
    def agree(self) -> bool:
        """Whether nobody is to be asked."""
        return bool(self.chosen.yes)

    def say(self, key: str, **values: Any) -> None:
        """Tell people something, not where JSON is wanted."""
        if not self.chosen.json:
            self.asker.tell(say(self.language, key, **values))

    @contextlib.contextmanager
    def ours(self) -> Iterator[None]:
        """Hold the scale against other technicians, and the station out of service."""
        scale = self.scale
        with sessions.hold(scale.state_dir, scale.number):
            if scale.control is None:
                yield
                return
            told = False

            def waiting(_told: object) -> None:
                nonlocal told
                if not told:
                    self.say("draining")
                told = True

            try:
                with out_of_service(scale.control, scale.number, progress=waiting) as held:
                    yield
                if held.running:
                    self.say("back_in_service")
            except OutOfReachError as error:
                raise CalibrationError(str(error)) from error


def run(desk: Desk) -> int:
    """Take up the open session, or begin one, and go through it to the end."""
    with desk.ours():
        session = _take_up(desk) or begin(desk.scale, desk.chosen, desk.asker, desk.chosen.kind)
        finished = guided(desk, session, session.plan)
    if not finished:
        return _left(desk, session)
    return _close(desk, session)


def step(desk: Desk) -> int:
    """Do one step: guided, or one capture of what lies there now."""
    with desk.ours():
        session = sessions.find_open(desk.scale.state_dir, desk.scale.number)
        if session is None:
            session = begin(desk.scale, desk.chosen, desk.asker, "single")
        if desk.chosen.yes or desk.chosen.load is not None or not sys.stdin.isatty():
            capture, gross_g = one_capture(desk.scale, session, desk.chosen, desk.asker)
            return _told(desk, session, capture, gross_g)
        plan = step_plan(desk.scale, session, desk.chosen)
        finished = guided(desk, session, plan)
    if not finished:
        return _left(desk, session)
    result = accepting.evaluated(session)
    if desk.chosen.step == "verify" and session.session.kind == "single":
        return _verified(desk, session, result)
    return _tell_step(desk, session, result, desk.chosen.step)


def accept(desk: Desk) -> int:
    """Put the open session's result into force."""
    state_dir = desk.scale.state_dir
    with sessions.hold(state_dir, desk.scale.number):
        session = accepting.open_session(state_dir, desk.scale.number)
        result = accepting.evaluated(session)
        _show(desk, result)
        if not desk.agree and not desk.asker.may_ask:
            raise ConfigurationError("nobody can be asked here: --yes puts it into force")
        if not desk.agree and not desk.asker.yes("ask.accept"):
            return _left(desk, session)
        return _accept(desk, session, result)


def abort(desk: Desk) -> int:
    """Close the open session; its captures stay."""
    with sessions.hold(desk.scale.state_dir, desk.scale.number):
        session = accepting.open_session(desk.scale.state_dir, desk.scale.number)
        _abort(desk, session)
    if desk.chosen.json:
        _print({"session": session.session.session_id, "ended": session.ended})
    return OK


def report(desk: Desk) -> int:
    """Print what a session has shown: the open one, the newest, or the one named."""
    state_dir = desk.scale.state_dir
    named = desk.chosen.session
    session = sessions.find(state_dir, named) if named else sessions.find_last(state_dir, desk.scale.number)
    if session is None:
        raise CalibrationError(f"scale {desk.scale.number} has no session: begin with `calibrate run`")
    result = accepting.evaluated(session)
    files: list[Path] = []
    if desk.chosen.format or desk.chosen.output:
        formats = tuple(dict.fromkeys(desk.chosen.format or ("html", "json", "dcc")))
        languages = (desk.language,) if desk.chosen.lang else certificate.LANGUAGES
        folder = Path(desk.chosen.output) if desk.chosen.output else session.path.parent
        files = certificate.write(_facts(desk, session, result), folder, formats, languages)
    if desk.chosen.json:
        _print({
            "session": session.session, "evaluation": result, "sha256": session.sha256(), "ended": session.ended,
            "files": [str(path) for path in files],
        })  # fmt: skip
    else:
        _show(desk, result, everything=True)
        for path in files:
            desk.say("written", path=path)
    return REFUSED if result.decision == "fail" else OK


def _facts(desk: Desk, session: SessionFile, result: Evaluation) -> certificate.Facts:
    """Return what certificates are made of."""
    kept = [kept.record for kept in store.history(desk.scale.state_dir, desk.scale.number) if kept.record is not None]
    own = [record for record in kept if record.session_id == session.session.session_id]
    return certificate.Facts(
        session=session.session,
        captures=session.captures,
        evaluation=result,
        issued=session.ended_at or _stamp(desk),
        software=desk.scale.software,
        record=own[0] if own else None,
        raw_sha256=session.sha256(),
        laboratory=desk.chosen.laboratory,
        customer=desk.chosen.customer,
        country=desk.chosen.country,
    )


def rollback(desk: Desk) -> int:
    """Put a previous calibration into force again."""
    state_dir, number = desk.scale.state_dir, desk.scale.number
    version = desk.chosen.version or store.previous_version(state_dir, number)
    if version is None:
        raise CalibrationError(f"scale {number} has no previous calibration; `calibrate show` lists them")
    verifier = desk.bench.verifier(desk.chosen.config_path, state_dir)
    record = store.rollback(state_dir, number, version, verifier)
    if desk.chosen.json:
        _print({"scale": number, "version": record.version, "created": record.created})
    else:
        desk.say("again", scale=number, version=record.version, created=record.created)
    return OK


def guided(desk: Desk, session: SessionFile, plan: tuple[Action, ...]) -> bool:
    """Go through a table of actions; return whether all of them are done."""
    scale = desk.scale
    head = session.session
    guide = Guide(
        platform_of(scale, head.hardware.channels),
        head,
        plan,
        session.latest(),
        history=session.captures,
        prior=session.prior,
    )
    style = Style(
        title=title(scale.station, scale.number, desk.language, simulated=scale.hands is not None),
        language=desk.language,
        capacity_g=scale.capacity_g,
        places=places_of(scale.positions_mm, head.hardware.channels),
    )
    screen = usable_screen() and not desk.agree and not desk.chosen.json
    face = ScreenFace(style, console()) if screen else LineFace(style, agree=desk.agree, quiet=desk.chosen.json)
    try:
        with face:
            finished = Conductor(scale, session, guide, face, Judge(desk.language)).run() == "finished"
    except KeyboardInterrupt:  # everything is on disk
        return False
    if isinstance(face, LineFace) and face.gave_up:
        raise CalibrationError(say(desk.language, "gave_up", session=head.session_id, why=face.gave_up))
    return finished


class Judge:
    """Says what the step that was just finished has shown, as far as it was not said before."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._said: set[tuple[str, str]] = set()

    def __call__(self, session: SessionFile) -> list[Message]:
        """Return at most three of its findings."""
        result = accepting.evaluated(session)
        found = []
        for finding in result.findings:
            name = (finding.code, finding.where)
            late = finding.code in {"few-loads", "few-repeats", "no-corners", "span-light", "weights-unnamed"}
            if finding.severity == "pass" or name in self._said or late:
                continue
            self._said.add(name)
            text = sentence(finding, self._language)
            values = {"severity": f"{accepting.severity(finding, self._language).strip()}:", "text": text}
            stops = finding.severity == "fail" and finding.blocks == "accept"
            found.append(Message("stop" if stops else "finding", values))
        return found[:3]


def _take_up(desk: Desk) -> SessionFile | None:
    """Return the open session if somebody wants to go on with it, or cannot be asked."""
    session = sessions.find_open(desk.scale.state_dir, desk.scale.number)
    if session is None:
        return None
    head = session.session
    if not session.plan:
        raise CalibrationError(f"session {head.session_id} is one of single steps: accept or abort it first")
    if desk.chosen.new or (
        desk.asker.may_ask
        and not desk.asker.yes(
            "ask.resume", session=head.session_id, operator=head.operator, made=len(session.captures)
        )
    ):
        _abort(desk, session)
        return None
    return session


def _close(desk: Desk, session: SessionFile) -> int:
    """Show the result and let the technician decide."""
    result = accepting.evaluated(session)
    _show(desk, result)
    if desk.agree:
        return _accept(desk, session, result)
    if not desk.asker.may_ask:
        if desk.chosen.json:
            _print({**_of(session), "accepted": False, "may_accept": result.may_accept, "decision": result.decision})
        return OK if result.may_accept else REFUSED
    answer = desk.asker.choice("ask.end", "aqx")
    if answer == "a":
        return _accept(desk, session, result)
    if answer == "x":
        _abort(desk, session)
        return REFUSED
    return _left(desk, session)


def _accept(desk: Desk, session: SessionFile, result: Evaluation) -> int:
    if (why := accepting.refusal(session, result, desk.language)) is not None:
        raise CalibrationError(why)
    state_dir = desk.scale.state_dir
    signer = desk.bench.signer(desk.chosen.config_path, state_dir)
    record = accepting.accept(state_dir, session, result, signer, desk.scale.now().astimezone(UTC), desk.chosen.due)
    if desk.chosen.json:
        _print({"accepted": True, "record": record, "decision": result.decision, "certified": result.may_certify})
    else:
        desk.say("accepted", version=record.version if record else session.sha256())
    return OK


def _abort(desk: Desk, session: SessionFile) -> None:
    session.end("aborted", _stamp(desk))
    desk.say("aborted", session=session.session.session_id)


def _left(desk: Desk, session: SessionFile) -> int:
    desk.say("left", session=session.session.session_id)
    if desk.chosen.json:
        _print(_of(session))
    return LEFT


def _of(session: SessionFile) -> dict[str, Any]:
    """Return what is told of a session that stays open."""
    return {
        "session": session.session.session_id, "captures": len(session.captures), "next": Prepared.next_of(session),
    }  # fmt: skip


def _show(desk: Desk, result: Evaluation, *, everything: bool = False) -> None:
    if desk.chosen.json:
        return
    desk.say("summary")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
    for line in accepting.lines(result, desk.language, all_of_them=everything):
        for part in textwrap.wrap(line, width, subsequent_indent="       ", drop_whitespace=False) or [""]:
            desk.asker.tell(part)


def _told(desk: Desk, session: SessionFile, capture: Capture, gross_g: float | None) -> int:
    """Tell what one capture was, and what the session lacks or shows by now."""
    result = accepting.evaluated(session)
    of_capture = [
        f for f in result.findings if f.severity == "fail" and f.where.startswith(f"capture {capture.number},")
    ]
    after = Prepared.next_of(session)
    if desk.chosen.json:
        _print({
            "session": session.session.session_id, "capture": capture, "gross_g": gross_g, "findings": of_capture,
            "next": after,
        })  # fmt: skip
    else:
        _tell_capture(desk, capture, gross_g)
        for finding in of_capture:
            desk.asker.tell(f"  {accepting.severity(finding, desk.language)} {sentence(finding, desk.language)}")
        desk.say("next", what=after)
    return REFUSED if of_capture else OK


def _tell_capture(desk: Desk, capture: Capture, gross_g: float | None) -> None:
    where = " ".join(filter(None, (say(desk.language, f"step.{capture.step}"), capture.position)))
    shown = "" if gross_g is None else f"; {say(desk.language, 'about')} {mass(gross_g, desk.language)}"
    desk.say("captured", where=where, number=capture.number, load=load(capture.load_g, desk.language), shown=shown)
    for channel, cell in enumerate(capture.cells, 1) if capture.step == "diagnose" else ():
        desk.say("captured_cell", cell=channel, mean=cell.mean, sd=cell.sd, distinct=cell.distinct, n=cell.n)


def _tell_step(desk: Desk, session: SessionFile, result: Evaluation, name: Step) -> int:
    """Tell what one step has shown."""
    failed = [f for f in result.findings if f.severity == "fail" and f.blocks == "accept" and name in f.where]
    if desk.chosen.json:
        _print({"step": name, "evaluation": result, "next": Prepared.next_of(session)})
    else:
        _show(desk, result)
        desk.say("next", what=Prepared.next_of(session))
    return REFUSED if failed else OK


def _verified(desk: Desk, session: SessionFile, result: Evaluation) -> int:
    """Tell whether the calibration in force holds, and close the session: there is nothing to apply."""
    _show(desk, result)
    if desk.chosen.json:
        _print({"step": "verify", "decision": result.decision, "errors": result.as_left})
    session.end("verified", _stamp(desk))
    return OK if result.decision in {"pass", "conditional pass"} else REFUSED


def _stamp(desk: Desk) -> str:
    return desk.scale.now().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _print(value: Any) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
