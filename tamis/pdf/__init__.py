"""PDF: the text of its text layer.

It is read in a process that can be killed (`reader`), as lines (`lines`) that become paragraphs (`layout`). PDFium is
native code and reads whatever people have written: the kernel bounds time and memory of the child, and a crash of it
costs one document.
"""
