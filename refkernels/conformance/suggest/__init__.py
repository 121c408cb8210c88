"""What code that has none of our names looks like: which callables are which operators."""
