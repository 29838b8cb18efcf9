"""What the gateway shows to those who run it."""
