"""Record learning curves: `python -m tests.benchmarks.curves.record` writes digits.json beside it.

60 networks of one hidden layer (scikit-learn's MLPClassifier) with random settings learn
scikit-learn's digits, 27 epochs each; after each epoch the accuracy on images that they do not
learn from is written down. Noise of a fixed seed lies on all images, so that good settings matter.
"""

import json
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

RUNS, EPOCHS, SEED = 60, 27, 0


def settings(random: np.random.Generator) -> dict[str, Any]:
    """Draw the settings of one network."""
    return {
        "solver": str(random.choice(["adam", "sgd"])),
        "learning_rate_init": float(10 ** random.uniform(-4, 0)),
        "hidden_layer_sizes": int(2 ** random.uniform(2, 7)),
        "alpha": float(10 ** random.uniform(-5, 1)),
        "batch_size": int(2 ** random.integers(4, 8)),
    }


def curve(given: dict[str, Any], seed: int, parts: list[Any]) -> list[float]:
    """Give a network's accuracy after each epoch."""
    learned, held_out, labels, held_out_labels = parts
    network = MLPClassifier(**given, random_state=seed)
    found = []
    for _ in range(EPOCHS):
        network.partial_fit(learned, labels, classes=range(10))
        found.append(round(float(network.score(held_out, held_out_labels)), 4))
    return found


def main() -> None:
    """Record all curves."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    random = np.random.default_rng(SEED)
    images, labels = load_digits(return_X_y=True)
    noisy = images / 16 + random.normal(0, 0.4, images.shape)
    parts = train_test_split(noisy, labels, test_size=0.5, random_state=SEED, stratify=labels)
    runs = []
    for number in range(RUNS):
        given = settings(random)
        accuracy = curve(given, number, parts)
        print(number, given, accuracy[-1], flush=True)
        runs.append(json.dumps({"settings": given, "accuracy": accuracy}))
    made_by = {name: version(name) for name in ("scikit-learn", "numpy")}
    head = json.dumps({"recipe": "python -m tests.benchmarks.curves.record"} | made_by)[:-1]
    text = head + ', "runs": [\n' + ",\n".join(runs) + "\n]}\n"
    Path(__file__).with_name("digits.json").write_text(text)


if __name__ == "__main__":
    main()
