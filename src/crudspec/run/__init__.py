"""One run of the suite in one pytest process: its backends, their databases, and its verdicts."""
