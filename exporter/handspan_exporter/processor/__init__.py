"""What runs after a span is stored: prices, facts, history; every step can be done again."""
