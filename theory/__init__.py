"""What must be true: SymPy and NumPy, no torch, no randomness, no files."""

from theory.prediction import predict
from theory.record import Assumption, Record
from theory.setting import MEMORIZED_ERROR, Setting

__all__ = ["MEMORIZED_ERROR", "Assumption", "Record", "Setting", "predict"]
