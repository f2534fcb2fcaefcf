"""What an operation takes: round trips, statements, bytes, time."""
