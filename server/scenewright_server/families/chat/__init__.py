"""Public language models, with what is seen and heard put before them in words."""
