"""Every error that tamis raises on purpose.

    TamisError
    ├── ConfigError          a key in the configuration is wrong; refused when the workflow is parsed
    ├── SourceError          an input file is missing, damaged or not what the configuration says
    ├── SchemaError          a table does not have the columns or types of its contract
    ├── ShardMismatchError   a file belongs to another shard, another count of shards, or an older run
    ├── ConservationError    documents or characters appeared or vanished without a ledger or edits row
    ├── AlarmError           the finished run raises an alarm that the configuration makes fatal
    ├── FolderError          a folder that a run writes to is full, read-only or cannot be made
    ├── ModelError           a model, tokenizer or backbone cannot be loaded or does not fit the configuration
    └── EndpointError        an endpoint that a judge asks does not answer, or not as it should

A message gives the file, what was expected, what was found, and what to do.
"""

import re
import unicodedata

LET_IN = re.compile(r"(?<=://)[^\s/?#'\"@]+@")
"""Name and password before the host of an address."""

SECRET = re.compile(
    r"(?P<name>[?&](?:x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential)|awsaccesskeyid"
    r"|signature|sig|sas|token|access_token|auth|api[_-]?key|apikey|password|passwd|secret)=)[^\s&#'\"]*",
    re.IGNORECASE,
)
"""Parameters of an address' query by which somebody is let in."""


def safe(text: str) -> str:
    """A text with its control, format and surrogate characters (but not line breaks and tabs) spelled out.

    They could move the cursor of a terminal, change its title, or turn the direction of writing. Passwords in addresses
    are blotted out.
    """
    if "://" in text:
        text = SECRET.sub(r"\g<name>***", LET_IN.sub("***@", text))
    return "".join(
        letter
        if letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


class TamisError(Exception):
    """Base of all errors a user may meet; its message is meant to be read by that user.

    Messages quote names and texts that come from elsewhere, so what a terminal would obey is spelled out in them.
    """

    def __str__(self) -> str:
        """The message, `safe`."""
        return safe(super().__str__())


class ConfigError(TamisError):
    """The configuration is refused; the message names the key."""


class SourceError(TamisError):
    """An input is missing, damaged or of another format than configured."""


class SchemaError(TamisError):
    """A table breaks its column contract (`tamis/schemas.py`)."""


class ShardMismatchError(TamisError):
    """A file of another shard layout or of an older run was met."""


class ConservationError(TamisError):
    """Documents or characters are not accounted for."""


class AlarmError(TamisError):
    """A run that is done lost a source or holds a giant group, and `report.alarms_fatal` is set."""


class FolderError(TamisError):
    """A folder that a run writes to is full, read-only or cannot be made."""


class ModelError(TamisError):
    """A model, tokenizer or backbone cannot be used."""


class EndpointError(TamisError):
    """An endpoint does not answer, or not as it should."""
