"""Many at once: labels in several processes."""
