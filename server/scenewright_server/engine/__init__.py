"""Runs the fused model for many callers at once: requests in, streams of events out."""
