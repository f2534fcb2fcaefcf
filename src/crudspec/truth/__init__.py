"""What should be, and what is: model, witness, serial orders, the values that are tried, what a check expects."""
