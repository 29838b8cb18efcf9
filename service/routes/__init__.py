"""The HTTP interface, one router per group of addresses."""
