"""A configuration file that cannot be read as it was meant is one line with its name and the place."""

import pytest

from qcxr.errors import InputError
from qcxr.study.config import load
from qcxr.study.yamlfile import overlaid, read


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"results: a\ntrain: {epochs: [\n", "is not YAML (line 3, column 1: while parsing a flow node, expected"),
        (b"results: a\n\ttasks: b\n", "is not YAML (line 2, column 1: "),
        (b"a: 1\nb: 2: 3\n", "is not YAML (line 2, column 5: mapping values are not allowed here)"),
        (b"a: &x 1\nb: *y\n", "is not YAML (line 2, column 4: found undefined alias 'y')"),
        (b"a: 1\n---\nb: 2\n", "is not YAML (line 2, column 1: expected a single document in the stream"),
        (b"a: !!python/object:os.system x\n", "is not YAML (line 1, column 4: could not determine a constructor"),
        (b"results: ok\ntasks: caf\xe9\n", "must be UTF-8, got byte 0xe9 in line 2; save it as UTF-8"),
        (b"a: 1\nb: \x07\n", "is not YAML (line 2: the character '\\x07'); take it out"),
        (b"", "is empty; give it keys and values, or leave it out"),
        (b"# only a comment\n", "is empty; give it keys and values, or leave it out"),
        (b"- 1\n", "must hold keys and values, got list; write key: value"),
        (b"word\n", "must hold keys and values, got str; write key: value"),
        (b"train:\n  epochs: 3\nseeds: [1]\ntrain:\n  epochs: 4\n", "gives train twice, in lines 1 and 4; keep one"),
        (b"train:\n  epochs: 3\n  patience: 2\n  epochs: 4\n", "gives train.epochs twice, in lines 2 and 4; keep one"),
        (b"a: [{b: 1, b: 2}]\n", "gives a.0.b twice, in lines 1 and 1; keep one"),
        (b"'a': 1\na: 2\n", "gives a twice, in lines 1 and 2; keep one"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, content, expected):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    for call in (read, load):
        with pytest.raises(InputError) as caught:
            call(path)
        message = str(caught.value)
        assert message.startswith(f"config file {path} ") and expected in message and "\n" not in message, message


def test_files_that_are_not_there_or_no_files(tmp_path):
    with pytest.raises(InputError, match=r"none.yaml does not exist; give the path of a YAML file"):
        read(tmp_path / "none.yaml")
    with pytest.raises(InputError, match=r"cannot be read \(.*\); give the path of a YAML file"):
        read(tmp_path)


def test_equal_keys_in_different_places_and_merged_ones_are_fine(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("base: &b {x: 1, y: 2}\na: {<<: *b, x: 3}\nb: {x: 4}\nc: [*b, *b]\n1: n\n'1': t\n", "utf-8")
    base = {"x": 1, "y": 2}
    assert read(path) == {"base": base, "a": base | {"x": 3}, "b": {"x": 4}, "c": [base, base], 1: "n", "1": "t"}


def test_a_byte_order_mark_and_letters_of_any_language_are_read(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes("results: Röntgen-胸\n".encode("utf-8-sig"))
    assert read(path) == {"results": "Röntgen-胸"}


def test_layers_lie_over_each_other_key_by_key():
    base = {"a": {"x": 1, "y": {"z": 2}}, "b": [1, 2], "c": {"k": 1}}
    assert overlaid(base, {"a": {"y": {"w": 3}}, "b": [3], "c": None}) == {
        "a": {"x": 1, "y": {"z": 2, "w": 3}},
        "b": [3],
        "c": None,
    }
    assert base["a"] == {"x": 1, "y": {"z": 2}}
