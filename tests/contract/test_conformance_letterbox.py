"""The suite itself: a sound connector passes all of it, and each flaw is caught by the check that is about it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

import pytest

from carecli.testing import ConnectorContract, Desk
from carecli.testing.bench import Bench
from carecli.testing.contract import checks
from carecli.testing.desk import Fault, HookMissingError
from letterbox import MANIFEST
from letterbox_desk import LetterboxDesk, Vendor


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with Vendor() as made:
        yield made
        assert made.errors == []


class TestLetterbox(ConnectorContract):
    @pytest.fixture
    def desk(self, vendor: Vendor) -> Desk:
        return LetterboxDesk(vendor)


CAUGHT = [
    ("logs its token", "test_secrets_appear_nowhere", {}),
    ("quotes its token", "test_secrets_appear_nowhere", {}),
    ("forgets to sign in", "test_bad_credentials_are_told", {}),
    ("forgets to sign in", "test_a_sign_in_that_ends_is_told", {"on": "push"}),
    ("publishes notes", "test_a_note_stays_inside", {}),
    ("publishes notes", "test_a_reply_beside_a_note_says_nothing_of_it", {}),
    ("publishes notes", "test_no_fault_makes_a_note_public", {"fault": Fault.LOST}),
    ("takes notes for replies", "test_only_the_note_method_takes_a_note", {}),
    ("forgets its mark", "test_a_lost_answer_doubles_nothing", {"kind": "reply"}),
    ("forgets doubts", "test_a_lost_answer_doubles_nothing", {"kind": "create"}),
    ("finds everything", "test_verify_sees_marks_and_sends_nothing", {"kind": "reply"}),
    ("never ends", "test_a_pull_ends_and_says_so", {}),
    ("skips ahead", "test_a_pull_that_is_killed_resumes", {"place": "after"}),
    ("messages first", "test_pages_are_ordered", {}),
    ("ignores stop", "test_a_stop_is_honoured_while_the_vendor_is_silent", {}),
    ("ignores stop", "test_a_stop_is_honoured", {}),
    ("hides deletions", "test_absence_is_not_deletion", {}),
    ("fails on new words", "test_an_unknown_word_survives", {}),
    ("drops words", "test_an_unknown_word_survives", {}),
    ("waits for nothing", "test_throttled_reads_say_for_how_long", {}),
    ("trusts answers", "test_garbage_is_survived", {}),
    ("keeps words to itself", "test_a_refusal_keeps_the_vendor_s_words", {"kind": "reply"}),
    ("claims too much", "test_a_claimed_field_change_arrives", {"name": "priority"}),
    ("ignores versions", "test_a_stale_change_is_a_conflict", {}),
    ("cuts texts", "test_a_megabyte_goes_out_or_is_refused", {}),
    ("shows markup", "test_html_becomes_text", {}),
]


@pytest.mark.parametrize(("flaw", "check", "arguments"), CAUGHT, ids=str)
def test_a_flaw_is_caught(
    request: pytest.FixtureRequest, tmp_path: Path, flaw: str, check: str, arguments: dict[str, Any]
) -> None:
    method = getattr(ConnectorContract(), check)
    wanted = inspect.signature(method).parameters
    fixtures = {name: request.getfixturevalue(name) for name in wanted if name in ("caplog", "capfd")}
    for flaws in ((), (flaw,)):
        with Vendor() as vendor:
            bench = Bench(LetterboxDesk(vendor, *flaws), tmp_path)
            with pytest.raises((Exception, pytest.fail.Exception)) if flaws else nullcontext():
                method(bench, **fixtures, **arguments)
            vendor.heal()
            bench.close()


class Bare(Desk):
    manifest = MANIFEST


class Poor(LetterboxDesk):
    impossible: ClassVar[dict[str, str]] = {"delete": "nothing is deleted here", "lost on push": "it always answers"}


def test_a_hook_that_is_missing_says_what_to_write(tmp_path: Path) -> None:
    bench = Bench(Bare(), tmp_path)
    suite = ConnectorContract()
    with pytest.raises(HookMissingError, match=r"def connector\(\*, good=True\) -> Source"):
        suite.test_good_credentials_sign_in(bench)
    with pytest.raises(HookMissingError, match=r"Bare has no hook 'script'.*impossible"):
        suite.test_garbage_is_survived(bench)
    with pytest.raises(HookMissingError, match="manifest_at"):
        suite.test_the_card_imports_no_network_code(bench)
    with pytest.raises(HookMissingError, match="secret_values"):
        suite.test_bad_credentials_are_told(bench)
    bench.close()


def test_what_a_vendor_cannot_do_is_skipped_with_the_reason(vendor: Vendor, tmp_path: Path) -> None:
    bench = Bench(Poor(vendor), tmp_path)
    suite = ConnectorContract()
    with pytest.raises(pytest.skip.Exception, match="delete: nothing is deleted here"):
        suite.test_absence_is_not_deletion(bench)
    with pytest.raises(pytest.skip.Exception, match="it always answers"):
        suite.test_a_lost_answer_doubles_nothing(bench, "reply")
    bench.close()


def test_every_check_says_in_a_line_what_it_is_about() -> None:
    named = [name for _, group in checks() for name, _ in group]
    assert set(named) == {name for name in dir(ConnectorContract) if name.startswith("test_")}
    assert len(named) == len(set(named))
    assert all(line.endswith(".") for _, group in checks() for _, line in group)
