"""What the technician reads, in English and German: one catalogue, so that both say the same."""

from typing import Any, Literal, get_args

Language = Literal["en", "de"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

TEXTS: dict[str, tuple[str, str]] = {
    # steps
    "step.diagnose": ("Diagnosis", "Diagnose"),
    "step.as-found": ("As found", "Vorgefundener Zustand"),
    "step.exercise": ("Exercise", "Vorbelasten"),
    "step.zero": ("Zero", "Nullpunkt"),
    "step.corners": ("Corners", "Ecken"),
    "step.span": ("Span", "Vollausschlag"),
    "step.linearity": ("Linearity", "Linearität"),
    "step.eccentricity": ("Eccentricity", "Außermittige Last"),
    "step.repeatability": ("Repeatability", "Wiederholbarkeit"),
    "step.discrimination": ("Discrimination", "Beweglichkeit"),
    "step.creep": ("Creep", "Kriechen"),
    "step.verify": ("Verification", "Nachprüfung"),
    # places
    "place.C": ("in the middle", "in die Mitte"),
    "place.FL": ("on the FRONT LEFT corner", "auf die Ecke VORN LINKS"),
    "place.FR": ("on the FRONT RIGHT corner", "auf die Ecke VORN RECHTS"),
    "place.BR": ("on the BACK RIGHT corner", "auf die Ecke HINTEN RECHTS"),
    "place.BL": ("on the BACK LEFT corner", "auf die Ecke HINTEN LINKS"),
    "at.C": ("in the middle", "in der Mitte"),
    "at.FL": ("front left", "vorn links"),
    "at.FR": ("front right", "vorn rechts"),
    "at.BR": ("back right", "hinten rechts"),
    "at.BL": ("back left", "hinten links"),
    "front": ("front", "vorn"),
    # what to do
    "do.empty": ("Take everything off the platform.", "Die Plattform leer räumen."),
    "do.load": ("Put {load} {place}.", "{load} {place} stellen."),
    "do.weights": ("Weights: {weights}", "Gewichte: {weights}"),
    "do.press": (
        "Press down with a hand {place}, and let go.",
        "Mit der Hand {place} drücken und loslassen.",
    ),
    "do.hold": ("Leave {load} where it is.", "{load} liegen lassen."),
    # how it stands
    "do.stay": ("Leave the platform empty.", "Die Plattform leer lassen."),
    "phase.clear": ("waiting for the empty platform", "wartet auf die leere Plattform"),
    "phase.place": ("waiting for the load", "wartet auf die Last"),
    "phase.doubt": ("waiting", "wartet"),
    "phase.odd": ("waiting for you", "wartet auf Sie"),
    "phase.type": ("what lies there?", "was liegt dort?"),
    "phase.skip": ("why is it left out?", "warum fällt es weg?"),
    "phase.measure": ("measuring: do not touch", "misst: nicht berühren"),
    "phase.settle": ("coming to rest: do not touch", "kommt zur Ruhe: nicht berühren"),
    "phase.press": ("waiting for your hand", "wartet auf Ihre Hand"),
    "phase.hold": ("next reading in {left}", "nächste Ablesung in {left}"),
    "phase.done": ("all done", "alles erledigt"),
    "rests": ("at rest", "in Ruhe"),
    "moves": ("moving", "bewegt"),
    "swing": ("swing {swing} of {band}", "Schwankung {swing} von {band}"),
    "about": ("about", "etwa"),
    "provisional": ("provisional", "vorläufig"),
    "cell": ("cell {cell}", "Zelle {cell}"),
    "step_of": ("step {step}/{steps}, action {number}/{count}", "Schritt {step}/{steps}, Handgriff {number}/{count}"),
    "title": ("Scale {scale} of {station}", "Waage {scale} von {station}"),
    "stop": (
        "STOP: {text} Enter: go on all the same; r: measure again; q: save and leave.",
        "HALT: {text} Enter: trotzdem weiter; r: nochmals messen; q: sichern, Ende.",
    ),
    "simulated": ("simulated", "simuliert"),
    "no_signal": ("no readings yet", "noch keine Messwerte"),
    # questions and notes
    "is_empty": ("Is the platform empty? Then press Enter.", "Ist die Plattform leer? Dann Enter drücken."),
    "not_empty": (
        "{gross} still lie there. If that is the empty platform, press Enter.",
        "Dort liegen noch {gross}. Ist das die leere Plattform, dann Enter drücken.",
    ),
    "mismatch": (
        ("The scale shows {gross}, {load} was asked for. Put the right weight on; w: other weight typed; Enter: take it"
        " as {load}."),
        ("Die Waage zeigt {gross}, verlangt war {load}. Das richtige Gewicht auflegen; w: anderes Gewicht eingeben;"
        " Enter: gilt als {load}."),
    ),
    "all_there": (
        "Does all of {load} lie there? Then press Enter; w: another weight.",
        "Liegen die vollen {load} dort? Dann Enter drücken; w: anderes Gewicht.",
    ),
    "misplaced": (
        "That seems to lie {seen}, not {asked}. Move it, or press Enter if it is right (then look at the wiring).",
        "Das scheint {seen} zu liegen, nicht {asked}. Verschieben, oder Enter, wenn es stimmt (dann Adern prüfen).",
    ),
    "implied": (
        ("{load} gives {counts_per_g} counts/g: cells of about {rated} each, converter full at {ends} a cell. For Max"
        " {capacity} about {expected} is usual."),
        ("{load} ergibt {counts_per_g} Digit/g: Zellen von etwa {rated}, Wandler voll bei {ends} je Zelle. Für Max"
        " {capacity} sind etwa {expected} üblich."),
    ),
    "odd": (
        ("Check the weight: {load} would mean {counts_per_g} counts/g, cells of {rated} each; for Max {capacity} about"
        " {expected} is usual. Wrong unit, or a digit too many? w: type it again; Enter: it is right."),
        ("Gewicht prüfen: {load} hieße {counts_per_g} Digit/g, Zellen von je {rated}; für Max {capacity} sind etwa"
        " {expected} üblich. Falsche Einheit, eine Ziffer zu viel? w: neu eingeben; Enter: stimmt."),
    ),
    "answered": ("{at}: cell {cell} answered, {felt}.", "{at}: Zelle {cell} hat reagiert, {felt}."),
    "answered_wrong": (
        "{at}: cell {cell} answered, {felt}; by the configuration it is {there}: check wiring and positions_mm.",
        "{at}: Zelle {cell} hat reagiert, {felt}; laut Konfiguration {there}: Adern und positions_mm prüfen.",
    ),
    "frozen": (
        "Cell {cell} says the same number again and again: check its plug and its converter.",
        "Zelle {cell} meldet immer dieselbe Zahl: Stecker und Wandler prüfen.",
    ),
    "needed": (
        "Nothing can be calculated without this step. q saves the session and leaves.",
        "Ohne diesen Schritt lässt sich nichts berechnen. q sichert die Sitzung und beendet.",
    ),
    "above": ("{load} is more than the platform carries, {capacity}.", "{load} ist mehr als Max, {capacity}."),
    "trouble.saturated": (
        "Cell {cell} is at the end of its range: check its plug, its wires, and for overload.",
        "Zelle {cell} ist am Ende ihres Bereichs: Stecker, Adern und Überlast prüfen.",
    ),
    "trouble": (
        "Readings are not believed ({trouble}): check plugs and supply; `station doctor` tells more.",
        "Messwerte sind nicht glaubhaft ({trouble}): Stecker und Versorgung prüfen; `station doctor` weiß mehr.",
    ),
    "lost": ("{message}; {remedy}. Trying again.", "{message}; {remedy}. Neuer Versuch läuft."),
    "unrest": (
        "It does not come to rest: swing {swing}, limit {band}. Draught, vibration, something touching the platform?",
        "Sie kommt nicht zur Ruhe: Schwankung {swing}, Grenze {band}. Luftzug, Vibration, Berührung?",
    ),
    "plain": ("{text}", "{text}"),
    "finding": ("{severity} {text}", "{severity} {text}"),
    # keys
    "keys": (
        "Enter: take it now   r repeat   b back   s skip   w weight   q save and leave",
        "Enter: messen  r nochmal  b zurück  s auslassen  w Gewicht  q sichern & Ende",
    ),
    "keys.type": ("Enter: done   Esc: never mind      for example 20kg, 20 000 g, 20,5 kg",
                  "Enter: fertig   Esc: abbrechen      zum Beispiel 20kg, 20 000 g, 20,5 kg"),
    "keys.skip": ("Enter: leave the step out for this reason   Esc: never mind",
                  "Enter: Schritt aus diesem Grund auslassen   Esc: abbrechen"),
    # cameras
    "camera.title": ("camera {camera}", "Kamera {camera}"),
    "camera.focus": ("Focus, against the best seen: turn the lens past it and back.",
                     "Schärfe, gegen die beste bisher: das Objektiv darüber hinaus und zurück drehen."),
    "camera.sharp": ("Laplacian {laplacian:.1f}, Tenengrad {tenengrad:.1f}",
                     "Laplace {laplacian:.1f}, Tenengrad {tenengrad:.1f}"),
    "camera.exposure": ("Exposure and white balance", "Belichtung und Weißabgleich"),
    "camera.mean": ("mean {mean:.0f} (wanted {low:.0f} to {high:.0f})",
                    "Mittel {mean:.0f} (Ziel {low:.0f} bis {high:.0f})"),
    "camera.clipped": ("burnt out {clipped:.2%}, black {black:.2%}", "ausgebrannt {clipped:.2%}, schwarz {black:.2%}"),
    "camera.colour": ("R/G {red:.2f}, B/G {blue:.2f}", "R/G {red:.2f}, B/G {blue:.2f}"),
    "camera.keys": (" Enter: it is sharp, go on   q: give up ", " Enter: scharf, weiter   q: aufgeben "),
    "camera.empty": ("Take everything off the platform, hands away; then Enter",
                     "Die Plattform leer räumen, Hände weg; dann Enter"),
    "camera.board": ("Lay the board in the middle, its first square front left; then Enter",
                     "Die Tafel in die Mitte legen, ihr erstes Feld vorn links; dann Enter"),
    "camera.card": ("Hold a white card so that it fills the view; then Enter",
                    "Eine weiße Karte halten, die das ganze Bild füllt; dann Enter"),
    "camera.wave": ("Wave a patterned cloth over the whole view, on and on; then Enter",
                    "Ein gemustertes Tuch fortwährend durch das ganze Bild schwenken; dann Enter"),
    "camera.weight": ("Put a low, heavy weight halfway to the front left corner; then Enter",
                      "Ein flaches, schweres Gewicht auf halben Weg nach vorn links stellen; dann Enter"),
    "camera.stored": ("stored in {path}; a running station takes it up with its next picture",
                      "gespeichert in {path}; eine laufende Station übernimmt es mit dem nächsten Bild"),
    "camera.refused": ("nothing was stored; correct it and repeat, or give --override REASON",
                       "nichts gespeichert; beheben und wiederholen, oder --override GRUND"),
    "ask.platform": ("Width and depth of the platform in mm, for example 600x400",
                     "Breite und Tiefe der Plattform in mm, zum Beispiel 600x400"),
    # questions at the beginning and the end
    "ask.operator": ("Your name", "Ihr Name"),
    "ask.weights": (
        "Your test weights, for example 4x10kg M1; 2x5kg M1",
        "Ihre Prüfgewichte, zum Beispiel 4x10kg M1; 2x5kg M1",
    ),
    "ask.rating": (
        "Rating of one load cell, as on its plate (Enter: unknown)",
        "Nennlast einer Wägezelle laut Typenschild (Enter: unbekannt)",
    ),
    "ask.resume": (
        "Session {session} of {operator} has {made} captures. Go on with it? (y/n)",
        "Sitzung {session} von {operator} hat {made} Messungen. Fortsetzen? (j/n)",
    ),
    "ask.end": ("a: accept   q: decide later   x: abort", "a: annehmen   q: später entscheiden   x: verwerfen"),
    "ask.accept": ("Put it into force? (y/n)", "In Kraft setzen? (j/n)"),
    "ask.measure": ("Measure what lies there now? (y/n)", "Jetzt messen, was dort liegt? (j/n)"),
    "next": ("Next: {what}", "Als Nächstes: {what}"),
    "overdue": ("{weight} was due on {due}", "{weight} war fällig am {due}"),
    "left": (
        "Session {session} is kept. Go on: calibrate run; give up: calibrate abort.",
        "Sitzung {session} ist gesichert. Weiter: calibrate run; aufgeben: calibrate abort.",
    ),
    "back_in_service": ("The station is back in service.", "Die Station ist wieder in Betrieb."),
    "draining": ("The station serves its shopper to the end, then it is yours …",
                 "Die Station bedient den Kunden noch zu Ende, dann gehört sie Ihnen …"),
    "loads": ("Loads: {most} at most, {corner} at the corners.", "Lasten: höchstens {most}, an den Ecken {corner}."),
    "summary": ("Result", "Ergebnis"),
    "severity.pass": ("PASS", "GUT    "),
    "severity.warn": ("WARN", "HINWEIS"),
    "severity.fail": ("FAIL", "MANGEL "),
    "errors_head": (
        "  load            error        U (k)          limit",
        "  Last       Abweichung        U (k)          Grenze",
    ),
    "gains": (
        "  gains {gains} counts/g, spread {spread}, rank {rank}",
        "  Empfindlichkeiten {gains} Digit/g, Streuung {spread}, Rang {rank}",
    ),
    "refused": ("session {session} cannot be accepted: {why}", "Sitzung {session} kann nicht gelten: {why}"),
    "more": (" (and {count} more)", " (und {count} weitere)"),
    "gave_up": (
        "session {session} is kept, but does not go on without somebody: {why}",
        "Sitzung {session} ist gesichert, geht aber ohne jemanden nicht weiter: {why}",
    ),
    "lacks_steps": (
        "zero, corners and span are needed for a calibration; go on with `calibrate run`",
        "eine Kalibrierung braucht Nullpunkt, Ecken und Vollausschlag; weiter mit `calibrate run`",
    ),
    "lacks_loads": (
        "no load was weighed that its errors could be told from; go on with `calibrate verify --load`",
        "keine Last wurde gewogen, aus der Abweichungen folgten; weiter mit `calibrate verify --load`",
    ),
    "captured": (
        "{where}: capture {number} with {load}{shown}",
        "{where}: Aufnahme {number} mit {load}{shown}",
    ),
    "captured_cell": (
        "  cell {cell}: {mean:.0f} counts, noise {sd:.1f}, {distinct} different of {n}",
        "  Zelle {cell}: {mean:.0f} Digits, Rauschen {sd:.1f}, {distinct} verschiedene von {n}",
    ),
    "written": ("written: {path}", "geschrieben: {path}"),
    "again": (
        "scale {scale}: {version} of {created} is in force again",
        "Waage {scale}: {version} vom {created} gilt wieder",
    ),
    "accepted": ("Accepted: {version}. In force from now on.", "Angenommen: {version}. Gilt ab jetzt."),
    "aborted": ("Session {session} was aborted; its captures are kept.",
                "Sitzung {session} wurde verworfen; ihre Messungen bleiben."),
}  # fmt: skip


def say(language: Language, key: str, **values: Any) -> str:
    """Return a text; numbers in grams go through `mass` before."""
    english, german = TEXTS[key]
    return (german if language == "de" else english).format(**values)


def mass(grams: float, language: Language = "en", digits: int = 1) -> str:
    """Return grams as people read them: 15 000.3 g, in German 15 000,3 g."""
    text = f"{round(grams, digits) + 0.0:,.{digits}f}".replace(",", " ")
    return (text.replace(".", ",") if language == "de" else text) + " g"


def load(grams: float, language: Language = "en") -> str:
    """Return a load as it stands on a weight: 20 kg, 12.5 kg, 500 g."""
    text = f"{grams / 1000:.6g} kg" if abs(grams) >= 1000 else f"{grams:.6g} g"  # noqa: PLR2004 - a kilogram
    return text.replace(".", ",") if language == "de" else text


def clock(seconds: float) -> str:
    """Return a span of time as 4:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
