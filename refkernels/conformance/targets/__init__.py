"""How code of each framework is found, built, called and pasted, and what it offers."""
