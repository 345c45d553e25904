"""A real mail server for tests: Dovecot and Postfix on free loopback ports with a private, throw-away state."""

from __future__ import annotations

import fcntl
import os
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
HOST = "127.0.0.1"
_PORTS = ("MAIL_IMAP", "MAIL_IMAPS", "MAIL_SUBM", "MAIL_SMTP", "MAIL_SIEVE")


class PeerUnavailableError(Exception):
    """The server cannot be installed or started here; the text says why."""


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class FaultProxy:
    """A TCP proxy whose faults are set while it runs (see ``faultproxy.py`` for their names)."""

    def __init__(self, target: int) -> None:
        self.port, self._control = _free_ports(2)
        command = [sys.executable, str(HERE / "faultproxy.py"), str(self.port), str(target), str(self._control)]
        self._process = subprocess.Popen(command)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                self.set()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise PeerUnavailableError("the fault proxy does not start")

    def set(self, **faults: object) -> None:
        """Sets faults."""
        query = "&".join(f"{name}={value}" for name, value in faults.items())
        with urllib.request.urlopen(f"http://{HOST}:{self._control}/set?{query}", timeout=5) as answer:
            answer.read()

    def stop(self) -> None:
        """Ends the proxy."""
        self._process.terminate()
        self._process.wait(10)


class MailPeer:
    """A running server. Users ``support|billing|agent1..3|customers@care.test`` share one password."""

    password = "care-pass"
    host = HOST

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise PeerUnavailableError("Dovecot and Postfix need root to deliver mail")
        if not shutil.which("apt-get") and not (shutil.which("dovecot") and shutil.which("postfix")):
            raise PeerUnavailableError("neither Dovecot and Postfix nor apt-get are here")
        self.home = Path(tempfile.mkdtemp(prefix="ccm", dir="/tmp"))
        self.home.chmod(0o755)
        self._ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
        self.imap, self.imaps, self.submission, self.mx, _ = self._ports.values()
        self._environment = {
            **os.environ,
            "PEERS_HOME": str(self.home),
            **{name: str(port) for name, port in self._ports.items()},
        }
        self.state = self.home / "state" / "mail"
        self.ca = self.state / "tls.crt"
        with Path(tempfile.gettempdir(), "carecli-peer-install.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._run("install", seconds=600)
        self._run("start", seconds=60)

    def _run(self, *arguments: str, seconds: float = 120) -> str:
        done = subprocess.run(
            ["bash", str(HERE / "mail.sh"), *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if done.returncode:
            raise PeerUnavailableError(f"mail.sh {arguments[0]}: {(done.stdout + done.stderr)[-800:]}")
        return done.stdout

    def seed(self, count: int) -> Path:
        """Fills support@care.test with mails; returns the folder with ``truth.jsonl`` and ``Maildir``."""
        self._run("seed", str(count))
        return self.state / "mail" / "support@care.test"

    def adm(self, *arguments: str) -> str:
        """Runs doveadm."""
        done = subprocess.run(
            ["doveadm", "-c", str(self.state / "dovecot.conf"), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    def empty(self, user: str) -> None:
        """Removes everything of a user."""
        self.adm("kick", user)
        shutil.rmtree(self.state / "mail" / user, ignore_errors=True)

    def deliver(self, raw: bytes, to: str = "support@care.test", sender: str = "jane@customers.test") -> None:
        """Hands a mail to the MX and waits until it lies in the mailbox."""
        before = self.count(to)
        with smtplib.SMTP(HOST, self.mx) as server:
            server.sendmail(sender, [to], raw)
        self.wait_for(to, before + 1)

    def save(self, raw: bytes, user: str = "support@care.test", folder: str = "INBOX") -> None:
        """Puts exact bytes into a folder, as if they had arrived now."""
        done = subprocess.run(
            ["doveadm", "-c", str(self.state / "dovecot.conf"), "save", "-u", user, "-m", folder],
            input=raw,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def count(self, user: str, folder: str = "INBOX") -> int:
        """Number of messages in a folder."""
        out = self.adm("-f", "flow", "mailbox", "status", "-u", user, "messages", folder)
        return int(out.rpartition("messages=")[2] or 0) if "messages=" in out else 0

    def wait_for(self, user: str, count: int, folder: str = "INBOX", seconds: float = 10) -> int:
        """Waits until a folder holds that many messages; returns the number seen last."""
        deadline = time.monotonic() + seconds
        while (now := self.count(user, folder)) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return now

    def tls(self) -> ssl.SSLContext:
        """A context that trusts this server alone."""
        return ssl.create_default_context(cafile=str(self.ca))

    def proxy(self, target: int) -> FaultProxy:
        """A fault proxy in front of one of the ports; end it after use."""
        return FaultProxy(target)

    def stop(self) -> None:
        """Ends the server and removes its state."""
        try:
            self._run("stop", seconds=60)
        finally:
            shutil.rmtree(self.home, ignore_errors=True)
