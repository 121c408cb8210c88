"""What runs in PyTorch, on a graphics processor beside the CPU."""
