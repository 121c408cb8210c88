"""The command line: a file for each command that has more to say than its options."""
