"""Questions about simulated scenes with open labels and facts, and the plans that answer them."""
