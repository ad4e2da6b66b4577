"""`qcxr params`: Table II."""

from qcxr.cli import main


def test_params_prints_table_two(capsys):
    assert main(["params"]) == 0
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()[1:]}
    assert rows["cxr8/cdl"] == ["23,508,032", "16,392", "0", "0", "23,524,424"]
    assert rows["cxr14/dqc"] == ["23,508,032", "28,686", "42", "210", "23,536,970"]
    assert rows["cxr19/dqc"][1:4] == ["38,931", "57", "380"]
