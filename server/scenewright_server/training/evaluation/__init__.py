"""How good a bundle is, on fresh seeded scenes that no training drew."""
