"""The fused model: networks, tokenizer and bundle, nothing else."""
