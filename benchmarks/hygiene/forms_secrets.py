"""Keys, tokens, passwords, and URLs that carry them."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

from forms_mail import public
from forms_shared import ALNUM, BASE64, DIGITS, FIRST, HEX, WORD, Made, Maker, around, host, some

# --- secrets


def _lines(d: random.Random, count: int) -> str:
    return "\n".join(some(d, BASE64, 64) for _ in range(count)) + "\n" + some(d, BASE64, 42) + "=="


def _pem(d: random.Random) -> str:
    name = d.choice(
        ["RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]
    )
    return f"-----BEGIN {name}-----\n{_lines(d, d.randint(2, 12))}\n-----END {name}-----"


_PREFIXED: list[Callable[[random.Random], str]] = [
    lambda d: d.choice(["AKIA", "ASIA"]) + some(d, string.ascii_uppercase + "234567", 16),
    lambda d: d.choice(["ghp_", "gho_", "ghs_"]) + some(d, ALNUM, 36),
    lambda d: "github_pat_" + some(d, ALNUM, 22) + "_" + some(d, ALNUM, 59),
    lambda d: "glpat-" + some(d, ALNUM + "-_", 20),
    lambda d: f"xox{d.choice('bp')}-{some(d, DIGITS, 11)}-{some(d, DIGITS, 12)}-{some(d, ALNUM, 24)}",
    lambda d: d.choice(["sk", "rk"]) + "_live_" + some(d, ALNUM, 24),
    lambda d: "AIza" + some(d, ALNUM + "-_", 35),
    lambda d: "sk-" + some(d, ALNUM, 48),
    lambda d: "sk-proj-" + some(d, ALNUM + "-_", 74),
    lambda d: "sk-ant-api03-" + some(d, ALNUM + "-_", 93) + "AA",
    lambda d: "hf_" + some(d, string.ascii_letters, 34),
    lambda d: "npm_" + some(d, ALNUM, 36),
    lambda d: "pypi-AgEIcHlwaS5vcmc" + some(d, ALNUM + "-_", 150),
    lambda d: "SG." + some(d, ALNUM + "-_", 22) + "." + some(d, ALNUM + "-_", 43),
    lambda d: "dop_v1_" + some(d, HEX, 64),
    lambda d: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ" + some(d, ALNUM, 60) + "." + some(d, ALNUM + "-_", 43),
    lambda d: some(d, "123456789", 1) + some(d, DIGITS, 8) + ":AA" + some(d, ALNUM + "-_", 33),
    lambda d: (
        "https://hooks.slack.com/services/T"
        + some(d, string.ascii_uppercase + DIGITS, 8)
        + "/B"
        + some(d, string.ascii_uppercase + DIGITS, 8)
        + "/"
        + some(d, ALNUM, 24)
    ),
]
TOKEN_FRAMES = (
    'export TOKEN="%"',
    "api_key: %",
    'const key = "%";',
    "the key is %",
    "curl -H 'Authorization: Bearer %' https://api",
    "TOKEN=%",
    "%",
    "`%`",
    '{"token":"%"}',
    "key = '%'",
    "my key % does not work,",
)


def _assigned(d: random.Random) -> Made:
    """A value that only its name gives away."""
    value = d.choice(
        [
            some(d, HEX, 32),
            some(d, ALNUM, 40),
            some(d, ALNUM, 24),
            some(d, BASE64, 40),
            some(d, ALNUM + "!$%^*_-", 20),
            some(d, HEX, 64),
            some(d, ALNUM, 16),
        ]
    )
    frame = d.choice(
        [
            "AWS_SECRET_ACCESS_KEY={}",
            'api_key = "{}"',
            '"apiKey": "{}"',
            "client_secret: {}",
            "SECRET_KEY = '{}'",
            'password = "{}"',
            "DB_PASSWORD={}",
            "access_token: '{}'",
            'auth_token="{}"',
            "x-api-key: {}",
        ]
    )
    before, after = frame.split("{}")
    return before, value, after


def secret(dice: random.Random) -> Made:
    """Keys and tokens with well-known prefixes, private keys, values of variables that are called a key or a password."""
    form = dice.random()
    if form < 0.15:
        return "\n", _pem(dice), "\n"
    if form < 0.4:
        return _assigned(dice)
    return around(dice, dice.choice(_PREFIXED)(dice), *TOKEN_FRAMES)


NOT_SECRET: list[Maker] = [
    lambda d: ("commit ", some(d, HEX, 40), ""),
    lambda d: ("md5sum ", some(d, HEX, 32), "  file.tar.gz"),
    lambda d: ("--hash=sha256:", some(d, HEX, 64), ""),
    lambda d: ('"integrity": "', "sha512-" + some(d, BASE64, 86) + "==", '"'),
    lambda d: (
        "id ",
        f"{some(d, HEX, 8)}-{some(d, HEX, 4)}-4{some(d, HEX, 3)}-a{some(d, HEX, 3)}-{some(d, HEX, 12)}",
        "",
    ),
    lambda d: ("", 'api_key="YOUR_API_KEY_GOES_HERE"', ""),
    lambda d: ("export OPENAI_API_KEY=", "sk-" + "x" * 48, ""),
    lambda d: ("", "AKIAIOSFODNN7EXAMPLE", ""),
    lambda d: ("secret_key = ", '"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"', ""),
    lambda d: ("token = ", "get_token_from_request(request, session2)", ""),
    lambda d: ("password = ", 'os.environ["DB_PASSWORD_FOR_2020"]', ""),
    lambda d: ("SECRET_KEY = ", "'change-me-in-production-please-1'", ""),
    lambda d: ("src='data:image/png;base64,", "iVBORw0KGgo" + some(d, BASE64, 160), "'"),
    lambda d: ("", f"main.{some(d, HEX, 20)}.chunk.js", ""),
    lambda d: ("", "AbstractSingletonProxyFactoryBean2ConfigurationManager", ""),
    lambda d: ("\n", f"-----BEGIN CERTIFICATE-----\n{_lines(d, 4)}\n-----END CERTIFICATE-----", "\n"),
    lambda d: ("\n", f"-----BEGIN PUBLIC KEY-----\n{_lines(d, 3)}\n-----END PUBLIC KEY-----", "\n"),
    lambda d: ("", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB" + some(d, BASE64, 180), " host"),
    lambda d: ("image@sha256:", some(d, HEX, 64), ""),
    lambda d: ('etag: "', some(d, HEX, 32), '"'),
    lambda d: ("password: ", "the password that you chose in step 2", ""),
    lambda d: ("key: ", "primary_key_of_the_other_table_2020", ""),
    lambda d: ("token: ", "<your-access-token-0001>", ""),
    lambda d: ("password=", "{{ vault_password_2 }}", ""),
    lambda d: ("", "https://docs.host.io/en/latest/how-to/configure_your_secret_key_2.html", ""),
    lambda d: ("cache_key = ", f"'{d.choice(WORD)}-{some(d, HEX, 32)}'", ""),
]


# --- URLs with credentials


def url_credentials(dice: random.Random) -> Made:
    """A user and a password before a host."""
    user, word = dice.choice(FIRST), some(dice, ALNUM + "_!$", dice.randint(6, 16))
    scheme = dice.choice(
        [
            "https",
            "http",
            "ftp",
            "postgres",
            "postgresql+psycopg2",
            "mysql",
            "mongodb+srv",
            "amqp",
            "redis",
            "smtp",
            "sftp",
        ]
    )
    end = dice.choice(["", "/" + dice.choice(WORD), ":5432/" + dice.choice(WORD), "/a/b?x=1"])
    where = host(dice) if dice.random() < 0.8 else public(dice)
    return around(
        dice,
        f"{scheme}://{'' if scheme == 'redis' else user}:{word}@{where}{end}",
        "%",
        "DATABASE_URL=%",
        "clone %",
        '"url": "%"',
        "<%>",
        "(see %)",
        "`%`",
        "url: %",
    )


NOT_URL_CREDENTIALS: list[Maker] = [
    lambda d: ("", f"https://user:password@example.com/{d.choice(WORD)}", ""),
    lambda d: ("", "postgresql://scott:tiger@localhost/test", ""),
    lambda d: ("", "mysql://user:password@host:3306/database", ""),
    lambda d: ("", f"https://{host(d)}:8080/@{d.choice(WORD)}/x", ""),
    lambda d: ("", f"https://{host(d)}/a:b@c", ""),
    lambda d: ("", f"ssh://git@{d.choice(['github.com', 'gitlab.com'])}/{d.choice(WORD)}.git", ""),
    lambda d: ("", "https://{user}:{password}@{host}/path", ""),
    lambda d: ("", "http://<user>:<password>@<host>", ""),
    lambda d: ("", "ftp://anonymous@ftp.host.org/pub", ""),
    lambda d: ("", "postgres://$USER:$PASSWORD@$HOST/db", ""),
    lambda d: ("", "redis://:password@127.0.0.1:6379/0", ""),
    lambda d: ("", "https://username:token@my.server.tld/", ""),
]
