"""LaTeX: from the sources of a paper to one text (`source`).

Comments go (`comments`), the main file is found and what it includes joined (`papers`), macros are expanded (`macros`),
and what carries no text is taken out (`cleaning`). Nothing is run: TeX is read as text, within bounds.
"""
