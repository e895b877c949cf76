"""What a base model's licence wants to lie beside an adapter: a notice, and the licence itself."""

from __future__ import annotations

import shutil
from pathlib import Path

from mlx_backend.catalogue.adapter_licences import adapter_licence, licence_files
from mlx_backend.files import write_atomically
from mlx_backend.library.models import BaseModel

NOTICE, BASE_LICENCE = "NOTICE", "base-licence"


def write_licences(base: BaseModel, folder: Path) -> None:
    """Write what the base's licence asks for into a folder, as far as the base came with it."""
    if notice := adapter_licence(base.card.licence).notice:
        write_atomically(folder / NOTICE, f"{notice}\n".encode())
    if files := licence_files(base.path):
        (folder / BASE_LICENCE).mkdir()
        for file in files:
            shutil.copyfile(file, folder / BASE_LICENCE / file.name)
