"""What is fast and what is right, measured."""

import os

# Threads of the linear algebra wait for each other in a loop; on a busy machine that takes most of the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
