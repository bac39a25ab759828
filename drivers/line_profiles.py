"""How the makes write their lines: one literal entry each. Spaces count.

Sources: A&D EK-L p. 30 and HC-i p. 50; Ohaus RS232 p. 5; Sartorius LE p. 51 and Cubis p. 71; manuals of Dini Argeo and
Radwag; Adam and Kern DE as public drivers read them. Where a source leaves a width open, the usual one stands here and
`width` overrules it: a wrong one yields no weight, never a wrong weight.
"""

from drivers.line_codec import MOTION, NET, OVERLOAD, PIECES, UNDER_ZERO, Profile, not_ready

_UNIT_LEFT = r"(?P<unit>kg |g  |lb |   )"
_UNKNOWN = not_ready("the scale does not know the question")

PROFILES: dict[str, Profile] = {
    "a-and-d": Profile(  # ST,+0005.000 kg
        question=b"Q\r\n",
        weight=r"(?P<a>ST|QT|US),(?P<sign>[+-])(?P<value>[0-9.]{w})(?P<unit> kg|  g| lb)",
        width=8,
        words={"US": MOTION, "QT": PIECES},
        phrases={r"OL,.*": OVERLOAD, r"EC,E2": not_ready("the scale is not ready"), r"(EC,E\d|\?)": _UNKNOWN},
    ),
    "dini-argeo": Profile(  # ST,GS,     5.000,kg
        question=b"READ\r\n",
        weight=r"(?P<a>ST|US|OL|UL),(?P<b>GS|NT),(?P<value>[ 0-9.+-]{w}),(?P<unit>kg| g|lb)",
        width=10,
        words={"US": MOTION, "OL": OVERLOAD, "UL": UNDER_ZERO, "NT": NET},
        phrases={r"ERR.*": _UNKNOWN},
    ),
    "ohaus": Profile(  # "      5.000 kg  ": the last character is ? while unstable; a legend may follow
        question=b"IP\r\n",
        weight=r"(?P<value>[ 0-9.+-]{w}) (?P<unit>kg|g|lb) (?P<a>[ ?])(?: (?P<b>G|NET|N|T|PT))?",
        width=11,
        words={"?": MOTION, "NET": NET, "N": NET, "T": NET, "PT": NET},
        phrases={r"Err ?8\.3": OVERLOAD, r"Err ?8\.4": UNDER_ZERO, r"ES": _UNKNOWN},
    ),
    "radwag": Profile(  # "SI ?      5.000 kg "
        question=b"SI\r\n",
        weight=r"SI (?P<a>[ ?^v]) (?P<sign>[ -])(?P<value>[ 0-9.]{w}) " + _UNIT_LEFT,
        width=9,
        words={"?": MOTION, "^": OVERLOAD, "v": UNDER_ZERO},
        phrases={
            r"SI \^": OVERLOAD,
            r"SI v": UNDER_ZERO,
            r"SI [IE]": not_ready("the scale is not ready"),
            r"ES": _UNKNOWN,
        },
    ),
    "sartorius-sbi": Profile(  # "+    5.000 kg ": without a unit while unstable; the long form begins with G# or N
        question=b"\x1bP\r\n",
        weight=r"(?P<b>N     |G#    )?(?P<sign>[ +-])(?P<value>[ 0-9.]{w}) " + _UNIT_LEFT,
        width=9,
        words={"N     ": NET},
        blank_unit=MOTION,
        phrases={
            r"(Stat)?[ +-]*H+ *": OVERLOAD,
            r"(Stat)?[ +-]*L+ *": UNDER_ZERO,
            r"(Stat)?[ +-]*C+ *": not_ready("the scale is adjusting itself"),
            r"(Stat)? *(Err|ERR).*": not_ready("the scale reports an error"),
        },
    ),
    "kern": Profile(  # "M        5.000 kg"; newer ones: driver mt-sics
        question=b"s",
        weight=r"M(?P<sign>[ +-])(?P<value>[ 0-9.]{w}) (?P<unit>kg|g|lb)",
        width=12,
        silence="the scale is not stable, is out of range, or did not answer",
        patience_s=10.0,
    ),
    "adam": Profile(  # "  005.000kg"
        question=b"P\r\n",
        weight=r" *(?P<value>[0-9.]{w})(?P<unit>kg)",
        width=7,
        silence="the scale is silent: its weight is unchanged or zero, or it is off; let it send continuously",
        patience_s=None,
    ),
}
