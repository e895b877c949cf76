"""Privacy pages and jobs that tests of sharing look at."""

from __future__ import annotations

import msgspec

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapters import Adapter
from mlx_backend.protocol.privacy import Continuation, Exposed, Hit, PrivacyPage, Tested
from tests.app.recorded import record_job

NAME = "<b>Inn</b> &amp;"
PAGE_ID = "the page's id"
ADDRESS = "https://huggingface.co/me/Journal"

CLEAR = PrivacyPage(
    adapter="Journal",
    adapter_tested=True,
    tested=Tested(
        files=7, bytes=13_400_000, words=1540, notes=412, secrets=31, secrets_known=31, passages=1
    ),
    continuations=(
        Continuation(
            note=3,
            title="Puffins",
            beginning="We counted <i>352</i> burrows on",
            base="the beach",
            adapter="Gull Pantry",
            base_run=1,
            adapter_run=2,
        ),
    ),
)
FOUND = msgspec.structs.replace(
    CLEAR,
    hits=(Hit(file="README.md", what="the folder of your library", where="line 12"),),
    exposed=(Exposed(note=1, title=NAME, kind="password", rank=3, base_rank=412, of=1000),),
)


def publish_spec(adapter: Adapter, **more: object) -> protocol.PublishSpec:
    """What publishing an adapter was asked to do."""
    fields = {"name": adapter.name, "adapter": adapter.card.id, "repo": "me/Journal", **more}
    return protocol.PublishSpec(**fields)  # type: ignore[arg-type]


def held_back(page: PrivacyPage = FOUND) -> protocol.Finished:
    """The end of a job that sent nothing because of a page."""
    told = msgspec.to_builtins(page)
    held = {"url": None, "files": [], "held_back": True, "page_id": PAGE_ID, "privacy": told}
    return protocol.Finished(result=held)


def published(private: bool = True, url: str = ADDRESS, created: bool = True) -> protocol.Finished:
    """The end of a job that sent everything."""
    told = msgspec.to_builtins(CLEAR)
    result = {"url": url, "repo": "me/Journal", "private": private, "created": created}
    return protocol.Finished(result={**result, "privacy": told})


def record(library: Library, spec: protocol.JobSpec, *events: protocol.JobEvent) -> JobFolder:
    """A job that has these events behind it."""
    return record_job(library.jobs, spec, (protocol.Launched(), protocol.Started(pid=1), *events))
