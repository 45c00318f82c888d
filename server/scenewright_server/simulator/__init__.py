"""Simulated rooms, pictures, voices and questions: makes training and test data."""
