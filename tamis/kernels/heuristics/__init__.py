"""What the rules of form count: words with punctuation, lines, repetition, listed phrases."""
