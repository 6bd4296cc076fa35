"""The paper, reproduced: one folder per experiment."""
