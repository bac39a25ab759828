"""Metrology: counts become grams here, and only here."""
