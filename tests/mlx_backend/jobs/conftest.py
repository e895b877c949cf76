"""Fixtures of tests of a supervisor."""

from tests.mlx_backend.jobs.supervised import folder, night, supervise  # noqa: F401
