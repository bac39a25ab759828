"""The certificate as a Digital Calibration Certificate: PTB's XML, schema 3.3.0, in English and German.

What the schematron of PTB's `dcclib` asks for is kept: methods, software and influence conditions for the whole result,
both languages wherever there is text, every id referred to, releases such as `v0.1.0`.
"""

import re
from xml.etree import ElementTree as ET

from calibration.certificate_facts import DAY_CHARACTERS, Facts, rule
from calibration.certificate_html import method
from calibration.dcc_results import results
from calibration.dcc_xml import BOTH, DCC, KELVIN, XSI, Element, bilingual, dcc, named, quantity, real, said

SCHEMA_VERSION = "3.3.0"
CONFORMITY = {
    "pass": "pass", "fail": "fail", "conditional pass": "conditionalPass", "conditional fail": "conditionalFail",
}  # fmt: skip
ZERO_C_K = 273.15


def encode(facts: Facts) -> bytes:
    """Return the file's content."""
    root = ET.Element(f"{{{DCC}}}digitalCalibrationCertificate", {"schemaVersion": SCHEMA_VERSION})
    root.set(f"{{{XSI}}}schemaLocation", f"{DCC} {DCC}/v{SCHEMA_VERSION}/dcc.xsd")
    _administrative(root, facts)
    _measured(root, facts)
    ET.indent(root)
    data: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return data + b"\n"


def _administrative(root: Element, facts: Facts) -> None:
    data = dcc(root, "administrativeData")
    _software(dcc(data, "dccSoftware"), facts)
    _core(dcc(data, "coreData"), facts)
    _items(dcc(data, "items"), facts)
    laboratory = dcc(data, "calibrationLaboratory")
    _contact(dcc(laboratory, "contact"), facts.laboratory, facts)
    person = dcc(dcc(data, "respPersons"), "respPerson")
    named(dcc(person, "person"), "name", facts.session.operator)
    dcc(person, "mainSigner", "true")
    _contact(dcc(data, "customer"), facts.customer or facts.session.station, facts)
    _statements(dcc(data, "statements"), facts)


def _software(parent: Element, facts: Facts) -> None:
    software = dcc(parent, "software")
    named(software, "name", "validation-station calibrate")
    dcc(software, "release", release(facts.software))
    dcc(software, "type", "application")


def release(version: str) -> str:
    """Return a version as the rules want it: a letter and at most four numbers."""
    found = re.findall(r"\d{1,3}", version)[:4]
    return "v" + ".".join(found or ["0"])


def _core(core: Element, facts: Facts) -> None:
    begin, end = facts.dates
    dcc(core, "countryCodeISO3166_1", facts.country)
    for words in BOTH:
        dcc(core, "usedLangCodeISO639_1", words.language)
    dcc(core, "mandatoryLangCodeISO639_1", "en")
    dcc(core, "uniqueIdentifier", f"{facts.session.station}-{facts.session.session_id}")
    if facts.record is not None:
        _identified(dcc(core, "identifications"), "version", facts.record.version)
    dcc(core, "beginPerformanceDate", begin)
    dcc(core, "endPerformanceDate", end)
    dcc(core, "performanceLocation", "customer")
    dcc(core, "issueDate", facts.issued[:DAY_CHARACTERS])


def _items(items: Element, facts: Facts) -> None:
    session = facts.session
    item = dcc(items, "item")
    said(item, "name", "subject")
    named(dcc(item, "manufacturer"), "name", "")
    dcc(item, "model", session.hardware.driver)
    identified = dcc(item, "identifications")
    _identified(identified, "station", session.station)
    _identified(identified, "scale", f"{session.scale}-{session.hardware.part}")
    if session.hardware.serial:
        _identified(identified, "serial", session.hardware.serial)
    measures = dcc(item, "itemQuantities")
    for key, grams in (
        ("capacity", session.capacity_g), ("division", session.division_g),
        ("interval", session.verification_interval_g),
    ):  # fmt: skip
        made = dcc(measures, "itemQuantity", refType="basic_measurementRange" if key == "capacity" else "basic_item")
        said(made, "name", key)
        real(made, grams, r"\gram")


def _identified(parent: Element, key: str, value: str) -> None:
    made = dcc(parent, "identification")
    dcc(made, "issuer", "other")
    dcc(made, "value", " ".join(value.split()))
    said(made, "name", key)


def _contact(contact: Element, name: str, facts: Facts) -> None:
    named(contact, "name", name)
    location = dcc(contact, "location")
    dcc(location, "countryCode", facts.country)
    if facts.session.place:
        named(location, "further", facts.session.place)


def _statements(parent: Element, facts: Facts) -> None:
    for key in ("not_legal", "no_stability", "adjusted_here"):
        said(dcc(parent, "statement"), "declaration", key)
    if not facts.certifies:
        whys = [words("no_certificate", why=words(facts.why_not)) for words in BOTH]
        bilingual(dcc(parent, "statement"), "declaration", *whys)
    if facts.decision in CONFORMITY:
        conforms = dcc(parent, "statement", refType="basic_conformity")
        said(conforms, "name", "decision")
        dcc(conforms, "norm", "OIML R 76-1:2006")
        bilingual(conforms, "declaration", *(rule(facts.limits, words) for words in BOTH))
        dcc(conforms, "conformity", CONFORMITY[facts.decision])
    if facts.record is not None and facts.record.due is not None:
        again = dcc(parent, "statement", refType="basic_recalibration")
        said(again, "name", "due")
        dcc(again, "date", facts.record.due)


def _measured(root: Element, facts: Facts) -> None:
    result = dcc(dcc(root, "measurementResults"), "measurementResult")
    said(result, "name", "results")
    _methods(dcc(result, "usedMethods"), facts)
    _software(dcc(result, "usedSoftware"), facts)
    if facts.session.weights:
        _equipment(dcc(result, "measuringEquipments"), facts)
    _conditions(dcc(result, "influenceConditions"), facts)
    results(dcc(result, "results"), facts)


def _methods(parent: Element, facts: Facts) -> None:
    made = dcc(parent, "usedMethod", refType="basic_calibrationMethod")
    said(made, "name", "method")
    bilingual(made, "description", *(method(facts, words) for words in BOTH))
    dcc(made, "norm", "EURAMET cg-18 v4.0")
    zero = dcc(parent, "usedMethod")
    said(zero, "name", "zero_device")
    said(zero, "description", "zero_own" if facts.knows_grams else "zero_off")


def _equipment(parent: Element, facts: Facts) -> None:
    said(parent, "name", "weights")
    for weight in facts.session.weights:
        made = dcc(parent, "measuringEquipment", refType="basic_normalUsed")
        named(made, "name", f"{weight.weight_id} {weight.weight_class or ''}")
        identified = dcc(made, "identifications")
        _identified(identified, "weight", weight.weight_id)
        if weight.certificate:
            _identified(identified, "certificate_no", weight.certificate)
        measures = dcc(made, "measuringEquipmentQuantities")
        nominal = dcc(measures, "measuringEquipmentQuantity", refType="basic_nominalValue")
        said(nominal, "name", "nominal")
        real(nominal, weight.nominal_g, r"\gram")


def _conditions(parent: Element, facts: Facts) -> None:
    made = dcc(parent, "influenceCondition", refType="basic_temperature")
    said(made, "name", "environment")
    data = dcc(made, "data")
    known = facts.temperatures_c
    if known is None:
        said(data, "text", "not_measured")
        return
    for celsius, ref_type in zip(known, ("basic_temperatureMin", "basic_temperatureMax"), strict=True):
        found = quantity(data, "temperature", ref_type)
        real(found, celsius + ZERO_C_K, KELVIN)
