"""What other packages call these operators, and where they are known to differ."""
