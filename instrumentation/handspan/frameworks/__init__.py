"""One file per agent framework; each turns what the framework says into verbs of `handspan`."""
