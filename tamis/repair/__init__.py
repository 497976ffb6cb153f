"""What is repaired in a text: how damage is seen, what is put in its place, and which lines C4 cuts."""
