"""The embedded family: a small fused model over one vocabulary, with soft object tokens."""
