"""Values of each kind in the forms in which people write them, and what looks like them and is none.

Written before the detector, and knows nothing of it. All values are made up by chance; check digits are computed here.
Each maker takes a `random.Random` and gives (before, value, after): what stands around the value on the line, and the
value that a detector shall find. Makers of hard negatives give text in which nothing of that kind shall be found.
"""

from __future__ import annotations

from forms_mail import NOT_EMAIL, NOT_IP, NOT_PHONE, email, email_hidden, ipv4, ipv6, phone
from forms_numbers import NOT_CARD, NOT_IBAN, NOT_NATIONAL_ID, card, iban, national_id
from forms_secrets import NOT_SECRET, NOT_URL_CREDENTIALS, secret, url_credentials
from forms_shared import Maker

KINDS: dict[str, tuple[list[tuple[Maker, float]], list[Maker]]] = {
    "email": ([(email, 0.88), (email_hidden, 0.12)], NOT_EMAIL),
    "ip_address": ([(ipv4, 0.65), (ipv6, 0.35)], NOT_IP),
    "phone_number": ([(phone, 1.0)], NOT_PHONE),
    "payment_card": ([(card, 1.0)], NOT_CARD),
    "iban": ([(iban, 1.0)], NOT_IBAN),
    "national_id": ([(national_id, 1.0)], NOT_NATIONAL_ID),
    "secret": ([(secret, 1.0)], NOT_SECRET),
    "url_credentials": ([(url_credentials, 1.0)], NOT_URL_CREDENTIALS),
}
"""Kind → makers of its values with their shares, and of what is none."""
