"""All readers that are fuzzed, by name: each makes valid files below a folder, and says how one of them is read."""

from collections.abc import Callable
from pathlib import Path

from tests.fuzz.ofcohorts import cache, entries, manifests, packed
from tests.fuzz.ofruns import checkpoints, prediction, records, safetensors, torchfile, weights
from tests.fuzz.ofusers import configuration, dicom, jpeg, labels, plugins, png, table
from tests.fuzz.reader import Reader

READERS: dict[str, Callable[[Path], Reader]] = {
    **{"png": png, "jpeg": jpeg, "dicom": dicom},
    **{"labels": labels, "table": table, "manifest": manifests, "configuration": configuration, "plugins": plugins},
    **{"entry": entries, "cache": cache, "packed": packed},
    **{"safetensors": safetensors, "weights": weights, "checkpoint": checkpoints, "torch": torchfile},
    **{"predictions": prediction, "records": records},
}
