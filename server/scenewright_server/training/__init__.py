"""Training: the recipe, its data and the evaluation."""
