"""The engine's processes as the window sees them: jobs, planner, worker."""
