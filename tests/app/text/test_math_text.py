from __future__ import annotations

import pytest

from app.text.math_text import readable_maths, unicode_of


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("Then $E = mc^2$.", "Then E = mc²."),
        (r"\(a_i + b_{n+1} \le \frac{1}{2}\)", "aᵢ + bₙ₊₁ ≤ 1/2"),
        (r"\[ \int_0^\infty e^{-x^2} dx \]", r"∫₀^∞ e^(-x²) dx"),
        (r"$$\sum_{i=1}^{n} i = \frac{n(n+1)}{2}$$", "∑ᵢ₌₁ⁿ i = (n(n+1))/2"),
        (r"$\sqrt{2} \in \mathbb{R}$", "√2 ∈ ℝ"),
        (r"$x * y$", r"x \* y"),
        ("It costs $5 and then $10.", "It costs $5 and then $10."),
        ("from $20-$30", "from $20-$30"),
        ("`$x^2$` stays", "`$x^2$` stays"),
        ("no formula at all", "no formula at all"),
    ],
)
def test_formulas_are_shown_as_text(markdown: str, shown: str) -> None:
    assert readable_maths(markdown) == shown


@pytest.mark.parametrize("formula", [r"\begin{matrix}a\end{matrix}", "{x", "x}", r"\frac{1}", "^"])
def test_what_no_table_knows_stays_as_it_is(formula: str) -> None:
    assert unicode_of(formula) is None


def test_many_dollar_signs_take_no_time() -> None:
    assert readable_maths("$ " * 20_000 + "$(" * 20_000)
