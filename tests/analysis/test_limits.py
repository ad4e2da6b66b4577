"""What a report says of its limits and in its title: for each kind of study what its facts carry, and no other."""

import re

import pytest

from qcxr.analysis import deviations, figures, paper
from qcxr.analysis.facts import said
from qcxr.analysis.inference import UNADJUSTED
from qcxr.analysis.limits import TITLE, limits, title

from .synthetic import facts

PAPER = facts(
    tasks=paper.TASKS,
    patients=True,
    mined=True,
    trained=True,
    thresholds=True,
    protocol=True,
    circuits={"dqc": {"engine": "auto", "layers": 3}},
)
DEVICE = "This is research software, not a medical device: no output may guide care."
GIVEN = "AUROC is agreement with the labels that were given, right or wrong, not accuracy of diagnosis."
RAW = (
    "Marks and the word significant follow p adjusted over the labels of one pair of heads, task and test set, and of "
    "means over all means; raw p stands beside it for the comparison with other papers and claims nothing."
)


FLOOR = "With five seeds Wilcoxon's exact signed-rank test cannot give a p below 0.0625, whatever the differences."


def test_the_papers_protocol():
    assert limits(PAPER) == [
        "Seeds measure training noise only: a paired t-test over five of them says nothing about other patients. The "
        "bootstrap over patients says nothing about other hospitals.",
        FLOOR,
        RAW,
        "The circuit is simulated, not run (without noise), and its structure (RY rotations and CNOT rings) can be "
        "simulated classically at low cost: no quantum advantage is claimed or possible here.",
        "Both heads use the same hyperparameters, as in the paper; neither is tuned.",
        "Labels are mined from radiology reports and are partly wrong; AUROC against them is not accuracy of "
        "diagnosis.",
        DEVICE,
    ]
    assert title(PAPER) == TITLE and len(deviations.deviations(PAPER)) == len(deviations.DEVIATIONS)


def test_a_demo_has_settings_of_its_own_and_drawn_labels():
    demo = facts(trained=True, demo=True, seeds=(3, 3), circuits={"dqc": {}})
    found = limits(demo)
    assert found[0] == (
        "Seeds measure training noise only: a paired t-test over three of them says nothing about other patients."
    )
    assert found[4:] == [
        "Both heads were trained with the same settings; no search for better ones is part of this study.",
        GIVEN,
        DEVICE,
    ]


def test_predictions_made_elsewhere_say_nothing_of_their_models():
    foreign = facts()
    assert limits(foreign) == [
        "Seeds measure training noise only: a paired t-test over five of them says nothing about other patients.",
        FLOOR,
        RAW,
        GIVEN,
        DEVICE,
    ]
    assert {row[0] for row in deviations.deviations(foreign)} == {
        "Joining predictions with truth",
        "Percent difference of means",
        "Volcano plot",
        "Multiple tests",
        "What an interval is of",
        "Standard deviation over seeds",
    }
    assert "backbone" not in said(figures.FIGURES["mean_auroc"].text, foreign)
    assert "same initial backbone" in said(figures.FIGURES["mean_auroc"].text, PAPER)


def test_one_head_is_compared_with_nothing():
    one = facts(heads=("dqc",), compared=False, tested=False, trained=True, circuits={"dqc": {}})
    text = " ".join(limits(one))
    assert "a spread over five of them" in text and "t-test" not in text and "p-values" not in text
    assert "The head was trained with the settings given" in text and "heads" not in text
    assert title(one) == "DQC head for chest X-ray classification"
    for name, entry in figures.FIGURES.items():
        caption = said(entry.text, one)
        assert "Compare with" not in caption
        assert entry.pair or ("t-test" not in caption and "heads of one seed" not in caption), name
    assert "Volcano plot" not in {row[0] for row in deviations.deviations(one)}


def test_four_heads_are_not_both():
    four = facts(
        heads=("cdl", "dqc", "mlp", "product"),
        trained=True,
        circuits={"dqc": {"noise": {"readout_0": 0.01}}, "product": {}},
    )
    text = " ".join(limits(four))
    assert "All four heads were trained with the same settings" in text and "Both" not in text
    assert "(with the noise that its settings name)" in text
    assert "Each head has its own panels, against the first." in said(figures.FIGURES["volcano"].text, four)
    assert "the two heads" not in said(figures.FIGURES["mean_auroc"].text, four)
    unlike = facts(heads=four.heads, trained=True, same_settings=False)
    assert "same settings" not in " ".join(limits(unlike))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"entangler": "CZ"}, "The circuit is simulated, not run (without noise): no quantum advantage is claimed."),
        ({"device": "qiskit.remote"}, "The circuit ran on qiskit.remote: see there whether that is a simulator."),
        ({"device": "lightning.qubit"}, "can be simulated classically at low cost"),
    ],
)
def test_what_is_said_of_a_circuit_follows_its_options(options, expected):
    assert expected in " ".join(limits(facts(trained=True, circuits={"dqc": options})))


def test_seeds_are_counted_as_they_are():
    assert "over two to five of them" in limits(facts(seeds=(2, 5)))[0]
    assert "over 12 of them" in limits(facts(seeds=(12, 12)))[0]
    assert limits(facts(seeds=(1, 1), tested=False))[0] == (
        "One seed does not tell how much another training run would differ."
    )


def test_heads_without_a_circuit_promise_no_quantum():
    plain = facts(heads=("cdl", "mlp"), trained=True)
    assert title(plain) == "CDL and mlp heads for chest X-ray classification"
    assert "circuit" not in " ".join(limits(plain)).lower()
    assert "Circuit initialisation" not in {row[0] for row in deviations.deviations(plain)}


def test_limits_follow_what_intervals_are_of():
    both = limits(facts(bases=("seeds and patients",), adjust="holm"))
    assert both[0].startswith(
        "Intervals and tests hold for other trainings and other patients together, as far as five"
    )
    assert both[2].startswith("Marks and the word significant follow p adjusted over the labels of one pair of")
    one = limits(facts(seeds=(1, 1), bases=("patients",), adjust="holm"))
    assert one[0].endswith("one seed does not tell how much another training would differ.")
    assert not any("Wilcoxon" in text for text in one)
    assert "the labels of all pairs of heads, tasks and test sets, and of means" in " ".join(
        limits(facts(adjust="bh", family="study"))
    )


def test_the_floor_of_wilcoxons_test_is_scipys():
    """The smallest p that five pairs can give, and six, with which it can be significant."""
    from scipy.stats import wilcoxon

    assert f"{wilcoxon([1, 2, 3, 4, 5], method='exact').pvalue:g}" in " ".join(limits(facts()))
    assert wilcoxon([1, 2, 3, 4, 5, 6], method="exact").pvalue < 0.05
    assert "Wilcoxon" not in " ".join(limits(facts(seeds=(6, 6))))


def test_the_best_of_many_is_said_to_look_too_good():
    many = facts(heads=tuple("abcdefgh"))
    assert any("looks better than it is" in text for text in limits(many))
    assert not any("looks better than it is" in text for text in limits(facts()))


@pytest.mark.parametrize("heads", [("cdl", "dqc"), tuple("abcdefgh")])
def test_nothing_speaks_of_an_adjustment_that_was_not_asked_for(heads):
    plain = facts(heads=heads, adjust="none", alpha=0.01, bases=("seeds",), trained=True, grouped="sex and scanner")
    texts = [said(entry.text, plain) for entry in figures.FIGURES.values()] + limits(plain)
    texts += [" ".join(row) for row in deviations.deviations(plain)]
    for text in texts:
        rest = text.replace(UNADJUSTED, "").replace("no adjustment for their number", "")
        assert not re.search("adjusted|adjustment", rest), text
    marked = said(figures.FIGURES["labels"].text, plain)
    assert f"Marks follow p, {UNADJUSTED}: ns" in marked
    assert any(text.startswith(f"p-values are as configured {UNADJUSTED}") for text in limits(plain))
    assert "films by sex and scanner, over the labels" in said(figures.FIGURES["subgroups"].text, plain)
    holm = facts(heads=heads, adjust="holm")
    assert "Marks follow the adjusted p" in said(figures.FIGURES["labels"].text, holm)
    assert "films, over the labels" in said(figures.FIGURES["subgroups"].text, holm)


def test_one_seed_has_no_words_of_a_t_test():
    """Tested over patients, a study has marks and words, and nothing to say of the paper's test over seeds."""
    one = facts(seeds=(1, 1), tested=True, t_tested=False, bases=("patients",), adjust="holm")
    assert "Marks follow the adjusted p" in said(figures.FIGURES["labels"].text, one)
    assert "t-test" not in said(figures.FIGURES["paper_fig5"].text, one)
    assert not any("Wilcoxon" in text or "t-test" in text for text in limits(one))


def test_the_noise_of_an_own_circuit_is_its_definitions():
    """What its function does is not read here: neither its noise nor its structure is said to be known."""
    told = limits(facts(trained=True, kinds={"dqc": "circuit"}, circuits={"dqc": {"function": "circuits.py:layers"}}))
    expected = (
        "The circuit is simulated, not run (with the noise that its definition has, if any): no quantum advantage"
    )
    assert expected in " ".join(told)
