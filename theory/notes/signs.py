"""The Unicode signs of mathematics that people type, and their LaTeX.

Only what can be typed without LaTeX in mind is here; `theory.notes.prose` finds it in sentences. Defines no equations.
"""

from __future__ import annotations

import re

__all__ = ["ACCENTS", "FUNCTIONS", "GREEK", "OPERATORS", "SHORT_WORD", "SIGNS", "SUBSCRIPTS", "SUPERSCRIPTS"]

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma",
    "Δ": "Delta", "Λ": "Lambda", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega", "ℓ": "ell", "Σ": "sum",
    "Π": "Pi", "∫": "int", "∞": "infty",
}  # fmt: skip
SIGNS = {
    "=": "=", "=:": "=:", "≠": r"\ne", "≤": r"\le", "≥": r"\ge", "<": r"\lt", ">": r"\gt", "≈": r"\approx",
    "≡": r"\equiv", "∈": r"\in", "→": r"\to", "+": "+", "−": "-", "-": "-", "±": r"\pm", "∓": r"\mp",
    "·": r"\cdot", "×": r"\times", "/": "/", "∝": r"\propto", "≪": r"\ll", "≫": r"\gg", "∪": r"\cup",
}  # fmt: skip
FUNCTIONS = {
    "cos": "cos", "sin": "sin", "tan": "tan", "sec": "sec", "arccos": "arccos", "exp": "exp", "ln": "ln",
    "log": "ln", "max": "max", "min": "min", "det": "det", "lim": "lim", "tanh": "tanh", "cosh": "cosh",
    "sup": "sup", "inf": "inf",
}  # fmt: skip
OPERATORS = {"tr", "rank", "ReLU", "diag", "sgn", "Var", "Cov", "erf", "lr", "wd"}
SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵀ", [*"0123456789", "-", "+", r"\top"], strict=True))
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
ACCENTS = {"\u0304": "bar", "\u0302": "hat", "\u0303": "tilde"}
#: English words of two letters; any other pair of letters is a product.
SHORT_WORD = re.compile(
    "ad|al|am|an|as|at|be|by|do|et|go|he|if|in|is|it|me|my|no|of|oh|on|or|so|to|up|us|we", re.IGNORECASE
)
