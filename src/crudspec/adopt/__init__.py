"""For a table of one's own: what is understood of it, an adapter to begin with, and a database with it."""
