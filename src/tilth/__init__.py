"""Tilth."""
