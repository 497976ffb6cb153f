"""Which language a text is in: the models that say so, what is known better than by them, what a record says itself."""
