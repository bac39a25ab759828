# Runs one module of tests/hw/guest in the virtual machine; the repository is the working directory there.
export PYTHONPATH=/host PYTHONDONTWRITEBYTECODE=1
exec /opt/cam/bin/python -m "tests.hw.guest.$1"
