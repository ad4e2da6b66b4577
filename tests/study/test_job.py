"""Around a job: its log, one line for bad input, and what a plain terminal shows."""

import contextlib
import io
import logging
import sys

import pytest

from qcxr.errors import InputError
from qcxr.study.job import job, show


@pytest.fixture
def logged(monkeypatch):
    """`job` as in a process of its own, where nothing has set up logging yet."""

    @contextlib.contextmanager
    def alone(log: str):
        monkeypatch.setattr(logging.root, "handlers", [])
        try:
            with job(log):
                yield
        finally:
            for handler in logging.root.handlers:
                handler.close()

    return alone


def test_messages_and_refusals_go_to_the_log_in_utf8(tmp_path, logged):
    log = tmp_path / "logs/deep/x.log"
    with pytest.raises(SystemExit) as done, logged(str(log)):
        logging.getLogger("qcxr").info("0.88 ± 0.01")
        raise InputError("batch must be > 0, got -1; set batch")
    lines = log.read_text(encoding="utf-8").splitlines()
    assert done.value.code == 1
    assert [line.split(" ", 1)[1] for line in lines] == ["0.88 ± 0.01", "error: batch must be > 0, got -1; set batch"]


@pytest.mark.parametrize("name", ["file/x.log", "file/logs/x.log", "folder"])
def test_a_log_that_cannot_be_written_is_one_line(tmp_path, capsys, logged, name):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    path, ran = str(tmp_path / name), False
    with pytest.raises(SystemExit) as done, logged(path):
        ran = True
    (line,) = capsys.readouterr().err.splitlines()
    assert done.value.code == 1 and not ran
    assert f"error: {path} cannot be written (" in line and line.endswith("free space or choose another folder")


def test_a_bug_keeps_its_traceback(tmp_path, logged):
    log = tmp_path / "x.log"
    with pytest.raises(ZeroDivisionError), logged(str(log)):
        1 / 0  # noqa: B018
    assert "Traceback" in log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", b"AUROC \\xb1 1 \\u80f8\n"), ("utf-8", "AUROC ± 1 胸\n".encode())],
    ids=["ascii", "utf-8"],
)
def test_a_terminal_that_lacks_a_letter_gets_its_escape(monkeypatch, encoding, shown):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, errors="strict"))
    show("AUROC ± 1 胸")
    assert raw.getvalue() == shown
