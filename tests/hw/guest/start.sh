# Runs one module of tests/hw/guest in the virtual machine; the repository is the working directory there.
# What the machine's Python lacks comes from the project's environment, where it has no compiled parts, and else from
# build/hw-packages, which `make test-hw` fills for the machine's Python.
mkdir /run/packages
for package in rich pygments markdown_it mdurl pytest _pytest pluggy iniconfig packaging py.py biip; do
    ln -s /host/.venv/lib/python3*/site-packages/$package /run/packages/
done
export PYTHONPATH=/host:/run/packages:/host/build/hw-packages PYTHONDONTWRITEBYTECODE=1
exec /opt/cam/bin/python -m "tests.hw.guest.$1"
