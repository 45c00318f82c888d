"""Model families: each hides what a model is made of behind family.py."""
