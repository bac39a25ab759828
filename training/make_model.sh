#!/bin/sh
# Make the shipped model and its embedding anew, from the repository's root: sh training/make_model.sh
set -eu
tools=.venv-training
[ -x "$tools/bin/python" ] || python3.11 -m venv "$tools"
# The exact versions the committed model was made with. A plain `torch` would bring gigabytes of GPU libraries.
"$tools/bin/pip" install -q torch==2.13.0
"$tools/bin/pip" install -q -r training/requirements.txt
PYTHONPATH=. "$tools/bin/python" -m training.convert
PYTHONPATH=. "$tools/bin/python" -m training.learn
