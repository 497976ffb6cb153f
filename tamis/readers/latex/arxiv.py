"""Papers of arXiv by the names of their files: `2101.00001v2.tar.gz`, `hep-th9901001.gz`, `arXiv-2101.00001v2`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

_ARCHIVES = (
    "acc-phys adap-org alg-geom ao-sci astro-ph atom-ph bayes-an chao-dyn chem-ph cmp-lg comp-gas cond-mat cs dg-ga "
    "eess funct-an gr-qc hep-ex hep-lat hep-ph hep-th math math-ph mtrl-th nlin nucl-ex nucl-th patt-sol physics "
    "plasm-ph q-alg q-bio q-fin quant-ph solv-int stat supr-con"
).replace(" ", "|")
_NAME = re.compile(
    rf"(?:arXiv[-_:.]?)?(?:(?P<new>(?P<month>\d\d(?:0[1-9]|1[0-2]))\.\d{{4,5}})"
    rf"|(?P<archive>{_ARCHIVES})(?:\.[A-Z]{{2}})?[-_/]?(?P<number>(?P<old>\d\d(?:0[1-9]|1[0-2]))\d{{3}}))"
    r"(?P<version>v\d{1,3})?(?:\.(?:tar|gz|tgz|zip|tex|pdf))*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Named:
    """A paper of arXiv.

    Attributes:
        id: its identifier, without a version.
        version: `v2`, or None.
        month: the first day of the month that the identifier names.
    """

    id: str
    version: str | None
    month: datetime

    @property
    def url(self) -> str:
        """Address of its abstract."""
        return f"https://arxiv.org/abs/{self.id}"


def paper_named(name: str) -> Named | None:
    """The paper whose file or folder has a name; None where it is none of arXiv's."""
    found = _NAME.fullmatch(name)
    if not found:
        return None
    digits = found["month"] or found["old"]
    year = int(digits[:2]) + (1900 if int(digits[:2]) >= 91 else 2000)
    identifier = found["new"] or f"{found['archive'].lower()}/{found['number']}"
    version = found["version"]
    return Named(identifier, version.lower() if version else None, datetime(year, int(digits[2:]), 1, tzinfo=UTC))
