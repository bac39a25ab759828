"""Certificates of calibration: a page for people (HTML, PDF through it), JSON, and a Digital Calibration Certificate.

All of them are computed from one session and its evaluation (`Facts`), and say the same. A session that does not bear
a certificate gives a report, which says why on its first line. What is written: `calibration-SESSION.json`,
`calibration-SESSION.dcc.xml`, and for each language `calibration-SESSION-LANGUAGE.html` and `.pdf`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from calibration import certificate_dcc, certificate_html, certificate_json, certificate_pdf
from calibration.certificate_facts import Facts
from calibration.certificate_texts import LANGUAGES, Language
from calibration.files import replace_file
from calibration.record import CalibrationError

__all__ = ["FORMATS", "LANGUAGES", "Facts", "Format", "Language", "write"]

Format = Literal["html", "pdf", "json", "dcc"]
FORMATS: tuple[Format, ...] = get_args(Format)


def write(
    facts: Facts, folder: Path, formats: Sequence[Format] = ("html", "json", "dcc"),
    languages: Sequence[Language] = LANGUAGES,
) -> list[Path]:  # fmt: skip
    """Write these formats into a folder, which is made if need be, and return the files.

    Raises `CalibrationError` where the folder cannot be written, or a PDF is wanted and no Chromium is installed.
    """
    stem = folder / f"calibration-{facts.session.session_id}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made = [_put(stem, ".json", certificate_json.encode(facts))] if "json" in formats else []
        made += [_put(stem, ".dcc.xml", certificate_dcc.encode(facts))] if "dcc" in formats else []
        for language in languages if {"html", "pdf"} & set(formats) else ():
            page = _put(stem, f"-{language}.html", certificate_html.page(facts, language).encode())
            made += [page] if "html" in formats else []
            if "pdf" in formats:
                certificate_pdf.printed(page, page.with_suffix(".pdf"))
                made.append(page.with_suffix(".pdf"))
            if "html" not in formats:
                page.unlink()
    except OSError as error:
        raise CalibrationError(f"{folder}: cannot be written: {error.strerror}; choose another folder") from error
    return made


def _put(stem: Path, suffix: str, data: bytes) -> Path:
    path = stem.with_name(stem.name + suffix)
    replace_file(path, data)
    return path
