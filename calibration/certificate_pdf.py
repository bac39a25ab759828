"""The certificate as PDF: its page, printed by a headless Chromium where one is installed. Optional."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from calibration.record import CalibrationError

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_S = 120.0
# Nothing is fetched: the page is complete. The profile is thrown away; a sandbox needs rights that root gives up.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--no-pdf-header-footer",
)  # fmt: skip


def browser() -> str | None:
    """Return the program, None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def printed(page: Path, pdf: Path) -> None:
    """Print a page; raise `CalibrationError` where that cannot be."""
    program = browser()
    if program is None:
        raise CalibrationError(
            "a PDF needs Chromium, which is not installed: apt-get install chromium, or print the HTML from any browser"
        )
    with tempfile.TemporaryDirectory(prefix="calibrate-") as profile:
        command = [program, *FLAGS, f"--user-data-dir={profile}", f"--print-to-pdf={pdf}", page.resolve().as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CalibrationError(f"{program} could not print {page}: {error}; print it from any browser") from error
    if done.returncode != 0 or not pdf.exists():
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CalibrationError(f"{program} could not print {page}: {last}; print it from any browser")
