"""Pictures of every page: `python -m scripts.screenshots FOLDER [--library HOME] [--all]`.

They show the real window on a real library: a fresh one with the sample notes, and then what a
recorded night left in it; or the given one with whatever runs, adapters and conversations it has.

Without options in two sizes, light and dark. `--sizes`, `--appearances`, `--locales` and `--zoom`
choose others: a size is WIDTHxHEIGHT@SCALE. `--all` takes the smallest and the usual screens, light
and dark, in English, German and Hebrew.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import resources
from pathlib import Path

from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication

from app.main import make_application, settle_direction
from mlx_backend.settings import Appearance
from scripts.screenshots.camera import View, Wish, opened_camera
from scripts.screenshots.models_page import take_models
from scripts.screenshots.pages import take_all_pages, take_empty_pages
from scripts.screenshots.recorded_night import take_recorded_night

_SIZES = ("1440x900", "1000x700")
_ALL_SIZES = ("1024x600", "1440x900", "1440x900@1.5", "1440x900@2")
_APPEARANCES: tuple[Appearance, ...] = ("light", "dark")
_ALL_LOCALES = ("en_US", "de_DE", "he_IL")


def main(argv: list[str]) -> int:
    """Take all pictures; returns the exit code."""
    arguments = _parser().parse_args(argv)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    sizes = arguments.sizes or (_ALL_SIZES if arguments.all else _SIZES)
    locales = arguments.locales or (_ALL_LOCALES if arguments.all else ("",))
    app = make_application()
    for locale in locales:
        if locale:
            QLocale.setDefault(QLocale(locale))
            settle_direction(app)
        wish = Wish(
            arguments.folder,
            tuple(map(View.of, sizes)),
            tuple(arguments.appearances or _APPEARANCES),
            arguments.zoom,
            f"-{locale}" if locale else "",
        )
        _take_all(app, wish, arguments.library)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the PNG files go")
    parser.add_argument("--library", type=Path, help="a library to show instead of a fresh one")
    parser.add_argument("--all", action="store_true", help="all sizes and locales that are tested")
    parser.add_argument("--sizes", nargs="+", metavar="SIZE", help="such as 1024x600 1440x900@2")
    parser.add_argument("--appearances", nargs="+", choices=_APPEARANCES)
    parser.add_argument("--locales", nargs="+", metavar="LOCALE", help="such as de_DE he_IL")
    parser.add_argument("--zoom", type=int, default=100, help="in percent")
    return parser


def _take_all(app: QApplication, wish: Wish, home: Path | None) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as fresh:
        with opened_camera(app, Path(fresh), wish) as camera:
            camera.take("first-start")
            if home is None:
                take_empty_pages(camera)
                camera.import_folder(Path(str(resources.files("resources") / "sample_notes")))
                take_all_pages(camera)
                take_models(camera)
                take_recorded_night(camera)
        if home is not None:
            with opened_camera(app, home, wish) as camera:
                take_all_pages(camera)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
