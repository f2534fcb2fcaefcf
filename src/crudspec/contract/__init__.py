"""What is promised, as data: clauses, how bad it is to break one, what may be the cause, known deviations."""
