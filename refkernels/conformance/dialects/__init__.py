"""What published code means differently by one name, where SPEC has a parameter for it."""
