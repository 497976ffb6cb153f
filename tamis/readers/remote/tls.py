"""Whom an encrypted connection trusts, and what to do where it does not.

A certificate that fails does so again a second later, so none of these is tried again. Which authorities are trusted
says OpenSSL, and `SSL_CERT_FILE` and `SSL_CERT_DIR` as it reads them; but a file that is not there it passes over in
silence, and then refuses the server in words that name something else.
"""

from __future__ import annotations

import os
import ssl
from functools import cache
from pathlib import Path

from tamis.errors import SourceError

FILE, FOLDER = "SSL_CERT_FILE", "SSL_CERT_DIR"

OTHER_NAME = frozenset({62, 64})
EXPIRED, NOT_YET = 10, 9
"""OpenSSL's numbers (X509_V_ERR_…) of what is wrong with a certificate: made for another host or address; out of date;
not yet of use."""

NO_TLS = frozenset({"HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "WRONG_VERSION_NUMBER"})
"""OpenSSL's reasons where the other side speaks something else."""


def context() -> ssl.SSLContext:
    """Whom we trust.

    Raises:
        SourceError: what the environment names is not there, or holds no certificates; the message names the variable.
    """
    file, folder = os.environ.get(FILE), os.environ.get(FOLDER)
    if file and not Path(file).is_file():
        what = "is no file" if Path(file).exists() else "is not there"
        raise SourceError(f"{FILE} names {file}, which {what}; correct the variable or unset it")
    if folder and not any(Path(one).is_dir() for one in folder.split(os.pathsep)):
        raise SourceError(f"{FOLDER} names {folder}, which is no folder; correct the variable or unset it")
    return _context(file, folder)


@cache
def _context(file: str | None, _folder: str | None) -> ssl.SSLContext:
    made = ssl.create_default_context()
    if file:
        try:
            made.load_verify_locations(cafile=file)
        except (OSError, ssl.SSLError) as error:
            why = error.strerror or "no certificates in it"
            raise SourceError(
                f"{FILE} names {file}, which holds no certificates in PEM ({why}); it begins with "
                "-----BEGIN CERTIFICATE-----. Convert it, or unset the variable"
            ) from None
    return made


def refusal(error: ssl.SSLError, host: str) -> str | None:
    """Why a connection is refused, and what to do; None where another try may do better.

    Args:
        error: what OpenSSL said.
        host: to whom the connection was to be.
    """
    if not isinstance(error, ssl.SSLCertVerificationError):
        if error.reason in NO_TLS:
            return "it answers in another way than https; see whether http:// or another port is meant"
        return None
    why = error.verify_message.rstrip(".")
    if error.verify_code in OTHER_NAME:
        return (
            f"its certificate is for another name than {host} ({why}); write the name that the certificate has into "
            "the address. Trusting more authorities does not help"
        )
    if error.verify_code in (EXPIRED, NOT_YET):
        return (
            f"its certificate is out of date ({why}); see that the clock of this machine is right. If it is, whoever "
            "runs the server must renew it"
        )
    set_ = os.environ.get(FILE)
    named = f" (it is {set_} now, which does not hold that)" if set_ else ""
    return (
        f"its certificate is not trusted ({why}); if you trust the server, set {FILE} to a file in PEM with the "
        f"certificate of the authority that issued it{named}"
    )
