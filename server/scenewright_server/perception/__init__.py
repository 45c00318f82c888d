"""Sees, hears and embeds beside the decoder."""
