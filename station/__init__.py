"""The checkout validation station: weigh, see, judge, and tell the store's backend."""

__version__ = "0.1.0"
