"""Tags and boards under a known homography, and a camera that moves."""

import numpy as np
import pytest

from calibration import camera_light, camera_plane, camera_shift, camera_tags
from calibration.camera_light import Pixels
from tests.support import tagged

pytest.importorskip("cv2", reason="needs OpenCV: pip install opencv-python-headless")

POINTS = ((-300.0, -200.0), (300.0, -200.0), (300.0, 200.0), (-300.0, 200.0), (0.0, 0.0))


@pytest.fixture(scope="module")
def empty() -> Pixels:
    return tagged.seen(tagged.platform())


def worst_px(matrix: camera_plane.Matrix) -> float:
    true = tagged.TRUE @ np.vstack([np.array(POINTS).T, np.ones(len(POINTS))])
    back = np.array(camera_plane.apply(camera_plane.inverse(matrix), POINTS))
    return float(np.linalg.norm(back - (true[:2] / true[2]).T, axis=1).max())


def test_a_known_homography_is_recovered_from_tags(empty: Pixels) -> None:
    seen = camera_tags.find_tags(empty)
    assert [tag.id for tag in seen] == [0, 1, 2, 3]
    pixels, places = camera_tags.pairs(seen, camera_tags.at_corners(tagged.PLATFORM_MM, tagged.TAG_MM))
    matrix = camera_plane.homography(pixels, places)
    assert worst_px(matrix) < 1.0
    assert camera_plane.residual_px(matrix, pixels, places) < 0.8


def test_a_known_homography_is_recovered_from_a_charuco_board() -> None:
    drawn = tagged.platform(())
    tagged.paste(drawn, camera_tags.draw_board(50 * tagged.PX_PER_MM), (0.0, 0.0))
    pixels, places = camera_tags.find_board(tagged.seen(drawn), 50.0)
    assert len(pixels) == 24
    assert worst_px(camera_plane.homography(pixels, places)) < 1.0  # the platform's corners lie outside the board


def test_points_in_a_line_fix_no_plane() -> None:
    line = tuple((float(n), 2.0 * n) for n in range(6))
    with pytest.raises(camera_plane.PlaneError, match="one line"):
        camera_plane.homography(line, line)


@pytest.mark.parametrize(
    ("move_px", "verdict"), [((0.0, 0.0), "held"), ((1.5, -1.0), "held"), ((3.0, 4.0), "warn"), ((-12.0, 0.0), "fault")]
)
def test_a_move_is_measured_and_judged(empty: Pixels, move_px: tuple[float, float], verdict: str) -> None:
    now = tagged.seen(tagged.platform(), noise_seed=1, moved_px=move_px)
    boxes = [camera_shift.around_points(tag.corners_px, tagged.SIZE) for tag in camera_tags.find_tags(empty)]
    then, darker = camera_light.luminance(empty), 0.7 * camera_light.luminance(now)
    found = camera_shift.moved(then, darker, boxes, empty=True)
    assert (found.right_px, found.down_px) == pytest.approx(move_px, abs=0.25)
    assert (found.verdict, found.seen) == (verdict, 4)


def test_fewer_than_three_tags_on_an_empty_platform_are_a_fault_but_goods_may_hide_them(empty: Pixels) -> None:
    now = tagged.seen(tagged.platform((0,)), noise_seed=1)
    boxes = [camera_shift.around_points(tag.corners_px, tagged.SIZE) for tag in camera_tags.find_tags(empty)]
    then, grey = camera_light.luminance(empty), camera_light.luminance(now)
    assert camera_shift.moved(then, grey, boxes, empty=True).verdict == "fault"
    assert camera_shift.moved(then, grey, boxes, empty=False).verdict == "unknown"


def test_a_view_without_tags_is_held_by_its_landmarks() -> None:
    drawn = tagged.platform(())
    then = camera_light.luminance(tagged.seen(drawn))
    boxes = camera_shift.landmarks(then)
    assert len(boxes) >= 3  # the platform's corners
    now = camera_light.luminance(tagged.seen(drawn, noise_seed=2, moved_px=(9.0, -7.0)))
    found = camera_shift.moved(then, now, boxes, empty=True)
    assert found.verdict == "fault"
    assert (found.right_px, found.down_px) == pytest.approx((9.0, -7.0), abs=0.5)


def test_sheets_are_true_to_size() -> None:
    drawn = camera_tags.sheets(40.0)
    assert drawn.count("this edge to the back is up") == 4
    assert 'width="130mm"' in drawn  # two sheets of 50 mm with 10 mm around them
