"""Features in the cache are copied into a study only if they are what was computed."""

import json
import os

import pytest

from qcxr.errors import InputError
from qcxr.study.digests import record_file, recorded
from qcxr.study.provenance import digest_file
from qcxr.training import keptfeatures
from tests.study.test_digests import flip


@pytest.fixture
def kept(tmp_path):
    """(cache, packed films, kept features) after a study has copied them; another's of equal size lie beside them."""
    films, ours, theirs = (
        tmp_path / name for name in ("films.npy", "cache/features/features-1.npy", "cache/features/features-2.npy")
    )
    ours.parent.mkdir(parents=True)
    for path in (films, ours, theirs):
        path.write_bytes(os.urandom(640))
    (tmp_path / "nih-train.npy").write_bytes(ours.read_bytes())
    (tmp_path / "nih-train.json").write_text(json.dumps({"sha256": {"images": digest_file(ours)}}))
    keptfeatures.seal(tmp_path / "cache", tmp_path / "nih-train.json", {str(films): digest_file(films)})
    assert not record_file(theirs).exists()
    return tmp_path / "cache", digest_file(films), ours


def test_flipped_features_are_refused_where_their_films_are_read(kept):
    cache, films, ours = kept
    keptfeatures.check(cache, films)
    flip(ours)
    with pytest.raises(InputError, match=f"{ours} is damaged: its bytes are not those that were written"):
        keptfeatures.check(cache, films)
    keptfeatures.check(cache, "0" * 64)  # other films, whose features are others


def test_features_that_were_removed_may_be_computed_with_other_bits(kept):
    """Their record goes with them: the digits depend on the machine."""
    cache, films, ours = kept
    ours.unlink()
    keptfeatures.check(cache, films)
    ours.write_bytes(os.urandom(640))
    assert recorded(ours) is None
    keptfeatures.check(cache, films)
