"""Jobs: detached processes whose folder holds all of their state."""

from mlx_backend.jobs.folder import JobFolder, JobState, JobStatus
from mlx_backend.jobs.launch import launch

__all__ = ["JobFolder", "JobState", "JobStatus", "launch"]
