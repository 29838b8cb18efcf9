"""Thousands of clips at once: uploads that can be interrupted, results in one folder."""
