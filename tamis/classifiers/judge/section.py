"""What the configuration says of a judge, and its prompt."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

from tamis.errors import ConfigError
from tamis.section import FilePath, Section, Share, workflow_path

PLACE = "{text}"
"""Stands in a prompt where the text of the document goes."""

MAX_PROMPT = 100_000
"""Bytes of a prompt, at most."""

OURS = ("model", "messages", "stream", "n")
"""Fields of a request that no setting may change: the first two have settings of their own, one answer comes whole."""

ANYWHERE: dict[str, Any] = {"url": "http://anywhere", "prompt": Path("prompt.md")}
"""What stands for the address and the prompt's path where only what changes answers counts."""

WAYS = (
    "url",
    "api_key_env",
    "concurrency",
    "requests_per_minute",
    "timeout",
    "retries",
    "max_malformed",
    "price",
    "cache",
)
"""The settings that say how answers are come by, and change none of them."""


class Price(Section):
    """What an endpoint asks for tokens, in a currency of yours."""

    input: float = Field(ge=0.0, description="For 1,000,000 tokens that are sent.")
    output: float = Field(ge=0.0, description="For 1,000,000 tokens of answers.")


class Judge(Section):
    """A language model that grades a sample of the documents; each answer is kept and never asked for again."""

    url: str = Field(
        description="Base address of an OpenAI-compatible endpoint (vLLM, llama.cpp's server, hosted ones), such as "
        "http://localhost:8000/v1; /chat/completions is added. No redirect is followed."
    )
    model: str = Field(min_length=1, max_length=500, description="Name of the model, as the endpoint knows it.")
    prompt: Annotated[Path, AfterValidator(workflow_path)] = Field(
        description="File with the question, UTF-8; `{text}` stands there once, where the document goes. "
        "classifiers/education/prompt.md, classifiers/quality/prompt.md and, for `domains`, "
        "classifiers/domains/prompt.md are ready."
    )
    answers: Literal["yes_no", "grade_0_5", "class"] = Field(
        description="What the last line of an answer is: `yes_no`, yes is good and no is bad; `grade_0_5`, a whole "
        "number that is learnt as a grade from 0 to 1 (FineWeb-Edu's scale; good from 3 on); `class`, the name of a "
        "class (of `domains`: general, math, code, reasoning; else good, bad)."
    )
    documents: int = Field(
        1000,
        ge=1,
        le=1_000_000,
        description="How many of the documents that reach the stage are judged, an equal share of each kind as far as "
        "there are so many; drawn by a keyed hash of the id. FineWeb-Edu judged 460,000.",
    )
    max_characters: int = Field(
        4000, ge=1, le=1_000_000, description="Characters from the start of a text that are sent, at most."
    )
    max_answer_tokens: int = Field(
        512, ge=1, description="Tokens of an answer, at most; an answer that is cut teaches nothing."
    )
    temperature: float = Field(0.0, ge=0.0, le=2.0, description="Temperature of sampling.")
    seed: int = Field(0, ge=0, lt=2**31 - 1, description="Seed of sampling, sent along.")
    request: dict[str, Any] = Field(
        {},
        description="Further fields of each request, such as `{chat_template_kwargs: {enable_thinking: false}}`; null "
        "takes one of ours away, as in `{max_tokens: null, max_completion_tokens: 512}`.",
    )
    agreement: Share = Field(
        0.05,
        description="Share of the judged documents that are asked a second time, with the next seed; how far the "
        "answers agree stands on the card. The second answer teaches nothing.",
    )
    max_malformed: Share = Field(
        0.1, description="Share of answers that may be malformed; with more nothing is trained, and the run stops."
    )
    concurrency: int = Field(8, ge=1, le=512, description="Requests under way at a time.")
    requests_per_minute: float | None = Field(None, gt=0.0, description="Requests a minute; null: no limit of ours.")
    timeout: float = Field(120.0, gt=0.0, le=3600.0, description="Seconds that one request may take.")
    retries: int = Field(
        6,
        ge=0,
        le=50,
        description="Further tries after a time-out, a lost connection, 429 or 5xx, each after a random wait of up to "
        "1, 2, 4 … 60 seconds, or as long as the endpoint asks for.",
    )
    api_key_env: str | None = Field(
        None, description="Name of the environment variable that holds the key; null: no key is sent."
    )
    price: Price | None = Field(None, description="For the cost on the card; null: only tokens stand there.")
    cache: FilePath = Field(
        "judgements",
        min_length=1,
        description="Folder of kept answers, outside of the results, so that a run from nothing asks nothing again.",
    )

    # The messages of these two do not repeat what was given: it may be a key.
    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            usual = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
        except ValueError:
            usual = False
        if not usual or any(letter.isspace() or not letter.isprintable() for letter in value):
            raise ValueError("no address of an endpoint; one begins with http:// or https:// and names a host")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError(
                "an address holds no user, password, query or fragment: a key is named by api_key_env, and further "
                "fields of requests stand under request"
            )
        return value.rstrip("/")

    @field_validator("api_key_env")
    @classmethod
    def _a_name(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,99}", value):
            raise ValueError(
                "no name of an environment variable (capital letters, digits, underscores); the key itself stands in "
                "that variable and nowhere in a configuration"
            )
        return value

    @field_validator("request")
    @classmethod
    def _not_ours(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"holds what JSON cannot say ({error}); dates, for one, want quotation marks") from error
        if wrong := [name for name in OURS if name in value]:
            raise ValueError(f"{wrong[0]!r} is not for `request` to say")
        return value

    def for_answers(self) -> Judge:
        """The section without what only says how answers are come by, for the params of jobs."""
        plain = {name: field.default for name, field in type(self).model_fields.items() if name in WAYS}
        return self.model_copy(update=plain | ANYWHERE)

    def ways(self) -> dict[str, Any]:
        """What `for_answers` leaves out, as JSON values; the prompt is an input."""
        return self.model_dump(mode="json", include=set(WAYS))

    def reached(self, ways: dict[str, Any]) -> Judge:
        """The section of `for_answers` with the ways again."""
        return Judge.model_validate(self.model_dump(mode="json") | ways)

    def body(self) -> dict[str, Any]:
        """The fields of every request but the message and the seed."""
        fields = {"temperature": self.temperature, "max_tokens": self.max_answer_tokens, **self.request}
        return {"model": self.model, **{name: value for name, value in fields.items() if value is not None}}

    def settings(self) -> dict[str, Any]:
        """What changes answers beside prompt, text and the number of the seed."""
        return self.body() | ({"seed": "sent"} if self.sends_seed else {})

    @property
    def sends_seed(self) -> bool:
        """Whether requests name a seed of ours."""
        return "seed" not in self.request


def read_prompt(path: Path, key: str = "prompt") -> str:
    """The text of a prompt.

    Args:
        path: the file.
        key: of the configuration, for the message.

    Raises:
        ConfigError: it cannot be read, is no UTF-8, too long, or does not hold `{text}` exactly once.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PROMPT + 1)
    except OSError as error:
        msg = f"{key}: {path} cannot be read ({error.strerror or error}); name the file that holds the question"
        raise ConfigError(msg) from error
    if len(data) > MAX_PROMPT:
        raise ConfigError(f"{key}: {path} has more than {MAX_PROMPT} bytes; a prompt is shorter")
    try:
        prompt = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{key}: {path} is not UTF-8 ({error}); save it as UTF-8") from error
    if (found := prompt.count(PLACE)) != 1:
        msg = f"{key}: {path} holds {PLACE} {found} times; write it once, where the text of the document goes"
        raise ConfigError(msg)
    return prompt


def key_of(judge: Judge, stage: str | None = None) -> str | None:
    """The key, from the environment.

    Args:
        judge: the settings, with the ways.
        stage: where its section stands, for the message.

    Raises:
        ConfigError: the variable is not set, or holds what no header can carry.
    """
    name = judge.api_key_env
    if name is None:
        return None
    at = f"{stage}." if stage else ""
    key = os.environ.get(name, "").strip()
    if not key:
        msg = (
            f"{at}labels.judge.api_key_env: the environment variable {name} is not set; put the endpoint's key into it"
        )
        raise ConfigError(msg)
    if not re.fullmatch(r"[!-~]+", key):
        msg = (
            f"{at}labels.judge.api_key_env: the environment variable {name} holds blanks or other signs than a key has"
        )
        raise ConfigError(msg)
    return key
