"""The retention waterfall as SVG, made by hand.

Bars are placed in per cent of the width and text in pixels, so the same picture reads well on a wide screen and on a
phone; colours are CSS variables, so it follows the page into the dark. Stage names are escaped.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from tamis.report.figures import percent
from tamis.report.tables import Step

ROW = 54
"""Pixels from one stage to the next."""
TOP = 6

STANDALONE_STYLE = """
svg { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; background: #fffdf8;
      --ink: #22211d; --soft: #6b675c; --bar: #2f6f73; --thin: #b9822c; --line: #e6dfce }
@media (prefers-color-scheme: dark) {
  svg { background: #191a1c; --ink: #e9e6de; --soft: #a29d90; --bar: #5fb0b0; --thin: #d9a551;
      --line: #33353a }
}
"""


def _bar(y: int, height: int, share: float, before: float, colour: str) -> str:
    """What is left of everything, and in a paler colour what this stage took."""
    return (
        f'<rect x="0" y="{y}" width="100%" height="{height}" rx="2" fill="var(--line)" fill-opacity=".35"/>'
        f'<rect x="0" y="{y}" width="{100 * before:.3f}%" height="{height}" rx="2" fill="var({colour})" '
        f'fill-opacity=".28"/>'
        f'<rect x="0" y="{y}" width="{100 * share:.3f}%" height="{height}" rx="2" fill="var({colour})"/>'
    )


def waterfall(steps: Sequence[Step], *, standalone: bool = False) -> Markup:
    """Documents and characters left after each stage.

    Args:
        steps: the waterfall, ingest first.
        standalone: a file of its own, with width and colours, instead of a part of the page.

    Returns:
        An `<svg>` element.
    """
    height = TOP + ROW * len(steps) + 18
    documents = max(1, steps[0].kept.documents) if steps else 1
    characters = max(1, steps[0].kept.characters) if steps else 1
    rows = []
    before = (1.0, 1.0)
    for index, step in enumerate(steps):
        y = TOP + ROW * index
        shares = (min(1.0, step.kept.documents / documents), min(1.0, step.kept.characters / characters))
        title = (
            f"{step.stage}: {step.kept.documents:,} documents ({percent(shares[0])} of all), "
            f"{step.kept.characters:,} characters ({percent(shares[1])} of all)"
        )
        rows.append(
            f"<g><title>{escape(title)}</title>"
            f'<text x="0" y="{y + 14}" fill="var(--ink)" font-weight="600">{escape(step.stage)}</text>'
            f'<text x="100%" y="{y + 14}" text-anchor="end" fill="var(--soft)">{step.kept.documents:,} documents · '
            f'<tspan fill="var(--ink)">{percent(shares[0])}</tspan></text>'
            + _bar(y + 21, 12, shares[0], max(before[0], shares[0]), "--bar")
            + _bar(y + 36, 5, shares[1], max(before[1], shares[1]), "--thin")
            + "</g>"
        )
        before = shares
    y = height - 6
    legend = (
        f'<rect x="0" y="{y - 10}" width="12" height="10" rx="2" fill="var(--bar)"/>'
        f'<text x="18" y="{y}" fill="var(--soft)">documents</text>'
        f'<rect x="96" y="{y - 7}" width="12" height="5" rx="2" fill="var(--thin)"/>'
        f'<text x="114" y="{y}" fill="var(--soft)">characters</text>'
        f'<rect x="194" y="{y - 10}" width="12" height="10" rx="2" fill="var(--bar)" fill-opacity=".28"/>'
        f'<text x="212" y="{y}" fill="var(--soft)">taken here</text>'
    )
    label = f"Retention waterfall over {len(steps)} stages; the table below holds the same figures."
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{800 if standalone else "100%"}" height="{height}" '
        f'role="img" aria-label="{escape(label)}" font-size="13">'
    )
    style = f"<style>{STANDALONE_STYLE}</style>" if standalone else ""
    return Markup(opening + style + "".join(rows) + legend + "</svg>")  # noqa: S704 - numbers and escaped names only
