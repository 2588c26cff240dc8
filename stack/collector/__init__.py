"""What the Collector is built from, and the parts of collector-config/ that are made from data."""
