"""Drivers and daemon on a real kernel, in a virtual machine; run by `make test-hw`."""
