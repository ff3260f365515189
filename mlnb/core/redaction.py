"""Redaction: secrets are taken out of whatever is about to be kept.

What is known to be secret: values that were registered (parameters declared secret), values of
environment variables whose names say so (``…_TOKEN``, ``DB_PASSWORD``, …), passwords in URLs that
the environment holds. What is recognised without being known: credentials and signatures in any
URL, ``Authorization`` headers, tokens in well-known formats, private keys, and values under a name
that says so.

A value is looked for as it is and as it is written in URLs, JSON, Python, HTML and base64. One
that is short or common is not looked for, because everything else that looks like it would go
too: it must have 8 characters, or 6 with a letter and a digit or sign among them; a registered one
4. ``MARK`` stands where a secret was.

Only the standard library is imported here, and none of it that is slow: every notebook loads it.
"""

import os
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import lru_cache
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus, unquote

MARK = "(redacted)"

_COMMON = re.compile(
    r"true|false|none|null|yes|no|on|off|default|development|production|staging|testing|test|prod"
    r"|local|localhost|disabled|enabled|undefined|unknown|required|optional|password|secret|token"
    r"|changeme|example|username|user|admin|root|postgres|string|value|redacted|anonymous|public"
    r"|private|basic|bearer|digest"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET = re.compile(r"password|passwd|passphrase|pwd|secret|credentials?|apikey|token")
_BEFORE_KEY = re.compile(r"api|access|secret|private|auth|signing|encryption|account|master")
_BEFORE_TOKEN = re.compile(r"pad|eos|bos|unk|mask|cls|sep|special|stop|start|end|next|per|each")
"""``pad_token`` and its like are settings of models."""
_PLAIN_END = re.compile(
    r"counts?|counter|length|len|size|limit|file|path|dir|folder|url|uri|name|ids?|type|ttl|expiry"
    r"|expires|expiration|timeout|policy|strategy|field|column|header|format|index|rate|budget"
    r"|lifetime|hint|prompt|enabled|required|backend|provider"
)
_PLAIN_START = re.compile(r"max|min|num|n|total|use|has|is|no|with")


@lru_cache(maxsize=4096)
def looks_secret(name: str) -> bool:
    """Tell whether a name (of a variable, a parameter, a field) says that its value is secret.

    ``API_TOKEN``, ``db_password``, ``clientSecret`` and ``aws_secret_access_key`` do;
    ``max_tokens``, ``token_count``, ``pad_token`` and ``PASSWORD_FILE`` do not.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or words == ["pwd"]:
        return False
    if _PLAIN_END.fullmatch(words[-1]) or _PLAIN_START.fullmatch(words[0]):
        return False
    for before, word in zip(["", *words], words, strict=False):
        if _SECRET.fullmatch(word) and not (word == "token" and _BEFORE_TOKEN.fullmatch(before)):
            return True
        if word == "key" and _BEFORE_KEY.fullmatch(before):
            return True
    return False


# -- what is known -------------------------------------------------------------------------------

_lock = Lock()
_registered: set[str] = set()
_inherited: set[str] = set()  # from the environment; a value that was secret once stays so
_environment: dict[Any, Any] = {}
_needles: tuple[tuple[str, str], ...] = ()
_byte_needles: tuple[tuple[bytes, bytes], ...] = ()
_generation = 0  # of what is known
_SHORT = 200  # characters: texts up to this length are looked through once


def register(*values: object) -> None:
    """Make values known as secret in this process, from now on.

    Of a mapping or a list, what it holds. Values of fewer than four characters, and common words,
    are not looked for.
    """
    found = {text for value in values for text in _texts(value) if _is_sought(text, 4)}
    with _lock:
        if not found <= _registered:
            _registered.update(found)
            _prepare()


def forget(*values: object) -> None:
    """Make values no longer known that were registered."""
    with _lock:
        _registered.difference_update(text for value in values for text in _texts(value))
        _prepare()


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, bytes):
        yield value.decode(errors="replace")
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _is_sought(value: str, least: int) -> bool:
    text = value.strip()
    return len(text) >= least and not _COMMON.fullmatch(text.lower())


def _is_telling(value: str) -> bool:
    """Tell whether a value that nobody declared secret is long or mixed enough to be one."""
    if not _is_sought(value, 6):
        return False
    if len(value) >= 8:
        return not value.startswith(("/", "~/", "./")) or not os.path.exists(value)  # noqa: PTH110
    return not value.isalpha() and not value.isdigit()


def _look_around() -> None:
    """Learn what the environment holds, if it has changed."""
    global _environment
    now: dict[Any, Any] = getattr(os.environ, "_data", None) or dict(os.environ)
    if now == _environment:
        return
    with _lock:
        _environment = dict(now)
        for name, value in list(os.environ.items()):
            if looks_secret(name) and _is_telling(value):
                _inherited.add(value)
            elif "@" in value and "://" in value:
                _inherited.update(_passwords(value))
        _prepare()


def _passwords(text: str) -> Iterable[str]:
    for url in _URL_USER.finditer(text):
        password = url[2].partition(":")[2]
        for form in {password, unquote(password)}:
            if _is_telling(form):
                yield form


def _prepare() -> None:
    global _needles, _byte_needles, _generation
    forms: set[str] = set()
    for value in _registered | _inherited:
        forms.update(_forms(value))
    ordered = sorted(forms, key=len, reverse=True)  # a value before what it begins with
    _needles = tuple((form, MARK) for form in ordered)
    found = [form.encode(errors="replace") for form in ordered]
    _byte_needles = tuple((form, b"*" * len(form)) for form in found)
    _generation += 1


def _forms(value: str) -> Iterable[str]:
    """Yield a value as it is written in the places a run keeps."""
    import json
    from html import escape

    stripped = value.strip()
    yield from (value, stripped, quote(stripped, safe=""), quote(stripped), quote_plus(stripped))
    for ascii_only in (True, False):
        written = json.dumps(stripped, ensure_ascii=ascii_only)[1:-1]
        yield from (written, json.dumps(written, ensure_ascii=ascii_only)[1:-1])
        yield written.replace("/", "\\/")  # as pandas and JavaScript write it
    yield from (repr(stripped)[1:-1], escape(stripped), escape(stripped, quote=False))
    if len(stripped) >= 8:
        yield b64encode(stripped.encode(errors="replace")).decode().rstrip("=")
    lines = stripped.splitlines()
    if len(lines) > 1:  # a key: a diff puts a sign before each of its lines
        yield from (line for line in lines if len(line) >= 20)


# -- what is recognised --------------------------------------------------------------------------

_URL_USER = re.compile(r"(?i)\b([a-z][a-z0-9+.\-]*://)([^\s/?#@\"'<>]+)(?=@)")
_SIGNED = re.compile(
    r"(?i)((?:[?&;]|\\u0026)(?:[\w\-.]*(?:signature|token|secret|password|credential|api[_-]?key)"
    r"|sig|awsaccesskeyid|x-amz-[\w-]+|x-goog-[\w-]+)=)[^&;\s\"'<>#\\]+"
)
_HEADER = re.compile(
    r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|token)\s+)[\w.~+/=\-]{6,}"
)
_FORMATS = re.compile(
    r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}|\bglpat-[\w\-]{20,}"
    r"|\bsk-[A-Za-z0-9][\w\-]{18,}|\bxox[abeprs]-[A-Za-z0-9\-]{10,}|\bhf_[A-Za-z0-9]{30,}"
    r"|\bAIza[\w\-]{35}|\bnpm_[A-Za-z0-9]{36}|\bpypi-AgE[\w\-]{30,}"
    r"|\beyJ[\w\-]{8,}\.eyJ[\w\-]{8,}\.[\w\-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----"
)
_HINTS = re.compile("gh[pousr]_|github_pat_|glpat-|sk-|xox|hf_|AIza|npm_|pypi-|eyJ|PRIVATE KEY")
_ASSIGNED = re.compile(
    r"(?P<name>[A-Za-z_][\w.\-]*)(?P<mark>\\?[\"']?\]?\s*(?::\s*\w+\s*=|[:=])\s*[rbuRBU]?)"
    r"(?P<quote>\\?[\"'])(?P<value>[^\"'\\\n]{4,}?)(?P=quote)"
)
_TELLING = ("passw", "passphrase", "pwd", "secret", "credential", "token", "key")
_TELLING_LINE = re.compile(rf"(?im)^.*(?:{'|'.join(_TELLING)}).*$")
_ENV_LINE = re.compile(
    r"(?m)^(?P<start>[+\- ]?\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*[=:]\s*)"
    r"(?P<value>[^\s\"'#()\[\]{}<>,]{6,})[ \t]*$"
)
_FLAG = re.compile(
    r"(?P<start>(?<![\w-])--(?P<name>[A-Za-z][\w-]*)(?:=|[\"']?,?\s+)[\"']?)"
    r"(?P<value>[^\s\"',;|&<>(){}\[\]$-][^\s\"',;|&<>]{3,})"
)
"""``--password=…``, ``--api-key …``, also as a list of arguments shows them."""


def text(value: str) -> str:
    """Return a text without the secrets in it."""
    if len(value) < 4:
        return value
    _look_around()
    return _of_known(value)


def _of_known(value: str) -> str:
    """Return a text without what is known, and recognised, as secret now."""
    # What runs record is mostly the same from one to the next: names, versions, options.
    return _of_short(value, _generation) if len(value) <= _SHORT else _cleaned(value)


@lru_cache(maxsize=4096)
def _of_short(value: str, _generation: int) -> str:
    return _cleaned(value)


def _cleaned(value: str) -> str:
    for needle, mark in _needles:
        if needle in value:
            value = value.replace(needle, mark)
    if "://" in value:
        value = _URL_USER.sub(_without_user, value)
    if "=" in value and ("?" in value or "&" in value):
        value = _SIGNED.sub(rf"\1{MARK}", value)
    if "uthorization" in value or "UTHORIZATION" in value:
        value = _HEADER.sub(rf"\1{MARK}", value)
    if _HINTS.search(value):
        value = _FORMATS.sub(MARK, value)
    return value


def _without_user(match: "re.Match[str]") -> str:
    user, _, password = match[2].partition(":")
    if user == MARK or (not password and (user == "git" or _COMMON.fullmatch(user))):
        return match[0]
    return match[1] + MARK


def source(code: str) -> str:
    """Return code, configuration or a diff without secrets.

    Values written down under a name that says that they are secret go as well:
    ``api_key = "…"``, ``{"password": "…"}``, ``export TOKEN=…``, ``--password …``.
    """
    code = text(code)
    lowered = code.lower()
    if not any(word in lowered for word in _TELLING):
        return code
    return _TELLING_LINE.sub(_without_assigned, code)


def _without_assigned(match: "re.Match[str]") -> str:
    line = _ASSIGNED.sub(_without_value, match[0])
    if "--" in line:
        line = _FLAG.sub(_without_argument, line)
    return _ENV_LINE.sub(_without_line, line)


def _without_value(match: "re.Match[str]") -> str:
    if not looks_secret(match["name"]) or not _is_sought(match["value"], 4):
        return match[0]
    return f"{match['name']}{match['mark']}{match['quote']}{MARK}{match['quote']}"


def _without_argument(match: "re.Match[str]") -> str:
    if not looks_secret(match["name"]) or match["value"] == MARK or not _is_telling(match["value"]):
        return match[0]
    return f"{match['start']}{MARK}"


def _without_line(match: "re.Match[str]") -> str:
    value = match["value"]
    if not looks_secret(match["name"]) or value == MARK or not _is_telling(value):
        return match[0]
    if "." in value and not any(character.isdigit() for character in value):
        return match[0]  # settings.token: code, no value
    return f"{match['start']}{MARK}"


def learn(code: str) -> None:
    """Register the secrets that code writes down, so that they are known where they are shown."""
    lowered = code.lower()
    if not any(word in lowered for word in _TELLING):
        return
    found = [
        match["value"]
        for line in _TELLING_LINE.findall(code)
        for match in _ASSIGNED.finditer(line)
        if looks_secret(match["name"])
        and not any(character.isspace() for character in match["value"])
        and len(match["value"]) >= 8
        and not match["value"].isalpha()
        and _is_telling(match["value"])
    ]
    if found:
        register(*found)


def data(content: bytes) -> bytes:
    """Return the content of a file without the secrets in it; compressed ones are not found.

    Where the file is no text, as many asterisks stand in a secret's place: formats count bytes.
    """
    try:
        written = content.decode()
    except UnicodeDecodeError:
        _look_around()
        for needle, mark in _byte_needles:
            if needle in content:
                content = content.replace(needle, mark)
        return content
    cleaned = text(written)
    return content if cleaned == written else cleaned.encode()


def body(value: Any) -> Any:
    """Return what is about to be stored as JSON without secrets: texts, lists, mappings.

    In a mapping, the text under a name that says that it is secret goes whole.
    """
    _look_around()  # once: it takes longer than most of the texts
    return _inner(value)


def _inner(value: Any) -> Any:
    if isinstance(value, str):
        return _of_known(value) if len(value) >= 4 else value
    if isinstance(value, Mapping):
        return {
            _inner(key) if isinstance(key, str) else key: _named(key, item)
            if isinstance(key, str)
            else _inner(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_inner(item) for item in value]
    return value


def named(name: str, value: Any) -> Any:
    """Return a value without secrets; `MARK` if it is a text and its name says that it is one."""
    _look_around()
    return _named(name, value)


def _named(name: str, value: Any) -> Any:
    if isinstance(value, str) and value and looks_secret(name) and not _is_plain(value):
        return MARK
    return _inner(value)


def _is_plain(value: str) -> bool:
    """Tell whether a text says nothing: a number, a truth value, a common word."""
    stripped = value.strip().lower()
    if _COMMON.fullmatch(stripped) or len(stripped) < 4:
        return True
    try:
        float(stripped)
    except ValueError:
        return False
    return len(stripped) < 8
