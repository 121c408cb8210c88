"""How far rounding may take each operator: forward error bounds, derived and never tuned."""
