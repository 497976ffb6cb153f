"""One module a stage: its configuration, its pure functions, and its jobs as `run_<step>`."""
