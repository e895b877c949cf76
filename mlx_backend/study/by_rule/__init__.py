"""Samples written by rule, from the grammar and the form of what passages state.

What calls what, from the top:

- `rule_writer`: a note's passages in, drafts of samples out. It takes `statements` (sentences, list
  items, pairs and table rows, without their Markdown) and their `topics` (what "it" stands for),
  and takes their questions from `statement_questions`.
- `statement_questions`: all questions about one statement. By its form it goes to `row_questions`,
  `pair_questions`, `clause_questions` or `phrase_questions`; bad questions are dropped.
- `clause_questions`: questions about a clause, with `subject_questions`, `object_questions` and
  `detail_questions`.
- Below these: `grammar` (a sentence's clauses; it asks `verbs` and `subjects`), `answers` (pieces
  of a text that can be asked for, by the table in `text/answer_kinds.py`), `phrases`,
  `question_text`, `function_words`.

Beside them, `keyword_prompts` writes prompts as people type them, without grammar, and `twins`
finds questions that differ in "who" and "what" alone.
"""
