"""For connector authors: the conformance suite, a scripted vendor to build on, and a hostile connector (extra ``testing``)."""

import pytest

for _module in ("bench", "notes", "reading", "sign_in", "texts", "writing"):
    pytest.register_assert_rewrite(f"{__name__}.{_module}")

from carecli.testing.contract import ConnectorContract  # noqa: E402  (asserts are rewritten at import)
from carecli.testing.desk import Desk, Fault, FixedSecrets, Scripted, Side, options_of  # noqa: E402
from carecli.testing.vendor import Answer, Request, ScriptedVendor, Trouble  # noqa: E402

__all__ = [
    "Answer",
    "ConnectorContract",
    "Desk",
    "Fault",
    "FixedSecrets",
    "Request",
    "Scripted",
    "ScriptedVendor",
    "Side",
    "Trouble",
    "options_of",
]
