"""Web pages made for tests: an article between navigation, a footer and other boilerplate."""

from __future__ import annotations

MENU = "".join(
    f'<li class="menu-item"><a href="/{one.lower()}">{one}</a></li>' for one in ("Home", "Products", "Careers")
)
ENGLISH = (
    "The harbour was quiet in the early morning, and none of the boats had come back from the sea.",
    "People who had waited all night on the wet stones went home one after the other, without saying much.",
    "Only the keeper of the light stayed, because he had seen a lamp far out that nobody else believed in.",
    "When the wind turned at noon the first sail came round the point, and after it came all the others.",
)


def page(*body: str, language: str = "en", title: str = "The boats come home", charset: str = "utf-8") -> str:
    """A page whose main content is some HTML, with all that stands around it on a news site."""
    return f"""<!DOCTYPE html>
<html lang="{language}"><head><meta charset="{charset}"><title>{title}</title>
<link rel="canonical" href="https://news.example/boats"><style>.x {{ color: red }}</style>
<script>var tracked = "not text at all";</script></head>
<body><header class="site-header"><div class="logo"><a href="/">Harbour News</a></div>
<nav class="main-nav"><ul class="menu">{MENU}</ul></nav></header>
<div class="cookie-banner"><p>We use cookies to improve your experience.</p><button>Accept all</button></div>
<main><article class="post"><h1>{title}</h1>
<div class="entry-content">{"".join(body)}</div></article></main>
<aside class="sidebar"><h3>Most read</h3><ul><li><a href="/1">Ten harbours to see before winter</a></li>
<li><a href="/2">Fish prices this week</a></li></ul></aside>
<footer class="site-footer"><ul><li><a href="/privacy">Privacy policy</a></li><li><a href="/imprint">Imprint</a></li></ul>
<p>© 2024 Harbour News. All rights reserved.</p></footer></body></html>"""


def paragraphs(*texts: str) -> str:
    """Texts as paragraphs."""
    return "".join(f"<p>{text}</p>\n" for text in texts or ENGLISH)
