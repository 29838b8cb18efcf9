"""Turns a clip into a result. Bottom of the import graph: nothing here knows HTTP."""
