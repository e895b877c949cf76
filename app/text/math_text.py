"""Mathematics in an answer as text that can be read: LaTeX between dollar signs, in Unicode.

Only what is common is translated. A formula with anything else stays as it was written.
"""

from __future__ import annotations

import re

_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
_FORMULA = re.compile(
    r"\\\((?P<round>[^\n]{1,400}?)\\\)"
    r"|\\\[(?P<square>.{1,800}?)\\\]"
    r"|(?<!\\)\$\$(?P<block>[^$]{1,800}?)\$\$"
    r"|(?<![\\$\w])\$(?P<dollar>(?! )[^$\n]{1,400}?(?<! ))(?<!\\)\$(?![\w$])",
    re.DOTALL,
)
_IS_MATHS = re.compile(r"[\\^_=<>+*/|]|^[A-Za-z]$|^[A-Za-z]\([A-Za-z]\)$")
_ESCAPED = re.compile(r"([\\`*_{}\[\]<>#|~])")
_MOST = 400  # formulas; a text with more is no answer

_NAMES = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ",
    "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ",
    "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ",
    "Omega": "Ω", "times": "×", "cdot": "·", "div": "÷", "pm": "±", "mp": "∓", "ast": "∗",
    "circ": "∘", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "ll": "≪",
    "gg": "≫", "approx": "≈", "equiv": "≡", "sim": "∼", "propto": "∝", "infty": "∞",
    "partial": "∂", "nabla": "∇", "sum": "∑", "prod": "∏", "int": "∫", "oint": "∮", "in": "∈",
    "notin": "∉", "subset": "⊂", "subseteq": "⊆", "cup": "∪", "cap": "∩", "emptyset": "∅",
    "forall": "∀", "exists": "∃", "neg": "¬", "land": "∧", "wedge": "∧", "lor": "∨", "vee": "∨",
    "to": "→", "rightarrow": "→", "leftarrow": "←", "Rightarrow": "⇒", "implies": "⇒",
    "Leftrightarrow": "⇔", "iff": "⇔", "mapsto": "↦", "ldots": "…", "dots": "…", "cdots": "⋯",
    "hbar": "ℏ", "ell": "ℓ", "degree": "°", "angle": "∠", "perp": "⊥", "parallel": "∥",
    "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉",
    "mid": "|", "vert": "|", "quad": " ", "qquad": "  ", "left": "", "right": "", "big": "",
    "Big": "", "bigl": "", "bigr": "", "displaystyle": "", "limits": "", "prime": "′",
}  # fmt: skip
_WORDS = frozenset(
    ("sin", "cos", "tan", "log", "ln", "exp", "lim", "max", "min", "det", "gcd", "mod", "arg")
)
_SIGNS = {",": " ", ";": " ", ":": " ", "!": "", " ": " ", "{": "{", "}": "}", "%": "%", "$": "$",
          "#": "#", "&": "&", "_": "_", "|": "‖", "\\": " "}  # fmt: skip
_LETTERS = {"R": "ℝ", "N": "ℕ", "Z": "ℤ", "Q": "ℚ", "C": "ℂ", "P": "ℙ"}
_ABOVE = {
    **dict(zip("0123456789+-=()′", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾′", strict=True)),
    **dict(zip("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True)),
    **dict(zip("ABDEGHIJKLMNOPRTUVW", "ᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ", strict=True)),
}
_BELOW = dict(
    zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True)
)
_ACCENTS = {
    "hat": "\u0302",
    "bar": "\u0304",
    "vec": "\u20d7",
    "dot": "\u0307",
    "tilde": "\u0303",
}
_TEXTS = frozenset(
    ("text", "mathrm", "mathbf", "mathit", "mathcal", "operatorname", "textbf", "textit")
)


class _Unknown(Exception):
    """This formula has something that no table knows."""


def readable_maths(markdown: str) -> str:
    """Markdown with its formulas in Unicode, escaped as Markdown needs it; code stays as it is."""
    if "$" not in markdown and "\\(" not in markdown and "\\[" not in markdown:
        return markdown
    shown: list[str] = []
    at = 0
    for code in _CODE.finditer(markdown):
        shown.append(_FORMULA.sub(_replaced, markdown[at : code.start()], count=_MOST))
        shown.append(code[0])
        at = code.end()
    return "".join([*shown, _FORMULA.sub(_replaced, markdown[at:], count=_MOST)])


def unicode_of(formula: str) -> str | None:
    """A formula in Unicode; None where it has something that cannot be told so."""
    try:
        return " ".join(_Reader(formula).whole().split())
    except (_Unknown, RecursionError):
        return None


def _replaced(found: re.Match[str]) -> str:
    formula = next(part for part in found.groups() if part is not None)
    if found["dollar"] is not None and not _IS_MATHS.search(formula.strip()):
        return found[0]
    told = unicode_of(formula)
    if told is None:
        return _ESCAPED.sub(r"\\\1", found[0])
    return _ESCAPED.sub(r"\\\1", told)


class _Reader:
    """Reads a formula from left to right."""

    def __init__(self, formula: str) -> None:
        self._formula = formula
        self._at = 0

    def whole(self) -> str:
        told = self._until("")
        if self._at < len(self._formula):
            raise _Unknown
        return told

    def _until(self, end: str) -> str:
        told: list[str] = []
        while self._at < len(self._formula) and self._formula[self._at] != end:
            told.append(self._next())
        return "".join(told)

    def _next(self) -> str:
        sign = self._formula[self._at]
        self._at += 1
        match sign:
            case "\\":
                return self._command()
            case "{":
                inside = self._until("}")
                if self._at >= len(self._formula):
                    raise _Unknown
                self._at += 1
                return inside
            case "}":
                raise _Unknown
            case "^":
                return _raised(self._argument(), _ABOVE, "^")
            case "_":
                return _raised(self._argument(), _BELOW, "_")
            case "&":
                return " "
            case "'":
                return "′"
        return sign

    def _argument(self) -> str:
        while self._at < len(self._formula) and self._formula[self._at] == " ":
            self._at += 1
        if self._at >= len(self._formula):
            raise _Unknown
        return self._next()

    def _command(self) -> str:
        found = re.compile(r"[A-Za-z]+|.", re.DOTALL).match(self._formula, self._at)
        if found is None:
            raise _Unknown
        name = found[0]
        self._at = found.end()
        if name in _NAMES:
            return _NAMES[name]
        if name in _SIGNS:
            return _SIGNS[name]
        if name in _WORDS:
            return f"{name} "
        return self._with_argument(name)

    def _with_argument(self, name: str) -> str:
        if name in ("frac", "dfrac", "tfrac"):
            above, below = self._argument(), self._argument()
            return f"{_grouped(above)}/{_grouped(below)}"
        if name == "sqrt":
            return f"√{_grouped(self._argument())}"
        if name in _TEXTS:
            return self._argument()
        if name == "mathbb":
            letter = self._argument()
            if letter not in _LETTERS:
                raise _Unknown
            return _LETTERS[letter]
        if name in _ACCENTS:
            under = self._argument()
            if len(under) != 1:
                raise _Unknown
            return under + _ACCENTS[name]
        raise _Unknown


def _raised(told: str, table: dict[str, str], sign: str) -> str:
    told = told.strip()
    if told and all(each in table for each in told):
        return "".join(table[each] for each in told)
    return f"{sign}{_grouped(told)}"


def _grouped(told: str) -> str:
    told = told.strip()
    return told if re.fullmatch(r".|\d+|[^\W\d_]+|√\w", told) else f"({told})"
