"""What mail servers and networks do wrong, translated into errors named by how to recover."""

from __future__ import annotations

import imaplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from carecli.connectors.imap.settings import Endpoint
from carecli.connectors.spi.errors import Ambiguous, AuthNeeded, BadSetup, Gone, Retryable
from carecli.domain.errors import CareError
from carecli.domain.redact import clean_line, without_secrets

_LATER = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[CONTACTADMIN]", "TOO MANY", "TRY AGAIN", "TEMPORAR")
_WRONG_PORT = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")


def words_of(error: object) -> str:
    """A server's or library's words as one clean, short line without secrets."""
    text = str(error)
    if text.startswith(("b'", 'b"')):
        text = text[2:-1]
    return without_secrets(clean_line(text))[:300]


@contextmanager
def translated(endpoint: Endpoint) -> Iterator[None]:
    """Turns network, TLS and protocol faults into ``spi.errors``; those of our own pass unchanged."""
    try:
        yield
    except CareError:
        raise
    except ssl.SSLCertVerificationError as error:
        raise BadSetup(
            f"the certificate of the {endpoint} is not trusted: {error.verify_message}; no password was sent",
            code="TLS_CERTIFICATE",
            help="Check the host name; for a private certificate authority set ca_file in the account section.",
        ) from error
    except ssl.SSLError as error:
        if (error.reason or "") in _WRONG_PORT:
            raise BadSetup(
                f"the {endpoint} does not speak TLS at once; no password was sent",
                code="TLS_HANDSHAKE",
                help='Check the port, or set tls = "starttls" for this server.',
            ) from error
        raise _unreachable(endpoint, error) from error
    except socket.gaierror as error:
        raise Retryable(
            f"the {endpoint} was not found ({words_of(error.strerror or error)}); nothing was changed",
            help="Check the network and the host name of the account, then try again.",
        ) from error
    except (OSError, EOFError, imaplib.IMAP4.abort) as error:
        raise _unreachable(endpoint, error) from error
    except imaplib.IMAP4.error as error:
        raise Retryable(
            f"the {endpoint} answered: {words_of(error)}; what was read before is kept",
            help="Try again; 'carecli account test' shows what the server offers.",
        ) from error


def _unreachable(endpoint: Endpoint, error: BaseException) -> Retryable:
    reason = "no answer in time" if isinstance(error, TimeoutError) else words_of(error) or type(error).__name__
    return Retryable(
        f"the {endpoint} cannot be reached ({reason}); what was read or written before is kept",
        help="Check the network; the next sync goes on where this one stopped.",
    )


def sign_in_fault(endpoint: Endpoint, account: str, error: object) -> AuthNeeded | Retryable:
    """The error for a refused sign-in: wrong credentials, or a server that is merely busy."""
    words = words_of(error)
    if any(word in words.upper() for word in _LATER):
        return Retryable(f"the {endpoint} lets nobody in for now: {words}", help="Try again in a few minutes.")
    return AuthNeeded(
        f"the {endpoint} refused the sign-in of account '{account}': {words}",
        help=f"Run 'carecli account login {account}'; many providers want an app password.",
    )


def folder_fault(endpoint: Endpoint, folder: str, error: object) -> Gone | Retryable:
    """The error for a folder that cannot be opened."""
    words = words_of(error)
    if any(word in words.upper() for word in _LATER):
        return Retryable(f"folder '{folder}' on the {endpoint} cannot be opened now: {words}", help="Try again later.")
    return Gone(
        f"there is no folder '{folder}' on the {endpoint} ({words}); mail read from it before is kept",
        help="Correct folders or sent_folder in the account section, or create the folder.",
    )


def unconfirmed(endpoint: Endpoint, operation_id: str, waited: float) -> Ambiguous:
    """The error for a send of which no copy came back within the time that the account allows; ``waited`` seconds."""
    time = f"{waited / 60:.0f} minutes" if waited >= 120 else f"{waited:.0f} seconds"
    return Ambiguous(
        f"no copy of this message came back from the {endpoint} within {time}; it may or may not have been sent, and is "
        "kept",
        help=f"Look whether it arrived, then say so: carecli outbox resolve {operation_id} --send|--discard",
    )
