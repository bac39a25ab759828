"""`station doctor`: examinations that say what they found, how grave it is, and what to do; and the probe."""
