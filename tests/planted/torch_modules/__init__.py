"""Right code in PyTorch: modules that own their parameters, and samplers of examples."""
