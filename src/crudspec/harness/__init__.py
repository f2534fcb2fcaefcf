"""How a backend is driven: opened, called with deadlines, tried out, read, and asked whole programs."""
