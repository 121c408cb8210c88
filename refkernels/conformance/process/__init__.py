"""One watched process an operator, so that a crash or a hang is one verdict."""
