"""The library that tests copy is the one that an import makes."""

from __future__ import annotations

from pathlib import Path

from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library, database

Rows = dict[str, list[dict[str, object]]]


def rows_of(library: Library) -> Rows:
    """All rows of all tables, without the time of the import."""
    with database.opened(library.database) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        return {
            table: [
                {key: row[key] for key in row.keys() if key != "imported_at"}  # noqa: SIM118
                for row in connection.execute(f"SELECT * FROM {table}")
            ]
            for (table,) in tables.fetchall()
        }


def schema_of(library: Library) -> dict[str, str]:
    """The definition of everything in the database, by its name."""
    with database.opened(library.database) as connection:
        return dict(tuple(row) for row in connection.execute("SELECT name, sql FROM sqlite_schema"))


def test_a_copied_library_is_as_an_import_makes_it(
    filled_library: Library, notes_folder: Path
) -> None:
    copied, schema = rows_of(filled_library), schema_of(filled_library)
    assert copied["notes"]
    filled_library.database.unlink()
    import_into(filled_library, [notes_folder])
    assert rows_of(filled_library) == copied
    assert schema_of(filled_library) == schema


def test_nothing_has_changed_since_it_was_copied(
    filled_library: Library, notes_folder: Path
) -> None:
    again = import_into(filled_library, [notes_folder])
    assert (again.added, again.changed, again.unchanged) == (0, 0, 3)
