"""What starts a run and what a run starts: schedules, notifications, the step after a failure."""
