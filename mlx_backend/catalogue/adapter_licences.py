"""Which licence an adapter gets that was trained on a base model: it follows from the base's.

An adapter counts as a derived work of its base here, which is the careful reading. A table with its
sources, no legal advice: whatever is not in it, or is unclear, is left to the person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from mlx_backend.catalogue.hub_licence_ids import is_hub_id
from mlx_backend.catalogue.licences import licence_link, licence_name
from mlx_backend.errors import ErrorKind, OvernightError

_FILE = re.compile(r"(LICEN[CS]E|NOTICE|USE_POLICY)(\.txt|\.md)?")
_ID = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,63}")


@dataclass(frozen=True)
class AdapterLicence:
    """The licence of an adapter as it follows from the one of its base.

    default: the id to use unless the person chooses another; None: the person has to say. is_free:
    whether any other may be chosen too. others: what else may be chosen where it is not free.
    badge: words that the page has to show. name_begins: how the name of what is shared has to
    begin. notice: what a file NOTICE beside the adapter has to say. Of all three, "" is nothing.
    because: a sentence for people. source: where the terms can be read.
    """

    default: str | None
    is_free: bool = False
    others: tuple[str, ...] = ()
    badge: str = ""
    name_begins: str = ""
    notice: str = ""
    because: str = ""
    source: str = ""

    def allows(self, licence: str) -> bool:
        """Whether the adapter may have this licence."""
        return self.is_free or self.default is None or licence in (self.default, *self.others)


def adapter_licence(base_licence: str) -> AdapterLicence:
    """What follows from the licence with this id, as the base's card states it; "" is not stated.

    The id is one of the Hub, or what the base's page names its licence where the Hub knows no id.
    """
    base = base_licence.strip().lower()
    known = _FOLLOWING.get(base)
    if known is not None:
        return known
    if base in _FREE:
        return _free(base)
    if base in _SAME:
        return _same(base)
    because = (
        f"It is not known which licence adapters of a base under '{base_licence}' may have."
        if base
        else "The licence of the base model is not stated."
    )
    return AdapterLicence(None, because=f"{because} Read its page, then choose one.")


def chosen_licence(base_licence: str, choice: str = "") -> str:
    """The id of the adapter's licence; `choice` is the person's, "" without one.

    Raises OvernightError where the person has to choose, or the base's licence allows no such one.
    """
    rule, wanted = adapter_licence(base_licence), choice.strip().lower()
    if not wanted:
        if rule.default is None:
            raise OvernightError(
                ErrorKind.BAD_INPUT,
                f"The adapter needs a licence. {rule.because}",
                "Choose it with --licence ID, for example --licence cc-by-nc-4.0.",
            )
        return rule.default
    if not _ID.fullmatch(wanted):
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            "This is no id of a licence.",
            "The Hub lists them: https://huggingface.co/docs/hub/repositories-licenses",
        )
    if rule.allows(wanted):
        return wanted
    raise OvernightError(
        ErrorKind.BAD_INPUT,
        f"The adapter cannot have the licence '{wanted}'. {rule.because}",
        f"Leave out the licence, or choose among: {', '.join((rule.default or '', *rule.others))}.",
    )


def licence_metadata(licence: str, repository: str) -> dict[str, str]:
    """The fields of a page on the Hub that state a licence: `license`, and more for `other`.

    `repository` is the base's: its page is named where the licence has no page of its own.
    """
    if is_hub_id(licence):
        return {"license": licence}
    link = licence_text_at(licence, repository)
    return {"license": "other", "license_name": licence} | ({"license_link": link} if link else {})


def licence_text_at(licence: str, repository: str) -> str:
    """The address at which a licence can be read; "" where none is known.

    `repository` is that of a model under this licence, "" where it is not known.
    """
    if licence in _TEXTS:
        return _TEXTS[licence]
    is_limited = licence_name(licence) != licence
    return licence_link(licence, repository) if repository or is_limited else ""


def licence_files(folder: Path) -> list[Path]:
    """The files in a base model's folder that state its licence, sorted; links count as files.

    A bundle takes these along. They came with the model from its repository.
    """
    found = (path for path in folder.iterdir() if _FILE.fullmatch(path.name) and path.is_file())
    return sorted(found)


def _free(licence: str) -> AdapterLicence:
    return AdapterLicence(
        licence,
        is_free=True,
        because=f"The base's licence ({licence}) leaves the choice free, if its notices are kept.",
        source=licence_text_at(licence, ""),
    )


def _same(licence: str) -> AdapterLicence:
    return AdapterLicence(
        licence,
        because=f"The base's licence ({licence}) asks for the same for what is derived from it.",
        source=licence_text_at(licence, ""),
    )


def _non_commercial(version: str, is_alike: bool = False) -> AdapterLicence:
    """CC BY-NC: adapted material stays non-commercial (section 2.a.1); SA: under the same (3.b)."""
    alike = f"cc-by-nc-sa-{version}"
    named = alike if is_alike else f"cc-by-nc-{version}"
    return AdapterLicence(
        named,
        others=() if is_alike else (alike,),
        because=f"The base's licence ({named}) allows no commercial use, also of adapters.",
        source=_TEXTS[named],
    )


def _llama(version: str, badge: str = "Built with Llama", name: str = "Llama") -> AdapterLicence:
    """Section 1.b of the community licences: a copy, a notice, the words, the beginning of names.

    Llama 2 asks for no words and no name; Llama 3 names itself in both.
    """
    licence = f"llama{version}"
    title = licence_name(licence)
    family = f"{'Meta Llama' if version == '3' else 'Llama'} {version}"
    named = "LLAMA 2 Community License" if version == "2" else title
    named = f"Meta {named}" if version == "3" else named
    return AdapterLicence(
        licence,
        badge=badge,
        name_begins=name,
        notice=f"{family} is licensed under the {named}, Copyright © Meta Platforms, Inc."
        " All Rights Reserved.",
        because=f"The {title} goes with everything that is derived from the model.",
        source=licence_link(licence, ""),
    )


def _qwen(licence: str, title: str) -> AdapterLicence:
    """Sections 3 and 4.b: a copy, a notice, and the words where something was trained with it."""
    return AdapterLicence(
        licence,
        badge="Built with Qwen",
        notice=f"Qwen is licensed under the {title}, Copyright (c) Alibaba Cloud."
        " All Rights Reserved.",
        because=f"The {title} goes with everything that is derived from the model.",
        source=licence_text_at(licence, ""),
    )


def _rail(licence: str) -> AdapterLicence:
    """OpenRAIL: the restrictions of use pass on to all derivatives (sections 4 and 5)."""
    because = f"The base's licence ({licence}) has restrictions of use that pass on to adapters."
    return replace(_same(licence), because=because)


_CC = "https://creativecommons.org/licenses"
_QWEN_RESEARCH = "https://huggingface.co/Qwen/Qwen2.5-3B-Instruct/blob/main/LICENSE"
_QWEN = "https://huggingface.co/Qwen/Qwen2.5-72B-Instruct/blob/main/LICENSE"
_DEEPSEEK = "https://github.com/deepseek-ai/DeepSeek-LLM/blob/main/LICENSE-MODEL"
_SPDX = "https://spdx.org/licenses"

# Where the texts of licences are that `licences.py` has no page of.
_TEXTS = {
    "apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0.txt",
    "mit": f"{_SPDX}/MIT.html",
    "bsd-2-clause": f"{_SPDX}/BSD-2-Clause.html",
    "bsd-3-clause": f"{_SPDX}/BSD-3-Clause.html",
    "isc": f"{_SPDX}/ISC.html",
    "unlicense": f"{_SPDX}/Unlicense.html",
    "zlib": f"{_SPDX}/Zlib.html",
    "gpl-2.0": "https://www.gnu.org/licenses/old-licenses/gpl-2.0.txt",
    "gpl-3.0": "https://www.gnu.org/licenses/gpl-3.0.txt",
    "agpl-3.0": "https://www.gnu.org/licenses/agpl-3.0.txt",
    "lgpl-2.1": "https://www.gnu.org/licenses/old-licenses/lgpl-2.1.txt",
    "lgpl-3.0": "https://www.gnu.org/licenses/lgpl-3.0.txt",
    "mpl-2.0": "https://www.mozilla.org/en-US/MPL/2.0/",
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/legalcode",
    **{
        f"cc-{kind}-{version}": f"{_CC}/{kind}/{version}/legalcode"
        for kind in ("by", "by-sa", "by-nc", "by-nc-sa", "by-nd", "by-nc-nd")
        for version in ("2.0", "2.5", "3.0", "4.0")
    },
    "qwen-research": _QWEN_RESEARCH,
    "qwen": _QWEN,
    "mrl": "https://mistral.ai/licenses/MRL-0.1.md",
    "mnpl": "https://mistral.ai/licenses/MNPL-0.1.md",
    "deepseek": _DEEPSEEK,
    "bigscience-openrail-m": "https://www.licenses.ai/blog/2022/8/26/bigscience-open-rail-m-license",
    "bigcode-openrail-m": "https://huggingface.co/spaces/bigcode/bigcode-model-license-agreement",
    "bigscience-bloom-rail-1.0": "https://huggingface.co/spaces/bigscience/license",
    "creativeml-openrail-m": "https://huggingface.co/spaces/CompVis/stable-diffusion-license",
}

# They ask for no more than that notices and names stay.
_FREE = {
    "apache-2.0", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "bsl-1.0",
    "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc0-1.0", "cdla-permissive-1.0",
    "cdla-permissive-2.0", "ecl-2.0", "isc", "mit", "ncsa", "odc-by", "openmdw-1.0",
    "openmdw-1.1", "pddl", "postgresql", "unlicense", "wtfpl", "zlib",
}  # fmt: skip

# Copyleft and share-alike.
_SAME = {
    "agpl-3.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cdla-sharing-1.0", "epl-1.0", "epl-2.0",
    "eupl-1.1", "eupl-1.2", "fair-noncommercial-research-license", "gpl", "gpl-2.0", "gpl-3.0",
    "lgpl", "lgpl-2.1", "lgpl-3.0", "mpl-2.0", "ms-pl", "odbl", "osl-3.0",
}  # fmt: skip

_FOLLOWING: dict[str, AdapterLicence] = {
    "llama2": _llama("2", badge="", name=""),
    "llama3": _llama("3", "Built with Meta Llama 3", "Llama 3"),
    **{f"llama{version}": _llama(version) for version in ("3.1", "3.2", "3.3", "4")},
    # Section 3.1: a copy, the restrictions of 3.2 in force, a notice.
    "gemma": AdapterLicence(
        "gemma",
        notice="Gemma is provided under and subject to the Gemma Terms of Use found at"
        " ai.google.dev/gemma/terms",
        because="The Gemma Terms of Use, with their restrictions of use, pass on to adapters.",
        source="https://ai.google.dev/gemma/terms#3.1-distribution",
    ),
    # Built on Apache 2.0, whose section 4 stays; above 10 million dollars a year, not commercial.
    "lfm1.0": AdapterLicence(
        "lfm1.0",
        because="The LFM Open License goes along: it limits commercial use by large companies.",
        source="https://www.liquid.ai/lfm-license",
    ),
    "qwen-research": _qwen("qwen-research", "Qwen RESEARCH LICENSE AGREEMENT"),
    "qwen": _qwen("qwen", "Qwen LICENSE AGREEMENT"),
    # Sections 2.3 and 3.2: the model stays under it, so no adapter is of use for more.
    "mrl": AdapterLicence(
        "mrl",
        notice="Licensed by Mistral AI under the Mistral AI Research License",
        because="The Mistral Research License allows research only, also with adapters.",
        source=_TEXTS["mrl"],
    ),
    "mnpl": AdapterLicence(
        "mnpl",
        because="The Mistral Non-Production License allows no use in production.",
        source=_TEXTS["mnpl"],
    ),
    # Section 5 and attachment A.
    "deepseek": AdapterLicence(
        "deepseek",
        because="The restrictions of use in the DeepSeek License Agreement pass on to adapters.",
        source=_DEEPSEEK,
    ),
    **{
        licence: _rail(licence)
        for licence in (
            "openrail",
            "openrail++",
            "bigscience-openrail-m",
            "bigcode-openrail-m",
            "bigscience-bloom-rail-1.0",
            "creativeml-openrail-m",
        )
    },
    **{f"cc-by-nc-{version}": _non_commercial(version) for version in ("2.0", "3.0", "4.0")},
    **{
        f"cc-by-nc-sa-{version}": _non_commercial(version, is_alike=True)
        for version in ("2.0", "3.0", "4.0")
    },
}
