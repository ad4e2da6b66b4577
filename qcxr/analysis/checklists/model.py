"""The models: input, network, start, training, choice, output."""

from typing import Any

from qcxr.analysis.cards import KINDS
from qcxr.analysis.checklists.item import OPEN, Answer
from qcxr.analysis.checklists.known import Known
from qcxr.analysis.inputs import known_versions
from qcxr.analysis.limits import listed
from qcxr.analysis.names import head_name, key_value, task_name

LOSSES = {"bce": "binary cross-entropy", "weighted_bce": "weighted binary cross-entropy"}

UNSET: tuple[Any, ...] = (None, False, {}, [])
ELSEWHERE = ("devices", "patience", "epochs", "permute_labels")  # no setting of the method, or said under selection


def predictors(known: Known) -> Answer:
    """What the models are given."""
    if known.facts.foreign:
        return OPEN
    return Answer("The film alone; no fact about the patient is an input.")


def no_reader(known: Known) -> Answer:
    """Whether someone judged the inputs."""
    if known.facts.foreign:
        return OPEN
    return Answer("The input is the film's pixels; nobody judges them first.", applies=False)


def architecture(known: Known) -> Answer:
    """The network."""
    backbone = known.setting("backbone", "name")
    if backbone is None:
        return OPEN
    own = known.setting("backbone", "config") or {}
    shape = f" ({', '.join(f'{key} {key_value(value)}' for key, value in own.items())})" if own else ""
    norm = {"running": "running (frozen) statistics", "batch": "each batch's statistics"}
    text = f"Backbone {backbone}{shape}"
    if (used := known.setting("backbone", "batch_norm")) in norm:
        text += f", BatchNorm with {norm[used]}"
    heads = [f"{head_name(h)}: {KINDS[known.facts.kind(h)]}" for h in known.facts.heads if known.facts.kind(h) in KINDS]
    text += f". Heads on its pooled features: {'; '.join(heads)}."
    return Answer(text + known.exceptions + _parameters(known))


def _parameters(known: Known) -> str:
    frame = known.base.parameters
    if frame is None:
        return ""
    told = [
        f"{task_name(row['task'])} {head_name(row['head'])} {int(row['total']):,}" for row in frame.to_dict("records")
    ]
    return f" Parameters: {'; '.join(told)}." if len(told) <= 12 else " Parameters: tables/parameters.md."


def software(known: Known) -> Answer:
    """Libraries and versions."""
    found = known_versions(known.results.runs)
    return Answer(f"{', '.join(found)}.") if found else OPEN


def initial(known: Known) -> Answer:
    """What the weights start as."""
    if known.setting("backbone", "name") is None:
        return OPEN
    weights = known.setting("backbone", "weights")
    text = f"Backbone: {weights}." if weights else "Backbone: at random, by the run's seed; no transfer."
    frozen = {"all": "All layers are trained.", "head": "The backbone stays as it is; only the head is trained."}
    trainable = str(known.setting("backbone", "trainable"))
    text += f" {frozen.get(trainable, f'Trained are the head and {trainable} stages of the backbone.')}"
    return Answer(f"{text} Heads: at random, by the run's seed.")


def training(known: Known) -> Answer:
    """Loss, optimizer, augmentation, hyperparameters."""
    train, augment = known.settings.get("train") or {}, known.settings.get("augment") or {}
    if not train:
        return OPEN
    told = [f"{key} {key_value(value)}" for key, value in train.items() if value not in UNSET and key not in ELSEWHERE]
    if train.get("permute_labels"):
        told.append("labels permuted among films, as a control")
    text = f"Settings: {', '.join(told)}."
    if augment:
        text += " Augmentation: " + ", ".join(f"{key} {key_value(value)}" for key, value in augment.items()) + "."
    text += known.exceptions
    devices = sorted({run["device"] for run in known.results.runs if run.get("device")})
    seeds = sorted({int(run["seed"]) for run in known.results.runs})
    if devices:
        text += f" Trained on {', '.join(devices)}."
    return Answer(f"{text} Seeds {', '.join(map(str, seeds))}; the same seed gives every head the same batches.")


def selection(known: Known) -> Answer:
    """Which weights and settings are kept."""
    train = known.settings.get("train") or {}
    if "patience" not in train and not known.facts.searched:
        return OPEN
    text = "Of each run the weights of the epoch with the lowest validation loss"
    text += f" (epochs: at most {train.get('epochs')}, stopped after {train.get('patience')} without a better one)."
    if known.results.search is not None:
        trials = known.results.search.groupby(["task", "head"])["trial"].nunique()
        text += f" Settings: the best on validation of up to {int(trials.max())} trials per head."
    else:
        text += " No other settings were tried in this study."
    return Answer(text)


def ensembling(known: Known) -> Answer:
    """Whether models vote."""
    if known.facts.foreign:
        return OPEN
    return Answer("None: every run is tested alone, and its scores are averaged over seeds, not its predictions.")


def building(known: Known) -> Answer:
    """Type of model, building steps, tuning, internal validation."""
    parts = [technology_of(known), training(known), selection(known)]
    if any(part.standing == "open" for part in parts):
        return OPEN
    return Answer(" ".join(part.text for part in parts), "why this type of model")


def technology_of(known: Known) -> Answer:
    """The network in a sentence."""
    backbone = known.setting("backbone", "name") or known.setting("backbone", "weights")
    heads = listed([head_name(head) for head in known.facts.heads])
    return Answer(f"A backbone ({backbone}) with a head, {heads}.") if backbone else OPEN


def imbalance(known: Known) -> Answer:
    """What is done about rare labels."""
    train = known.settings.get("train") or {}
    if "loss" not in train:
        return OPEN
    loss = train["loss"]
    text = f"Loss: {LOSSES.get(loss, loss)}"
    text += ", which gives positives no more weight; no resampling." if loss == "bce" else "; no resampling."
    if train.get("prior_bias"):
        text += " Logits start at the labels' prevalences in training."
    return Answer(text + " Probabilities are not recalibrated.")


def output(known: Known) -> Answer:
    """What comes out, and how it is cut."""
    text = "A probability per label."
    scored = known.results.metrics
    if "balanced_accuracy" in set(scored[scored["value"].notna()]["metric"]):
        text += " For balanced accuracy only, a threshold per label: the one of largest Youden's J on validation."
    return Answer(text)


def prediction(known: Known) -> Answer:
    """How predictions are computed."""
    if known.facts.foreign:
        return OPEN
    return Answer("The trained network's logits through the logistic function; `qcxr predict` does it for any films.")


def specification(known: Known) -> Answer:
    """What others need in order to predict."""
    if known.facts.foreign:
        return OPEN
    return Answer(
        "runs/*/*/*/best.safetensors (weights) and run.json (settings) of every run; `qcxr predict` reads both.",
        "where they may be had, and under which licence",
    )
