"""Who did what when: a chain of lines in which nothing can be changed without it being seen."""
