"""What a check is about: cases, operators, what is found and the verdict; nouns, no machinery."""
