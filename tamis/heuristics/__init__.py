"""Rules of form: which there are, what is measured of a document, and what the rules say of it."""
