"""Right code in PyTorch: functions that take parameters as keywords."""
