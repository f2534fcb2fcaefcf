"""What is promised of a table: which one it is, what its columns take, and the values that the suite tries on it."""
