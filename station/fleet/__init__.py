"""`station fleet`: many light stations against a broker, for load and for reconnect storms.

A light station has no scale and no camera. All else is the product's own: outbox on disk, signatures, publisher,
commands, acknowledgements, MQTT session, words and messages. It answers a claim with a verdict at once. A thread for
each, as a real station has, would be too much for thousands: here a few processes each serve hundreds of connections
in one loop.
"""
