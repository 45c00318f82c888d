import math

import numpy as np
import pytest
from scenewright_server.scene import geometry
from scenewright_server.scene.geometry import IDENTITY, Intrinsics, Pose


def turn(axis, degrees):
    half = math.radians(degrees) / 2
    return np.array([*(math.sin(half) * np.array(axis, float)), math.cos(half)])


def box_of(position, size=(1, 1, 1), rotation=(0, 0, 0, 1), camera=IDENTITY, intrinsics=None):
    points = geometry.corners(Pose(np.array(position, float), np.array(rotation, float)), np.array(size, float))
    return geometry.project_box(geometry.to_camera(points, camera), intrinsics or Intrinsics(1, 1))


def test_an_object_ahead_is_in_the_middle():
    assert box_of((0, 0, 2.5)) == pytest.approx((0.25, 0.25, 0.75, 0.75))


def test_right_is_right_and_up_is_up():
    x0, _, x1, _ = box_of((0.5, 0, 4), (0.2, 0.2, 0.2))
    assert 0.5 < x0 < x1
    _, y0, _, y1 = box_of((0, 0.5, 4), (0.2, 0.2, 0.2))
    assert y0 < y1 < 0.5


def test_a_camera_that_turns_right_sees_what_was_right():
    camera = Pose(np.array([1.0, 2.0, 3.0]), turn((0, 1, 0), 90))
    assert geometry.to_camera(np.array([[6.0, 2.0, 3.0]]), camera) == pytest.approx(np.array([[0, 0, 5.0]]))


def test_extents_turn_with_the_object():
    wide, narrow = box_of((0, 0, 5), (2, 0.1, 0.1)), box_of((0, 0, 5), (2, 0.1, 0.1), turn((0, 1, 0), 90))
    assert wide[2] - wide[0] > 5 * (narrow[2] - narrow[0])


def test_clipped_at_the_picture_and_none_beyond_it():
    x0, _, x1, _ = box_of((1.25, 0, 2.5))
    assert x0 > 0.5 and x1 == 1.0
    assert box_of((9, 0, 2.5)) is None
    assert box_of((0, 0, -2.5)) is None


def test_what_reaches_behind_the_camera_keeps_its_visible_part():
    """A long table from behind the camera to far ahead: corners behind would fold back if projected."""
    x0, y0, x1, y1 = box_of((0, -1, 1), (0.5, 0.1, 6))
    assert (x0, x1, y1) == (0, 1, 1) and 0.5 < y0 < 0.8


def test_right_handed_is_left_handed_with_z_turned():
    """ARKit looks along -z; a camera turned left there sees what Unity's camera turned left sees."""
    pose = Pose(np.array([1.0, 2.0, -3.0]), turn((0, 1, 0), 30))
    flipped = geometry.flip_handedness(pose)
    ahead_right_handed = pose.position + geometry.rotation_matrix(pose.rotation) @ [0, 0, -1]
    ahead = flipped.position + geometry.rotation_matrix(flipped.rotation) @ [0, 0, 1]
    assert ahead == pytest.approx(ahead_right_handed * [1, 1, -1])
    twice = geometry.flip_handedness(flipped)
    assert twice.position == pytest.approx(pose.position) and twice.rotation == pytest.approx(pose.rotation)


def test_a_guessed_lens_is_that_of_the_cameras_that_were_learnt():
    for aspect in (0.75, 1.0, 1.6):
        lens = geometry.guessed_lens(aspect)
        assert min(lens.fx, lens.fy) == 0.85 and lens.fy / lens.fx == pytest.approx(aspect), "square pixels"
