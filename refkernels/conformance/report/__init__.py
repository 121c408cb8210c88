"""What a check found: on the console, as a page, as JSON and JUnit XML."""
