"""Jobs: detached processes whose folder holds all of their state."""

from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.launch import launch
from mlx_backend.jobs.status import JobState, JobStatus

__all__ = ["JobFolder", "JobState", "JobStatus", "launch"]
