"""What the demo prints: a few lines for each verdict and a summary, or one JSON object for each."""

import sys
from typing import Any, Protocol

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from station.demo import words
from station.demo.results import Latency, Result
from station.demo.summary import Summary

COLOURS = {"accept": "bold green", "review": "bold yellow", "reject": "bold red", "abstain": "bold cyan"}
PLAIN_WIDTH = 110  # of lines, where there is no terminal to fit
INDENT = " " * 5
DECISION_WIDTH = 8


class Teller(Protocol):
    """Where the demo's news go."""

    def preparing(self, done: int, of: int) -> None:
        """Tell how far the gallery is."""

    def ready(self, facts: dict[str, Any]) -> None:
        """Tell that the station is online."""

    def verdict(self, result: Result) -> None:
        """Tell of a verdict."""

    def summary(self, summary: Summary) -> None:
        """Tell of all of them."""

    def stopped(self) -> None:
        """Tell that somebody has had enough."""


class JsonTeller:
    """One JSON object a line."""

    def preparing(self, done: int, of: int) -> None:
        """Say nothing: only results are of interest."""

    def ready(self, facts: dict[str, Any]) -> None:
        """Print where the station is."""
        self._print({"type": "ready", **facts})

    def verdict(self, result: Result) -> None:
        """Print a verdict beside the truth."""
        self._print({"type": "verdict", **msgspec.to_builtins(result)})

    def summary(self, summary: Summary) -> None:
        """Print the sums."""
        self._print({"type": "summary", **msgspec.to_builtins(summary)})

    def stopped(self) -> None:
        """Say nothing: the summary has fewer shoppers."""

    def _print(self, value: dict[str, Any]) -> None:
        sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
        sys.stdout.flush()


class PlainTeller:
    """Lines for people."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=False)
        if not self._console.is_terminal:
            self._console = Console(highlight=False, width=PLAIN_WIDTH)
        self._bar: Progress | None = None
        self._shopper = 0

    def preparing(self, done: int, of: int) -> None:
        """Show a bar while products are enrolled."""
        if self._bar is None and done < of:
            what = TextColumn("Enrolling the store's products from pictures (once; kept for the next demo)")
            self._bar = Progress(
                what, BarColumn(), TextColumn("{task.percentage:.0f} %"), console=self._console, transient=True
            )
            self._bar.start()
            self._bar.add_task("", total=of)
        elif self._bar is not None and done < of:
            self._bar.update(self._bar.task_ids[0], completed=done)
        elif self._bar is not None:
            self._bar.stop()
            self._bar = None

    def ready(self, facts: dict[str, Any]) -> None:
        """Say that the station works, and where one may look."""
        after = f"after {facts['online_ms'] / 1000:.1f} s"
        lines = (
            f"[bold]The station is online[/] {after}, with {facts['products']} products, four load cells and a camera.",
            f"Listen to it: mosquitto_sub -p {facts['port']} -t '{facts['root']}#' -v",
            f"Its folder: {facts['folder']}   Ctrl-C ends the demo.",
            "",
        )
        for line in lines:
            self._console.print(line)

    def stopped(self) -> None:
        """Say so."""
        self.preparing(1, 1)
        self._console.print("\nStopped.")

    def verdict(self, result: Result) -> None:
        """Print what happened, what was decided and why, and where the time went."""
        if result.shopper != self._shopper:
            self._shopper = result.shopper
            self._console.print(Text(f"{result.shopper:>3}  shopper {result.did}"))
        self._console.print(_decision(result))
        if result.verdict["decision"] != "accept":
            self._console.print(Padding(_asked(result.verdict), (0, 0, 0, len(INDENT) + DECISION_WIDTH), expand=False))
        if result.latency_ms is not None:
            self._console.print(Text(INDENT + _timing(result.latency_ms), style="dim"))

    def summary(self, summary: Summary) -> None:
        """Print the tables."""
        self._console.print()
        self._console.print(_by_kind(summary))
        if summary.latency_ms:
            self._console.print(_latencies(summary))
        events = ", ".join(f"{count} {name}" for name, count in sorted(summary.events.items()))
        self._console.print(f"Heard by the backend: {events}.")
        self._console.print(
            f"Verdicts acknowledged: {summary.acknowledged} of {summary.verdicts}"
            + ("." if summary.unconfirmed == 0 else f"; {summary.unconfirmed} wait in the outbox.")
        )
        if summary.folder:
            self._console.print(f"Kept in {summary.folder}")


def _decision(result: Result) -> Text:
    verdict = result.verdict
    decision = verdict["decision"]
    text = Text(INDENT)
    text.append(f"{decision.upper():<{DECISION_WIDTH}}", style=COLOURS.get(decision, "bold"))
    if verdict["p_as_claimed"] is not None:
        text.append(f"p(as claimed) {verdict['p_as_claimed']:.3f}  ")
    text.append(words.why(verdict))
    if not result.right:
        text.append(f"  should be {' or '.join(result.should)}", style="bold magenta")
    return text


def _asked(verdict: dict[str, Any]) -> Text:
    """Return what staff is asked to do, and what the shopper is told."""
    staff = words.looks(verdict)
    told = verdict["message"].get("en", "")
    return Text(f"staff: {staff}\nsays: {told}" if staff else f"says: {told}")


def _timing(took: Latency) -> str:
    stages = ("settle", "capture", "vision", "fusion", "commit", "publish")
    parts = "  ".join(f"{stage} {getattr(took, stage):.0f}" for stage in stages)
    return f"{parts}  in all {took.total:.0f} ms"


def _by_kind(summary: Summary) -> Table:
    table = Table(title="Decisions, by what the shopper did", title_justify="left")
    table.add_column("shopper")
    for decision in COLOURS:
        table.add_column(decision, justify="right")
    table.add_column("as it should be", justify="right")
    for kind, row in summary.by_kind.items():
        counts = [str(row.decisions.get(decision, "")) for decision in COLOURS]
        table.add_row(kind, *counts, f"{row.right} of {row.verdicts}")
    return table


def _latencies(summary: Summary) -> Table:
    table = Table(title="Milliseconds from the last touch to the broker's acknowledgement", title_justify="left")
    table.add_column("")
    for stage in summary.latency_ms:
        table.add_column(stage, justify="right")
    for percentile in ("p50", "p95", "p99"):
        table.add_row(percentile, *(f"{row[percentile]:.0f}" for row in summary.latency_ms.values()))
    return table
