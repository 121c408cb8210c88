"""What assigns targets, and makes anchors."""
