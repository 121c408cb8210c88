"""Right code in NumPy, of classes and functions by the operators' names."""
