"""The licensed data sets: from their published folders and sheets into one manifest."""
