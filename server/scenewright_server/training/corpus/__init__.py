"""A user's own texts, dialogues and plans, made ready for training."""
