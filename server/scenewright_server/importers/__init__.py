"""Public checkpoints become parts of a bundle: pure functions from files to a config, weights and a tokenizer."""
