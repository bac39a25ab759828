#!/bin/sh
# Make everything under station/vision/models anew, from the repository's root: sh training/make_model.sh
set -eu
tools=.venv-training
[ -x "$tools/bin/python" ] || python3.11 -m venv "$tools"
# The exact versions the committed model was made with. A GPU is used where this torch finds one.
"$tools/bin/pip" install -q torch==2.13.0
"$tools/bin/pip" install -q -r training/requirements.txt
export PYTHONPATH=.
"$tools/bin/python" -m training.embedder # the network
"$tools/bin/python" -m training.learn    # whitening, crowd, calibration (tunes the networks that it rests on)
