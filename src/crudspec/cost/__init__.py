"""What each operation takes, measured: round trips, statements, bytes, time."""
