"""From the journal into the store: batch, insert, bisect, replay."""
