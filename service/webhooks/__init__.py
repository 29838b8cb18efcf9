"""Telling callers that a job or a batch has ended, after Standard Webhooks."""
