"""Leases on cards: never two holders of one slot, whatever dies; inherited choices are narrowed, never widened."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from types import SimpleNamespace

import jax
import pytest

from qcxr.errors import InputError
from qcxr.training import devices
from qcxr.training.devices import configure, confirm, lease, lease_folder, visible_cards

HOLDER = """
import sys, time
from qcxr.training.devices import lease
with lease(int(sys.argv[1]), slots=int(sys.argv[2]), poll_seconds=0.05) as cards:
    import os
    print(",".join(cards), os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
    time.sleep(float(sys.argv[3]))
"""


@pytest.fixture(autouse=True)
def cards(tmp_path, monkeypatch):
    monkeypatch.setenv("QCXR_LEASES", str(tmp_path / "leases"))
    monkeypatch.setenv("QCXR_CARDS", "0,1,2,3")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("XLA_PYTHON_CLIENT_MEM_FRACTION", raising=False)


def hold(count=1, slots=1, seconds=60.0):
    words = [sys.executable, "-c", HOLDER, str(count), str(slots), str(seconds)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def end(holder):
    holder.kill()
    holder.communicate()


def test_six_jobs_on_four_cards_never_share_one():
    holders = [hold(seconds=0.5) for _ in range(6)]
    started = time.monotonic()
    outputs = [h.communicate(timeout=60)[0].split() for h in holders]
    assert all(h.returncode == 0 for h in holders)
    assert all(own == visible for own, visible in outputs)
    assert {own for own, _ in outputs} <= {"0", "1", "2", "3"}
    assert max([own for own, _ in outputs].count(c) for c in "0123") >= 2  # two had to wait for a card
    assert time.monotonic() - started >= 1.0  # ... and did wait


def test_while_four_hold_a_fifth_gets_none():
    holders = [hold() for _ in range(4)]
    try:
        assert sorted(h.stdout.readline().split()[0] for h in holders) == ["0", "1", "2", "3"]
        with (
            pytest.raises(InputError, match="no free card among 0, 1, 2, 3"),
            lease(poll_seconds=0.02, timeout_seconds=0.2),
        ):
            pass
    finally:
        for h in holders:
            end(h)


def test_kill_9_frees_the_card():
    holder = hold(count=4)
    try:
        assert holder.stdout.readline().split()[0] == "0,1,2,3"
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with lease(4, timeout_seconds=5) as cards:
            assert cards == ["0", "1", "2", "3"]
    finally:
        end(holder)


def test_slots_share_a_card_and_its_memory(monkeypatch):
    monkeypatch.setenv("QCXR_CARDS", "0")
    with lease(slots=2) as first, lease(slots=2, timeout_seconds=1) as second:
        assert first == second == ["0"]
        assert float(os.environ["XLA_PYTHON_CLIENT_MEM_FRACTION"]) <= 0.5
        with pytest.raises(InputError), lease(slots=2, poll_seconds=0.01, timeout_seconds=0.1):
            pass


def test_inherited_choice_is_narrowed_and_put_back(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    with lease() as one:
        assert one == ["2"] and os.environ["CUDA_VISIBLE_DEVICES"] == "2"
        # what runs inside sees only the card that is held, and may not widen its choice to card 3
        with pytest.raises(InputError, match="no free card among 2 "), lease(poll_seconds=0.01, timeout_seconds=0.05):
            pass
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "2,3"


def test_no_card_means_the_cpu(monkeypatch, caplog):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    caplog.set_level("INFO")
    assert visible_cards() == []
    with lease() as none:
        assert none == []
    assert "running on the CPU" in caplog.text


def test_a_lease_of_no_card_hides_them(monkeypatch, caplog):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    caplog.set_level("INFO")
    with lease(0) as none:
        assert none == [] and os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1" and "resources.gpu" in caplog.text


def test_slurm_jobs_on_one_node_may_both_call_their_card_0(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("SLURM_JOB_ID", "71")
    with lease() as first:
        with pytest.raises(InputError, match="no free card"), lease(poll_seconds=0.01, timeout_seconds=0.05):
            pass  # another process of the same job
        monkeypatch.setenv("SLURM_JOB_ID", "72")
        with lease(timeout_seconds=1) as other:
            assert first == other == ["0"]


def test_more_cards_than_there_are_is_refused():
    with pytest.raises(InputError, match=r"at most the 4 cards visible here \(0, 1, 2, 3\), got 5"), lease(5):
        pass


@pytest.mark.parametrize("cards", ["a,b", "0,1;2", "-1", "GPU"])
def test_names_that_are_no_cards_are_refused(monkeypatch, cards):
    monkeypatch.setenv("QCXR_CARDS", cards)
    with pytest.raises(
        InputError, match=f"QCXR_CARDS must be a list of card numbers like 0,1 .*, got {cards}; correct"
    ):
        visible_cards()


def test_identifiers_are_cards(monkeypatch):
    monkeypatch.setenv("QCXR_CARDS", "GPU-8f2c-11, MIG-a/1/0 ,3")
    assert visible_cards() == ["GPU-8f2c-11", "MIG-a/1/0", "3"]


def test_deterministic_kernels_are_asked_of_xla_and_jax_starts_with_them(monkeypatch, tmp_path):
    """XLA ends the process at a flag that it does not know, on a CPU too."""
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=")
    configure(None, None, deterministic=True)
    assert os.environ["XLA_FLAGS"].split() == ["--xla_dump_to=", "--xla_gpu_deterministic_ops=true"]
    code = "import jax.numpy as jnp; print(float(jnp.arange(4.0).sum()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "6.0\n", done.stderr


def test_configure_sets_what_jax_reads(monkeypatch, tmp_path):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    configure(1, tmp_path)
    assert "--xla_cpu_multi_thread_eigen=false" in os.environ["XLA_FLAGS"]
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path)
    for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.delenv("XLA_FLAGS"), monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")


def test_where_jax_is_imported_already_it_is_told(tmp_path):
    """In a warm job; the cache is used, and XLA reads its flags with the first array."""
    code = f"""
import os, jax
from qcxr.training.devices import configure
configure(1, {str(tmp_path / "cache")!r})
os.environ["XLA_FLAGS"] += " --xla_dump_to={tmp_path / "dump"}"
print(float(jax.jit(lambda x: x + 1)(1.0)))
"""
    names = ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "XLA_FLAGS")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout == "2.0\n", done.stderr
    assert any((tmp_path / "cache").iterdir()) and any((tmp_path / "dump").iterdir())


@pytest.mark.parametrize("kind", ["refused", "silent"])
def test_a_file_system_without_locks_is_noticed(tmp_path, monkeypatch, kind):
    """As NFS without its lock daemon says it, and as a file system where flock does nothing."""

    def flock(handle, operation):
        if kind == "refused":
            raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    why = {"refused": "No locks available", "silent": "they keep nobody away"}[kind]
    with pytest.raises(InputError) as said, lease():
        pass
    assert str(said.value) == (
        f"QCXR_LEASES must be a folder on a file system with locks, got {tmp_path / 'leases'} ({why}); set it to one "
        "of this machine's own"
    )


def test_a_card_that_jax_does_not_see_is_refused(monkeypatch, caplog):
    """It would train on the CPU without a word; this machine's JAX has no card to see."""
    jax.devices()
    confirm([])
    confirm(["3"])  # JAX_PLATFORMS=cpu is on purpose
    monkeypatch.setattr(devices, "_asked", lambda: None)
    monkeypatch.setattr(devices, "_has_cuda", lambda: False)
    with caplog.at_level("WARNING"):
        confirm(["3"])
    assert "card 3 is not used: JAX is installed without CUDA" in caplog.text
    monkeypatch.setattr(devices, "_has_cuda", lambda: True)
    with pytest.raises(InputError, match=r"cards 2, 3 must be visible to JAX, which sees none of them; .*QCXR_CARDS"):
        confirm(["2", "3"])


def test_a_card_that_jax_cannot_start_is_refused(monkeypatch):
    def broken():
        raise RuntimeError("Unable to initialize backend 'cuda': INTERNAL: no supported devices found\nfor platform")

    monkeypatch.setattr(jax, "devices", broken)
    with pytest.raises(InputError, match=r"card 3 cannot be used \(Unable to .* found for platform\); look at nvidia"):
        confirm(["3"])


def test_one_card_of_four_that_is_gone_is_refused(monkeypatch):
    seen = [SimpleNamespace(platform="gpu")] * 3
    monkeypatch.setattr(jax, "devices", lambda: seen)
    monkeypatch.setattr(jax, "local_devices", lambda: seen)
    confirm(["0", "1", "3"])
    with pytest.raises(InputError, match="cards 0, 1, 2, 3 must be visible to JAX, which sees only 3 of them; look"):
        confirm(["0", "1", "2", "3"])


def test_programs_are_kept_for_this_user_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    configure(None, tmp_path / "cache" / "jax")
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "cache", tmp_path / "cache/jax")] == [0o700, 0o700]


@pytest.mark.parametrize("trap", ["open to all", "a link"])
def test_a_folder_of_leases_that_somebody_else_laid_is_refused(tmp_path, monkeypatch, trap):
    monkeypatch.delenv("QCXR_LEASES")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    folder = tmp_path / f"qcxr-leases-{os.getuid()}"
    assert lease_folder() == folder and folder.stat().st_mode & 0o777 == 0o700
    if trap == "a link":
        folder.rename(tmp_path / "theirs")
        folder.symlink_to(tmp_path / "theirs")
    else:
        folder.chmod(0o777)
    with pytest.raises(InputError, match="must be a folder that only you can write; set QCXR_LEASES to one that is"):
        lease_folder()
