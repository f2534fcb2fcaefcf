"""What came of a run, and how it is shown."""
