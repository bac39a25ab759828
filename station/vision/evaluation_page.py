"""The evaluation of a gallery as one HTML page that needs nothing beside it.

It shows figures, calibration, confusions and the worst mistakes. No script, style sheet or picture is loaded from
anywhere, so the page can be mailed and kept.
"""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from station.vision.evaluation import Shown, worst
from station.vision.picture import Pixels

MISTAKES, CONFUSIONS, CANDIDATES = 24, 20, 3
BINS = 10
THUMB_PX = 160

_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse}
td,th{padding:.25rem .9rem .25rem 0;text-align:left;border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(12rem,1fr));gap:1rem}
figure{margin:0}img{width:100%;max-width:160px;border-radius:4px;display:block}figcaption{font-size:.85rem}
.bar{background:#3b6ea5;height:.7rem;display:inline-block}.note{color:#555}"""


def page(figures: Mapping[str, Any], shown: Sequence[Shown], model: str, names: Mapping[str, str]) -> str:
    """Return the page; `names` gives products their names, where they are known."""
    body = [
        "<h1>What the cameras make of these pictures</h1>",
        f'<p class="note">Model {escape(model)}</p>',
        _figures(figures),
        _calibration([each for each in shown if each.enrolled]),
        _confusions(figures["confusions"], names),
        _mistakes(worst(shown, MISTAKES), names),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Gallery evaluation</title><style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _figures(figures: Mapping[str, Any]) -> str:
    told = [
        ("pictures of enrolled products", str(figures["n"])),
        ("pictures of other products", str(figures["n_unknown"])),
        ("products in the gallery", str(figures["gallery"])),
        ("first candidate right", _share(figures["top1"])),
        ("calibration error", _share(figures["ece"])),
        ("strangers told apart (0.5 is chance)", _number(figures["auroc_unknown"])),
    ]
    rows = "".join(f"<tr><td>{what}</td><td>{value}</td></tr>" for what, value in told)
    return f"<table>{rows}</table>"


def _calibration(known: Sequence[Shown]) -> str:
    """Return how often the first candidate was right, by how sure it was."""
    if not known:
        return ""
    stated = np.array([each.sureness for each in known])
    right = np.array([each.right for each in known])
    place = np.minimum((stated * BINS).astype(int), BINS - 1)
    rows = []
    for number in range(BINS):
        here = place == number
        if not here.any():
            continue
        share = float(right[here].mean())
        rows.append(
            f"<tr><td>{stated[here].mean():.0%}</td><td>{share:.0%}</td><td>{int(here.sum())}</td>"
            f'<td><span class="bar" style="width:{share * 12:.1f}rem"></span></td></tr>'
        )
    head = "<tr><th>stated</th><th>came true</th><th>pictures</th><th></th></tr>"
    return f"<h2>Can its probabilities be believed?</h2><table>{head}{''.join(rows)}</table>"


def _confusions(confusions: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    if not confusions:
        return "<h2>Confusions</h2><p>None.</p>"
    rows = "".join(
        f"<tr><td>{_name(each['gtin'], names)}</td><td>{_name(each['taken_for'], names)}</td><td>{each['n']}</td></tr>"
        for each in confusions[:CONFUSIONS]
    )
    return f"<h2>Confusions</h2><table><tr><th>product</th><th>taken for</th><th>pictures</th></tr>{rows}</table>"


def _mistakes(mistakes: Sequence[Shown], names: Mapping[str, str]) -> str:
    if not mistakes:
        return "<h2>Worst mistakes</h2><p>None.</p>"
    return f'<h2>Worst mistakes</h2><div class="grid">{"".join(_mistake(each, names) for each in mistakes)}</div>'


def _mistake(shown: Shown, names: Mapping[str, str]) -> str:
    candidates = "<br>".join(f"{share:.0%} {_name(gtin, names)}" for gtin, share in shown.seen.candidates[:CANDIDATES])
    what = "" if shown.enrolled else ", not enrolled"
    return (
        f'<figure><img alt="" src="data:image/jpeg;base64,{_thumb(shown.crop)}"><figcaption>is '
        f"<b>{_name(shown.gtin, names)}</b>{what}<br>{candidates}<br>"
        f"{shown.seen.unknown:.0%} something else</figcaption></figure>"
    )


def _thumb(crop: Pixels) -> str:
    content = BytesIO()
    small = Image.fromarray(crop)
    small.thumbnail((THUMB_PX, THUMB_PX))
    small.save(content, "JPEG", quality=80)
    return base64.b64encode(content.getvalue()).decode("ascii")


def _name(gtin: str, names: Mapping[str, str]) -> str:
    return escape(f"{names[gtin]} ({gtin})" if gtin in names else gtin)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
