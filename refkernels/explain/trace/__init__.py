"""Why one decision: records of an assignment, in words, tables and pictures."""
