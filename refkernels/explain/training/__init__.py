"""What becomes of an assignment while a detector is trained."""
