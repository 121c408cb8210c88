"""Examine cases in all modes, search for what fails, make it small, save it and run it again."""
