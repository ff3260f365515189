"""Why a tracking store fails, in our own words: what it answered is seldom meant for readers."""

import os
import re

_STATUS = re.compile(r"failed with error code (\d{3})")
_TRIED = re.compile(r"too many (\d{3}) error responses")
_USER = re.compile(r"(?<=//)[^/@\s']+@")
_LONGEST = 300
_CREDENTIALS = (
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
)
_EXTRAS = {"psycopg": "postgres", "psycopg2": "postgres", "boto3": "s3", "botocore": "s3"}

NO_MLFLOW = "it speaks no MLflow"


def reason(error: BaseException, uri: str = "") -> str:
    """Return in one line why a call of MLflow failed, without secrets.

    Parameters
    ----------
    error : BaseException
        What MLflow, a database's driver or a network raised.
    uri : str
        The store; a password in it is left out of the reason.
    """
    text = str(error).strip() or type(error).__name__
    found = _lacking(error) or _tls(text) or _answer(text) or text.splitlines()[0].rstrip(".")
    return _without(found, uri)[:_LONGEST]


def lasts(error: BaseException) -> bool:
    """Tell whether to try again is of no use until somebody changes something."""
    text = str(error)
    status = _STATUS.search(text)
    if status is not None:
        return int(status.group(1)) in (*range(400, 500), 501)
    return bool(_lacking(error) or "Response body: '" in text)


def is_of_values(error: BaseException) -> bool:
    """Tell whether a value is what a store cannot keep: it answers, and never will take that one.

    A step of more than 64 bits, a text that has no encoding: the database's driver or MLflow's
    client raises, and nothing of that says so but the type of the error.
    """
    cause: BaseException | None = error
    while cause is not None:
        if type(cause) in (OverflowError, UnicodeEncodeError, TypeError, ValueError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _lacking(error: BaseException) -> str:
    """Return what to install when a driver is missing."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ModuleNotFoundError) and cause.name:
            extra = _EXTRAS.get(cause.name.partition(".")[0])
            return f"{cause}; run: pip install 'mlnb[{extra}]'" if extra else str(cause)
        cause = cause.__cause__ or cause.__context__
    return ""


def _tls(text: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in text:
        why = re.search(r"certificate verify failed: ([^(\n]+)", text)
        detail = f" ({why.group(1).strip()})" if why else ""
        return (
            f"its TLS certificate is not trusted{detail}; name the authority's certificate in "
            "MLFLOW_TRACKING_SERVER_CERT_PATH"
        )
    if "SSLError" in text or "SSLZeroReturnError" in text:
        return "no TLS can be agreed on with it; does it speak http:// and not https://?"
    return ""


def _answer(text: str) -> str:
    """Return what a server said that is no answer of MLflow's."""
    status = _STATUS.search(text) or _TRIED.search(text)
    code = int(status.group(1)) if status else 0
    if code in (401, 403):
        return _refused(code)
    if code >= 500 and code != 501:
        return f"it answers {code}"
    if text.startswith("INTERNAL_ERROR: Response: {"):
        return f"{NO_MLFLOW}: it answers with something else"
    if "Response body: '" not in text:
        return ""
    body = text.partition("Response body: '")[2].lstrip()
    page = "a web page" if body.startswith("<") else "something else"
    if code:
        return f"{NO_MLFLOW}: it answers {code} with {page}"
    hint = " (where one logs in?)" if page == "a web page" else ""
    return f"{NO_MLFLOW}: it answers with {page}{hint}"


def _refused(code: int) -> str:
    given = [name for name in _CREDENTIALS if os.environ.get(name)]
    if code == 403:
        return "its user may not do this (403 Forbidden)"
    if given:
        return f"it refuses the credentials in {' and '.join(given)} (401 Unauthorized)"
    return (
        "it wants credentials (401 Unauthorized): set MLFLOW_TRACKING_USERNAME and "
        "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
    )


def _without(text: str, uri: str) -> str:
    password = uri.partition("://")[2].rpartition("@")[0].partition(":")[2]
    secrets = [password, *(os.environ.get(name, "") for name in _CREDENTIALS if "USER" not in name)]
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    return _USER.sub("", text)
