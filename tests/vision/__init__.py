"""Tests of the camera side: model, detection, gallery."""
