"""What the configuration knows of heads, backbones, losses and schedules is what their own code accepts."""

import dataclasses
import inspect
import itertools
from typing import get_args

import pytest

from qcxr.circuits import ENGINES, Noise, Rates, ansatz, cost, engine, forms, make_engine, statevector
from qcxr.circuits.own import own
from qcxr.circuits.tapes import simulate
from qcxr.errors import InputError
from qcxr.models.heads.create import maker
from qcxr.models.initial import INITIALISERS
from qcxr.study import circuit as options
from qcxr.study import function, heads
from qcxr.study.config import parse
from qcxr.study.function import Own
from tests.study.studies import study

GATES = {"two_qubit": {"bit_flip": 0.1}}
NOISES = {"none": None, "read-out": {"readout_0": 0.1}, "zero": {"one_qubit": {"bit_flip": 0.0}}, "gates": GATES}

# of 4 noises x depths 1 and 6 x 1, 2 and 30 qubits, counted by hand
REFUSED = {
    "chain": {"ring": 8, "chain": 0, "none": 0, "all_to_all": 24},
    "statevector": {"ring": 12, "chain": 12, "none": 12, "all_to_all": 12},
    "auto": {"ring": 4, "chain": 0, "none": 0, "all_to_all": 8},
}


def test_names_are_those_of_the_registries():
    assert set(heads.HEAD_NAMES) == set(heads.KINDS)
    assert set(options.ENGINE_NAMES) == set(ENGINES)
    assert get_args(function.Engine) == simulate.ENGINES
    assert set(get_args(options.Init)) == set(INITIALISERS)
    assert get_args(options.Rotation) == ansatz.ROTATIONS
    assert get_args(options.Entangler) == ansatz.ENTANGLERS
    assert set(get_args(options.Pattern)) == set(ansatz.PATTERNS)
    assert options.STATES == statevector.COPIES
    assert options.ENGINE_OPTIONS == engine._OPTIONS
    assert all(callable(forms.sweep(form)) for form in options.FORM_NAMES)


def test_options_and_defaults_are_those_of_the_heads():
    for name in heads.KINDS:
        section = heads.Heads.model_fields[name].annotation
        named = {
            p.name: p.default for p in inspect.signature(maker(name)).parameters.values() if p.kind is p.KEYWORD_ONLY
        }
        named.pop("key")
        given = {key: field.default for key, field in section.model_fields.items()}
        if issubclass(section, options.Circuit):  # the rest go to the engine, but what makes another kind of head
            gates = {field.name: field.default for field in dataclasses.fields(ansatz.Ansatz)[2:]}
            assert gates.pop("permutation_seed") is None
            named |= gates
            named |= {"noise": None, "shots": None, "device": None, "diff_method": "backprop", "memory_mb": 4096}
            named |= {"form": "scan"}
        if section is Own:  # the rest say what the circuit is; a configuration has no None for a mapping
            told = inspect.signature(own).parameters.values()
            named |= {p.name: p.default for p in told if p.kind is p.KEYWORD_ONLY} | {"arguments": {}}
        assert given == named, name
    for section, ours in ((options.Rates, Rates), (options.Noise, Noise)):
        assert list(section.model_fields) == [field.name for field in dataclasses.fields(ours)]
    built = inspect.signature(statevector.build).parameters
    assert built["memory_mb"].default == 4096


@pytest.mark.parametrize("pattern", get_args(options.Pattern))
@pytest.mark.parametrize("name", ["chain", "statevector", "auto"])
def test_a_circuit_is_refused_if_and_only_if_no_engine_runs_it(name, pattern):
    """Against `make_engine` and the choice that `auto` makes: noise, depth and width, one by one."""
    refused = 0
    for noise, layers, width in itertools.product(NOISES.values(), (1, 6), (1, 2, 30)):
        options = {"engine": name, "pattern": pattern, "layers": layers, "noise": noise}
        ours = theirs = None
        try:
            parse(study(head={"dqc": options}, label_sets={"wide": [f"L{i}" for i in range(width)]}, tasks=["wide"]))
        except InputError as error:
            ours = str(error)
        try:
            made = make_engine(name, width, layers, pattern=pattern, noise=noise)
            if name == "auto":
                chosen = cost.choose(made.ansatz, 32, noise=made.noise, platform="cpu")
                if chosen != "pennylane":
                    make_engine(chosen, width, layers, pattern=pattern, noise=noise)
        except InputError as error:
            theirs = str(error)
        assert (ours is None) == (theirs is None), (options, width, ours, theirs)
        assert ours is None or ("head.dqc." in ours and "got" in ours)
        refused += ours is not None
    assert refused == REFUSED[name][pattern]


@pytest.mark.parametrize("name", ENGINES)
def test_an_option_of_another_engine_is_refused_by_both(name):
    for option, value in {
        "device": "default.qubit",
        "diff_method": "backprop",
        "memory_mb": 100,
        "form": "fused",
    }.items():
        ours = theirs = False
        try:
            parse(study(head={"dqc": {"engine": name, option: value}}))
        except InputError:
            ours = True
        try:
            make_engine(name, 2, 1, **{option: value})
        except InputError:
            theirs = True
        assert ours == theirs, (name, option)


def test_a_depth_that_other_engines_take_is_named():
    with pytest.raises(InputError) as caught:
        parse(study(head={"dqc": {"engine": "chain", "layers": 6}}))
    assert str(caught.value) == (
        "head.dqc.layers must be <= 5 for the engine chain (the products of one qubit grow about 20-fold per layer), "
        "got 6; lower it, or set head.dqc.engine to statevector"
    )
    parse(study(head={"dqc": {"engine": "statevector", "layers": 6}}))


def test_a_form_is_refused_if_and_only_if_the_engine_refuses_it():
    for form, pattern, layers, damped in itertools.product(
        options.FORM_NAMES, ("ring", "chain", "none"), range(1, 7), (False, True)
    ):
        noise = {"one_qubit": {"amplitude_damping": 0.1}} if damped else None
        given = {"engine": "chain", "form": form, "pattern": pattern, "layers": layers, "noise": noise}
        ours = theirs = False
        try:
            parse(study(head={"dqc": given}))
        except InputError:
            ours = True
        try:
            make_engine(n_qubits=19, n_layers=given.pop("layers"), name=given.pop("engine"), **given)
        except InputError:
            theirs = True
        assert ours == theirs, given
    with pytest.raises(InputError) as caught:
        parse(study(head={"dqc": {"engine": "chain", "form": "walk", "layers": 4}}))
    assert str(caught.value) == (
        "head.dqc.layers must be <= 3 for the form walk with these gates and this noise, got 4; lower it, or set "
        "head.dqc.form to scan or fused or associative"
    )


def test_the_dqcs_options_wait_for_a_study_that_has_it():
    """How wide a circuit is, only its tasks tell; a study of other heads has none."""
    parse(study(heads=["cdl", "mlp"], head={"dqc": {"engine": "chain", "layers": 6}}))


def test_what_was_written_is_kept_as_it_was_written():
    written = {"dqc": {"layers": 2, "noise": {"readout_0": "1e-2", "two_qubit": {"bit_flip": 0}}}, "cdl": {}}
    assert parse(study(head=written)).head == {
        "dqc": {"layers": 2, "noise": {"readout_0": 0.01, "two_qubit": {"bit_flip": 0}}},
        "cdl": {},
    }
    schedule = {"name": "cosine", "warmup": 0}
    kept = parse(study(train__schedule=schedule)).train.schedule
    assert kept == schedule and type(kept["warmup"]) is int


@pytest.mark.parametrize("width", [1, 12, 13])
def test_a_permuted_circuit_is_refused_if_and_only_if_its_state_has_no_room(width):
    """Of 13 qubits six state vectors take 0.1875 MB."""
    sets = {"label_sets": {"wide": [f"L{i}" for i in range(width)]}, "tasks": ["wide"]}
    given = study(heads=["permuted"], head={"permuted": {"memory_mb": 0.15}}, **sets)

    def engine_refuses():
        with pytest.raises(InputError, match=r"needs 0 MB for one sample of 13 qubits.* use engine 'pennylane'"):
            make_engine("statevector", width, 3, permutation_seed=0, memory_mb=0.15)

    if width < 13:
        parse(given)
        make_engine("statevector", width, 3, permutation_seed=0, memory_mb=0.15)
        return
    with pytest.raises(InputError) as caught:
        parse(given)
    assert str(caught.value) == (
        "head.permuted.memory_mb must be >= 0.188 for the state vector of 13 qubits (one per label), got 0.15; "
        "raise it, or leave the head out of this task's study"
    )
    engine_refuses()


def test_a_random_circuit_is_refused_as_dqc_is_by_its_own_name():
    with pytest.raises(InputError, match=r"^head.random.layers must be <= 5 for the engine chain .* got 6; .*random"):
        parse(study(heads=["random"], head={"random": {"engine": "chain", "layers": 6}}))
    with pytest.raises(InputError, match=r"^head.random.device is for the engines pennylane and auto, got"):
        parse(study(heads=["random"], head={"random": {"engine": "chain", "device": "default.qubit"}}))


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ({"bottleneck": {"width": 3}}, "head.bottleneck.width is not a configuration key; allowed here: none"),
        (
            {"random": {"train_circuit": True}},
            "head.random.train_circuit is not a configuration key; allowed here: ",
        ),
        ({"dqc": {"train_circuit": 1}}, "head.dqc.train_circuit: input should be a valid boolean, got 1"),
        (
            {"permuted": {"permutation_seed": -1}},
            "head.permuted.permutation_seed: input should be greater than or equal to 0, got -1; set",
        ),
        ({"permuted": {"engine": "chain"}}, "head.permuted.engine is not a configuration key; allowed here: layers"),
        ({"fourier": {"bandwidth": 0}}, "head.fourier.bandwidth: input should be greater than 0, got 0; set"),
        ({"fourier": {"features": 0}}, "head.fourier.features: input should be greater than or equal to 1, got 0; set"),
        ({"mps": {"bond": 0}}, "head.mps.bond: input should be greater than or equal to 1, got 0; set"),
    ],
)
def test_options_that_cannot_be_are_one_line(head, message):
    with pytest.raises(InputError, match=message) as caught:
        parse(study(heads=list(head), seeds=[0, 1], head=head))
    assert "\n" not in str(caught.value)
