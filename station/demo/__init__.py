"""`station demo`: the whole station on simulated hardware, with a broker, a backend and shoppers of its own."""
