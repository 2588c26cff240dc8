"""Who may come in, how much at once, and over what: tokens, limits, TLS."""
