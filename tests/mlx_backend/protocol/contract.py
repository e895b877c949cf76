"""The fields of report.json and of `overnight train --json`, which other programs read."""

from __future__ import annotations

ALWAYS = frozenset(
    [
        "run",
        "path",
        "adapter",
        "notes",
        "samples",
        "steps",
        "train_loss",
        "valid_loss",
        "base_valid_loss",
        "tokens",
        "tokens_per_second",
        "peak_bytes",
        "minutes",
        "planned_minutes",
        "planned_steps",
        "ended",
        "passes",
        "planned_bytes",
        "kept_step",
        "skipped_steps",
        "held_out",
        "notes_read",
        "cut",
        "unlearnable",
        "exam_asked",
        "exam_before",
        "exam_after",
        "exam",
        "style_before",
        "style_after",
        "study_minutes",
        "study_written",
        "study_used",
        "study_dropped",
        "recipe",
        "verdict",
        "advice",
    ]
)
GENERAL = frozenset(
    {
        "general_asked",
        "general_before",
        "general_after",
        "perplexity_before",
        "perplexity_after",
    }
)
"""Where the general probe was taken before and after the training."""

LATER = frozenset(
    {
        "exam_set_aside",
        "exam_by_words_before",
        "exam_by_words_after",
        "exam_by_meaning_before",
        "exam_by_meaning_after",
        "general_gained",
        "general_lost",
    }
)
"""Where they are known: fields that reports of version 0.1 did not have."""

MEASURED = frozenset({"watt_hours", "energy_how"})
"""Where the energy was measured."""

ADAPTED = frozenset({"rank", "learning_rate", "divergence"})
"""Where the report tells how the adapter was trained, which earlier versions did not."""

FACTS = frozenset({"facts", "facts_asked", "facts_known", "facts_both_ways"})
"""Where facts were taught: in a run that studied."""

OPEN_BOOK = frozenset(
    {
        "open_book_told",
        "open_book_untold",
        "open_book_right_before",
        "open_book_right_after",
        "open_book_declined_before",
        "open_book_declined_after",
        "open_book_words",
    }
)
"""Where a reader was asked with passages before the questions."""
