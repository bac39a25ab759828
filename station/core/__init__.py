"""The pure heart of the station: values in, values out; no clock, file, thread, socket or random number."""
