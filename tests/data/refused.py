"""What a person is told, as a test sees it."""

import pytest

from qcxr.errors import InputError


def refused(job, *words: str) -> str:
    """The one line with which `job` is refused; it holds all of `words`."""
    with pytest.raises(InputError) as caught:
        job()
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text, text
    return text
