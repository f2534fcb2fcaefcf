"""`translated`: a backend class like another one, but for the exceptions that leave it."""
