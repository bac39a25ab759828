"""From pictures of the empty platform to a camera's record, with every examination's outcome."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from PIL import Image, ImageDraw

from calibration import camera_light, camera_plane, camera_shift, camera_tags
from calibration.camera_light import LIMITS, Light, Limits, Pixels, Spot
from calibration.camera_plane import Matrix, Point, Points
from calibration.camera_record import Box, CameraRecord, Check, CrossCheck, Finding, SeenTag
from calibration.camera_tags import Placed, Seen

RESIDUAL_WARN_PX, RESIDUAL_FAIL_PX = 1.0, 2.0
TAGS_LEAST = 3
EDGE_SOFT, EDGE_BLURRED = 0.35, 0.22  # share of a tag's edge that falls on one pixel: a blur of 1.1 and 1.8 pixels
APART_MM = 20.0


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What is calibrated, and where its tags are."""

    camera: str
    driver: str
    platform_mm: Point
    tags: tuple[Placed, ...]
    margin_mm: float = 20.0  # goods at the rim lean over it
    created: str
    operator: str = ""
    software: str = ""


class Plane(NamedTuple):
    """The platform in the picture, as far as it was found."""

    method: str
    matrix: Matrix | None
    residual_px: float | None
    check: Check


class Made(NamedTuple):
    """A record without its seal, and the picture of the empty platform that belongs to it."""

    record: CameraRecord
    empty: Pixels


def make(
    setup: Setup,
    empties: Sequence[Pixels],
    *,
    board: tuple[Points, Points] | None = None,
    locked: Mapping[str, float] | None = None,
    best: float | None = None,
    before: CameraRecord | None = None,
) -> Made:
    """Return the record of one camera from several pictures of the empty platform.

    `board`: corners of a board that lay there, in pixels and millimetres; `locked`: what the camera read back, None
    where its driver cannot say; `best`: the sharpest picture while the lens was turned; `before`: its last record.
    """
    empty = mean_picture(empties)
    size = (empty.shape[1], empty.shape[0])
    seen = camera_tags.find_tags(empty)
    plane = _on_board(board) if board is not None else _on_tags(seen, setup.tags)
    outline = () if plane.matrix is None else camera_plane.outline_px(plane.matrix, setup.platform_mm, setup.margin_mm)
    boxes = tuple(camera_shift.around_points(tag.corners_px, size) for tag in seen)
    patches = boxes if len(boxes) >= TAGS_LEAST else camera_shift.landmarks(camera_light.luminance(empty))
    light = _light(empties, empty, plane.matrix, setup.platform_mm, boxes)
    then = before if before is not None and before.size_px == size else None
    tiles = camera_light.tiles(empty)
    spots = () if then is None else tuple(camera_light.compare(then.tiles, tiles))
    checks = (
        plane.check,
        *_sizes(seen),
        _focus(empty, boxes, light, best, then),
        *_exposure(light),
        lock_check(locked),
        _marks(patches),
        spots_check(spots, "against the last calibration") if then is not None else _first_time(),
    )
    record = CameraRecord(
        created=setup.created,
        camera=setup.camera,
        driver=setup.driver,
        size_px=size,
        platform_mm=setup.platform_mm,
        method="none" if plane.matrix is None else "charuco" if board is not None else "tags",
        homography=plane.matrix,
        residual_px=plane.residual_px,
        outline_px=outline,
        tags=tuple(_told(tag) for tag in seen),
        patches=patches,
        light=light,
        tiles=tiles,
        spots=spots,
        locked=None if locked is None else dict(locked),
        checks=checks,
        operator=setup.operator,
        software=setup.software,
    )
    return Made(record, empty)


def mean_picture(pictures: Sequence[Pixels]) -> Pixels:
    """Return the mean of pictures of one scene: less noise, and nothing that only one of them shows."""
    total = np.zeros(pictures[0].shape, np.float32)
    for pixels in pictures:
        total += pixels
    return np.asarray((total / len(pictures)).round(), np.uint8)


def with_check(record: CameraRecord, *checks: Check) -> CameraRecord:
    """Return the record with further outcomes."""
    return msgspec.structs.replace(record, checks=(*record.checks, *checks))


def with_cross_check(record: CameraRecord, found: CrossCheck) -> CameraRecord:
    """Return the record with what camera and load cells said of one weight."""
    near = found.apart_mm <= APART_MM
    text = (
        f"the weight lies at {found.camera_mm[0]:+.0f}, {found.camera_mm[1]:+.0f} mm for the camera, at"
        f" {found.scale_mm[0]:+.0f}, {found.scale_mm[1]:+.0f} mm for the load cells: {found.apart_mm:.0f} mm apart"
    )
    remedy = "" if near else "see that the tags lie where their numbers say, and positions_mm of the scale"
    check = Check(name="cross-check", outcome="pass" if near else "fail", text=text, remedy=remedy)
    return with_check(msgspec.structs.replace(record, cross_check=found), check)


def failed(record: CameraRecord) -> bool:
    """Tell whether something forbids using it."""
    return any(check.outcome == "fail" for check in record.checks)


def lock_check(locked: Mapping[str, float] | None) -> Check:
    """Return what is known of exposure and white balance being held."""
    if locked is None:
        text = "this driver cannot hold exposure and white balance, nor tell what they are"
        return Check(name="lock", outcome="warn", text=text, remedy="fix them where the pictures are made")
    loose = [] if "exposure_us" in locked else ["exposure"]
    loose += [] if locked.keys() & {"white_balance_k", "red_gain"} else ["white balance"]
    held = ", ".join(f"{name} {value:g}" for name, value in sorted(locked.items()))
    if loose:
        text = f"{' and '.join(loose)} go on adjusting themselves" + (f"; held: {held}" if held else "")
        return Check(name="lock", outcome="warn", text=text, remedy="set them in the camera's table")
    return Check(name="lock", outcome="pass", text=f"held, as read back: {held}")


def spots_check(spots: Sequence[Spot], against: str) -> Check:
    """Return what was found on the lens, by places seen from the picture's top left."""
    if not spots:
        return Check(name="lens", outcome="pass", text=f"clean {against}")
    worst = min(spots, key=lambda spot: spot.ratio)
    places = ", ".join(f"row {spot.row + 1} column {spot.column + 1} {spot.kind}" for spot in spots[:4])
    more = f" and {len(spots) - 4} more" if len(spots) > 4 else ""  # noqa: PLR2004 - four are enough to find it
    outcome: Finding = "fail" if worst.kind == "blurred" else "warn"
    text = f"{places}{more} (of 6 by 8), {worst.ratio:.0%} of what it should be, {against}"
    return Check(name="lens", outcome=outcome, text=text, remedy="clean the lens and its cover, then repeat")


def _first_time() -> Check:
    text = "nothing to compare with yet: this calibration is what later ones are compared with"
    return Check(name="lens", outcome="skipped", text=text, remedy="--card finds dirt with a white card")


def _on_tags(seen: Sequence[Seen], placed: Sequence[Placed]) -> Plane:
    known = {tag.id for tag in placed}
    count = sum(tag.id in known for tag in seen)
    if count < TAGS_LEAST:
        others = sorted(tag.id for tag in seen if tag.id not in known)
        odd = f"; others with the numbers {others}" if others else ""
        text = f"{count} of {len(known)} tags are seen, {TAGS_LEAST} are needed{odd}"
        remedy = "print tags with --print FILE.svg and stick them on, or lay a board there (--board MM); light, focus"
        return Plane("none", None, None, Check(name="platform", outcome="fail", text=text, remedy=remedy))
    return _plane("tags", *camera_tags.pairs(tuple(seen), tuple(placed)), what=f"{count} of {len(known)} tags")


def _on_board(board: tuple[Points, Points]) -> Plane:
    pixels, places = board
    if len(pixels) < 2 * camera_plane.POINTS_LEAST:
        text = f"{len(pixels)} corners of the board are seen"
        remedy = "lay the whole board into the view, flat and without glare"
        return Plane("none", None, None, Check(name="platform", outcome="fail", text=text, remedy=remedy))
    return _plane("charuco", pixels, places, what=f"{len(pixels)} corners of the board")


def _plane(method: str, pixels: Points, places: Points, *, what: str) -> Plane:
    try:
        matrix = camera_plane.homography(pixels, places)
    except camera_plane.PlaneError as error:
        remedy = "stick the tags to different corners"
        return Plane("none", None, None, Check(name="platform", outcome="fail", text=str(error), remedy=remedy))
    off_px = camera_plane.residual_px(matrix, pixels, places)
    outcome = _graded(off_px, RESIDUAL_WARN_PX, RESIDUAL_FAIL_PX)
    text = f"{what}, {off_px:.2f} px off a plane; {camera_plane.px_per_mm(matrix):.2f} px a millimetre"
    remedy = "" if outcome == "pass" else "check the sizes of platform and tags, and that tags lie flat and in place"
    return Plane(method, matrix, off_px, Check(name="platform", outcome=outcome, text=text, remedy=remedy))


def _graded(value: float, warn: float, fail: float) -> Finding:
    return "pass" if value <= warn else "warn" if value <= fail else "fail"


def _sizes(seen: Sequence[Seen]) -> list[Check]:
    small = [tag for tag in seen if tag.side_px < camera_tags.SIDE_LEAST_PX]
    if not small:
        return []
    text = f"tag {small[0].id} is {small[0].side_px:.0f} px wide, {camera_tags.SIDE_LEAST_PX:.0f} are wanted"
    return [Check(name="tag size", outcome="warn", text=text, remedy="print larger tags, or take larger pictures")]


def _focus(empty: Pixels, boxes: Sequence[Box], light: Light, best: float | None, before: CameraRecord | None) -> Check:
    """Return how sharp it is: on the tags' edges, against the best seen, and against the last calibration."""
    remedy = "turn the lens to the best (`calibrate camera` shows it live); clean it"
    found: list[tuple[Finding, str]] = []
    if boxes:
        share = float(np.median([edge_share(empty[top:bottom, left:right]) for left, top, right, bottom in boxes]))
        outcome: Finding = "pass" if share >= EDGE_SOFT else "warn" if share >= EDGE_BLURRED else "fail"
        found.append((outcome, f"{share:.0%} of a tag's edge falls on one pixel"))
    for name, other in (("the best seen", best), ("last time", before and before.light.tenengrad)):
        if other:
            ratio = light.tenengrad / other
            outcome = "pass" if ratio >= LIMITS.soft else "warn" if ratio >= LIMITS.blurred else "fail"
            found.append((outcome, f"{ratio:.0%} of {name}"))
    if not found:
        return Check(name="focus", outcome="skipped", text="nothing to judge it by: no tags, no earlier calibration")
    worst = next(grade for grade in ("fail", "warn", "pass") if grade in {outcome for outcome, _ in found})
    text = "sharpness: " + ", ".join(text for _, text in found)
    return Check(name="focus", outcome=worst, text=text, remedy="" if worst == "pass" else remedy)


def edge_share(pixels: Pixels) -> float:
    """Return which share of the contrast of a patch of hard edges falls on neighbouring pixels: 0.6 sharp, 0.2 not."""
    grey = camera_light.luminance(pixels)
    steps = np.maximum(np.abs(np.diff(grey, axis=1))[:-1], np.abs(np.diff(grey, axis=0))[:, :-1])
    contrast = float(np.percentile(grey, 95) - np.percentile(grey, 5))
    return float(np.percentile(steps, 97)) / max(contrast, 1.0)


def _light(
    empties: Sequence[Pixels], empty: Pixels, matrix: Matrix | None, size_mm: Point, boxes: Sequence[Box]
) -> Light:
    """Return the figures of the platform without its tags, with the flicker from picture to picture."""
    mask = np.ones(empty.shape[:2], np.bool_)
    if matrix is not None:
        picture = Image.new("1", (empty.shape[1], empty.shape[0]))
        ImageDraw.Draw(picture).polygon(camera_plane.outline_px(matrix, size_mm), fill=1)
        mask = np.array(picture, np.bool_)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = False
    if not mask.any():
        mask[:] = True
    means = [float(pixels[mask].mean()) for pixels in empties]
    return msgspec.structs.replace(camera_light.measure(empty, mask), flicker=camera_light.flicker(means))


def _exposure(light: Light, limits: Limits = LIMITS) -> list[Check]:
    """Return how the platform is exposed. A platform need not be grey, nor of middle brightness: that is a remark."""
    complaints = camera_light.complaints(light, limits)
    if not complaints:
        text = f"mean {light.mean:.0f}, {light.clipped:.2%} burnt out, R/G {light.red:.2f}, B/G {light.blue:.2f}"
        return [Check(name="exposure", outcome="pass", text=text)]
    hard = light.clipped > limits.clipped
    remedy = "set exposure, gain and white balance in the camera's table, or change the lamp"
    return [
        Check(name="exposure", outcome="fail" if hard and "burnt" in text else "warn", text=text, remedy=remedy)
        for text in complaints
    ]


def _marks(patches: Sequence[Box]) -> Check:
    if len(patches) >= camera_shift.PATCHES_LEAST:
        return Check(name="watch", outcome="pass", text=f"{len(patches)} places tell whether the camera moves")
    text = f"{len(patches)} places in the view have edges to hold on to: a moved camera cannot be noticed"
    return Check(name="watch", outcome="warn", text=text, remedy="stick tags to the platform (--print FILE.svg)")


def _told(tag: Seen) -> SeenTag:
    x, y = (sum(axis) / len(tag.corners_px) for axis in zip(*tag.corners_px, strict=True))
    return SeenTag(id=tag.id, x_px=x, y_px=y, side_px=tag.side_px)
