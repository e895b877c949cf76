"""Lists of function words, by which the rules tell what a phrase is and where it ends."""

from __future__ import annotations

from mlx_backend.text.words import word_set

IT_OR_THEY = word_set("it them they")
"""Pronouns that may stand for what the statement before was about."""

UNNAMED_SUBJECTS = word_set("i we you he she there this that these those")
"""Subjects that do not tell by themselves who or what is meant."""

DEMONSTRATIVES = word_set("this that these those such here there one")
"""Words at the beginning of a phrase that point at something in the text around it."""

DEFINITE = word_set("the this that my our your his her their its")
"""Determiners of one particular thing."""

INDEFINITE = word_set("a an any some another each every both all most many")
"""Determiners of things that are not told apart."""

CLAUSE_OPENERS = word_set(
    "that if when as because than to what which who whether how whereas while although though"
)
"""Words that begin another clause, or what stands for one."""

CLAUSE_WORDS = word_set("i we you he she they it is are was were has have had can will")
"""Subjects and auxiliaries: a phrase with one of them holds a clause."""

DESCRIBING = word_set(
    "not also very what how that this as here there available able possible likely useful "
    "similar different easy hard great good nice perfect ideal worth just more less so too quite "
    "really"
)
"""Words at the beginning of a phrase that describes something and names nothing."""

NO_ANSWERS = word_set(
    "it you we i they them us me him he she this that these those one ones here there something "
    "anything everything nothing everyone nobody all both some many most another myself yourself "
    "itself themselves"
)
"""Words that answer no question by themselves."""

ORDINALS = word_set("first second third next last single new other")
RELATIVE_PLACES = word_set("left right former latter first second third last other next one")
"""Words for one of several things; which one, only the sentence before says."""
