"""Find the differences of gluoncv again, each left undeclared in turn, and print their page."""
