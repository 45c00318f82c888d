"""How results, places, refusals and numbers are said, one file a language."""
