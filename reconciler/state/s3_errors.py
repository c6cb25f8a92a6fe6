"""Turn what S3 and boto3 complain about into one clear line; never lets one of their exceptions or a secret out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
)
from botocore.exceptions import ConnectionError as NotConnected

from reconciler.errors import StateError
from reconciler.model.text import shortened

CUT_OFF = (HTTPClientError, IncompleteReadError)
"""What boto3 raises where the content of an object does not come to its end."""

_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
_REFUSED = frozenset({"PreconditionFailed", "412"})
_CONFLICT = frozenset({"ConditionalRequestConflict", "OperationAborted", "409"})
_UNKNOWN_TO_IT = frozenset({"NotImplemented", "501"})
_RIGHTS = "does not let us do that. Give it the rights that docs/state.md names"
_ELSEWHERE = "has this bucket in another region or at another endpoint. Correct region or endpoint"
_CODES: Mapping[str, str] = {
    "AccessDenied": _RIGHTS,
    "AllAccessDisabled": _RIGHTS,
    "403": _RIGHTS,
    "InvalidAccessKeyId": "does not know this access key. Correct it",
    "SignatureDoesNotMatch": "does not accept this secret key. Correct it",
    "ExpiredToken": "refuses credentials that have run out. Renew them",
    "InvalidToken": "refuses the session token. Renew it",
    "RequestTimeTooSkewed": "finds the clock here wrong. Correct it",
    "NoSuchBucket": "has no such bucket. Create it or correct its name",
    "PermanentRedirect": _ELSEWHERE,
    "AuthorizationHeaderMalformed": _ELSEWHERE,
    "IllegalLocationConstraintException": _ELSEWHERE,
    "301": _ELSEWHERE,
    "SlowDown": "is too busy. Try again",
    "ServiceUnavailable": "is too busy. Try again",
    "InternalError": "has an error of its own. Try again",
}


class Missing(Exception):
    """There is no such object."""


class Refused(Exception):
    """The condition of a write does not hold."""


class Conflict(Exception):
    """Another write was under way: nobody can say yet whether the condition holds."""


@contextmanager
def explained(address: str) -> Iterator[None]:
    """Raise StateError for whatever goes wrong inside, but what a caller acts on.

    That is Missing, Refused and Conflict, and NotImplementedError where the service does not know what it is asked for.
    """
    try:
        yield
    except ClientError as error:
        raise _answered(address, error) from error
    except BotoCoreError as error:
        raise StateError(f"state store {address} {_failed(error)}") from error


def _answered(address: str, error: ClientError) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _MISSING:
        return Missing()
    if code in _REFUSED:
        return Refused()
    if code in _CONFLICT:
        return Conflict()
    if code in _UNKNOWN_TO_IT:
        return NotImplementedError()
    if code in _CODES:
        return StateError(f"state store {address} {_CODES[code]} ({code}).")
    message = shortened(str(error.response.get("Error", {}).get("Message", ""))).rstrip(".")
    return StateError(f"state store {address} refused ({shortened(code)}: {message}).")


def _failed(error: BotoCoreError) -> str:
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return (
            "needs a login, and none was found. Name access_key and secret_key in the policy, or give boto3 one in its own "
            "way (environment, profile, role)."
        )
    if isinstance(error, SSLError):
        return f"shows a certificate that cannot be trusted ({_line(error)}). Name its CA in AWS_CA_BUNDLE."
    if isinstance(error, NotConnected | HTTPClientError | IncompleteReadError):
        return f"does not answer ({_line(error)}). Check endpoint and network, and try again."
    return f"cannot be used ({_line(error)})."


def _line(error: BotoCoreError) -> str:
    return shortened((str(error).splitlines() or [type(error).__name__])[0].rstrip("."))
