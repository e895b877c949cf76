"""Which licences of models are open source, and where to read those that are not.

By the ids of the Hub (huggingface.co/docs/hub/repositories-licenses). Open are those that the
Open Source Initiative approves, and public-domain and attribution licences without limits of use.
"""

from __future__ import annotations

from mlx_backend.catalogue.hub_pages import page_of

_OPEN = {
    "afl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause",
    "bsd-3-clause-clear", "bsl-1.0", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0",
    "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cdla-permissive-1.0", "cdla-permissive-2.0",
    "ecl-2.0", "epl-1.0", "epl-2.0", "eupl-1.1", "eupl-1.2", "gpl", "gpl-2.0", "gpl-3.0",
    "agpl-3.0", "isc", "lgpl", "lgpl-2.1", "lgpl-3.0", "mit", "mpl-2.0", "ms-pl", "ncsa",
    "odc-by", "osl-3.0", "pddl", "postgresql", "unlicense", "wtfpl", "zlib",
}  # fmt: skip
# Name, where to read it.
_LIMITED = {
    "llama2": ("Llama 2 Community License", "https://ai.meta.com/llama/license/"),
    "llama3": ("Llama 3 Community License", "https://www.llama.com/llama3/license/"),
    "llama3.1": ("Llama 3.1 Community License", "https://www.llama.com/llama3_1/license/"),
    "llama3.2": ("Llama 3.2 Community License", "https://www.llama.com/llama3_2/license/"),
    "llama3.3": ("Llama 3.3 Community License", "https://www.llama.com/llama3_3/license/"),
    "llama4": ("Llama 4 Community License", "https://www.llama.com/llama4/license/"),
    "gemma": ("Gemma Terms of Use", "https://ai.google.dev/gemma/terms"),
    "lfm1.0": ("LFM Open License 1.0", "https://www.liquid.ai/lfm-license"),
}


def is_open_source(licence: str) -> bool:
    """Whether the licence with this id is open source; one that is not stated is not."""
    return licence.lower() in _OPEN


def licence_name(licence: str) -> str:
    """A licence's name for people: that of the Hub's id, or the id itself where it tells enough."""
    return _LIMITED.get(licence.lower(), (licence or "not stated",))[0]


def licence_link(licence: str, repository: str) -> str:
    """Where a licence can be read: its own page, else that of the repository."""
    known = _LIMITED.get(licence.lower())
    return known[1] if known else page_of(repository)


def licence_notice(licence: str, repository: str) -> str:
    """What a person should know of a licence before a download; "" where it is open source."""
    if is_open_source(licence):
        return ""
    link = licence_link(licence, repository)
    if not licence:
        return f"{repository} states no licence. Read its page before you use it: {link}"
    name = licence_name(licence)
    return f"The licence of {repository} is not open source: {name}. Read it: {link}"
