"""The command line."""

import os

# Matrices of theory are small: a second BLAS thread costs more than it gains, and rounding would depend on its number.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["MPLBACKEND"] = "agg"  # figures are files, also where a notebook runs the command
