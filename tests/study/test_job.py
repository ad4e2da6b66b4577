"""Around a job: its log, one line for bad input, and what a plain terminal shows."""

import contextlib
import errno
import io
import json
import logging
import sys

import pytest

from qcxr.errors import InputError
from qcxr.study.digests import check, recorded
from qcxr.study.job import job, show


@pytest.fixture
def logged(monkeypatch):
    """`job` as in a process of its own, where nothing has set up logging yet."""

    @contextlib.contextmanager
    def alone(log: str | None, given=(), made=()):
        monkeypatch.setattr(logging.root, "handlers", [])
        try:
            with job(log, given, made):
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


@pytest.fixture
def table(tmp_path, logged):
    """A table that a job has written."""
    path = tmp_path / "metrics.csv"
    with logged(None, made=[str(path)]):
        path.write_text("label,value\nMass,0.5\n")
    return path


def test_a_job_leaves_records_of_what_it_made_and_of_what_it_read(tmp_path, logged, table):
    figure = tmp_path / "figure.png"
    with logged(None, [str(table)], [str(figure)]):
        figure.write_bytes(b"pixels")
    found = check([table, figure])
    assert recorded(table).made_of == {} and recorded(table).sha256 == found[str(table)]
    assert recorded(figure).made_of == {"metrics.csv": found[str(table)]}


def test_a_damaged_input_is_one_line_and_nothing_is_done(tmp_path, logged, table, capsys):
    table.write_text(table.read_text().replace("0.5", "0.7"))
    figure, ran = tmp_path / "figure.png", False
    with pytest.raises(SystemExit) as done, logged(None, [str(table)], [str(figure)]):
        ran = True
    (line,) = capsys.readouterr().err.splitlines()
    assert done.value.code == 1 and not ran and f"error: {table} is damaged: its bytes are not those" in line


def test_a_job_that_fails_leaves_no_record_of_what_was_there(logged, table):
    with pytest.raises(SystemExit), logged(None, [], [str(table)]):
        raise InputError("no")
    assert recorded(table) is None


def test_what_cannot_be_read_and_has_no_record_is_no_bug(tmp_path, logged, capsys):
    """As an earlier version left it: a traceback would be all that is said."""
    (tmp_path / "run.json").write_text('{"task": "cx')
    with pytest.raises(SystemExit), logged(None, [str(tmp_path / "run.json")]):
        json.loads((tmp_path / "run.json").read_text())
    (line,) = capsys.readouterr().err.splitlines()
    assert f"error: {tmp_path / 'run.json'} is damaged and cannot be read (Unterminated string" in line


def test_a_file_system_without_locks_is_one_line(logged, capsys):
    with pytest.raises(SystemExit), logged(None):
        raise OSError(errno.ENOLCK, "No locks available")
    (line,) = capsys.readouterr().err.splitlines()
    assert "error: a file system here has no locks (No locks available); set results and data.cache in" in line
