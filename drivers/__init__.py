"""Sensors: sans-IO codecs, thin transports, and the emulators that speak the same bytes."""
