"""What peers do otherwise: their pages, and that the check finds each difference again."""
