"""What a training step calls, recorded as a dump: operators by name, functions, and packages."""
