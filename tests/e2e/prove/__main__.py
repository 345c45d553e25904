"""The proof of "never lost, never doubled" on a real mail server: ``python -m e2e.prove [--short] [--only a,b]``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from e2e.prove.pushes import *
from e2e.prove.figures import table
from mail_peer import MailPeer
peer=MailPeer()
rows=[]
try:
    with tempfile.TemporaryDirectory(prefix="prove") as f:
        s=Scale(12,60,15,40)
        for w in sys.argv[1:]:
            if w=='a': rows.append(run_faults(peer,Path(f),7,s))
            if w=='t': rows.append(run_faults(peer,Path(f),7,s,tls="starttls"))
            if w=='b': rows.append(run_kills(peer,Path(f),7,s))
            if w=='c': rows.append(run_two(peer,Path(f),7,s))
            print(table(rows[-1:])); print(rows[-1].broken)
finally:
    peer.stop()
