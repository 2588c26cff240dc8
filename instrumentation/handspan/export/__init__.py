"""How spans leave the process: completed, in batches, at most once, and without being noticed."""
