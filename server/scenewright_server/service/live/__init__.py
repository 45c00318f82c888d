"""Live conversations."""
