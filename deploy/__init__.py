"""How Handspan is run on servers; what is made from other files here, `packages` makes."""
