"""What is private in a text: where it stands and of which kind it is. A kernel finds suspects, these modules decide.

Each decides on the bytes around a suspect (`Place`) and gives spans of bytes with their kind (`Found`); nothing here
keeps or logs a value. Every look is at a bounded number of bytes.
"""
