"""Write each form of each digit, and see who reads it: models/* to metrics/forms.json and .npz.

Run as `python -m stages.forms`, or by `dvc repro forms`.
"""

import numpy as np

from digits.core import config, errors, files, paths
from digits.data import preprocess, split
from digits.datasets.raw.optdigits import DIGITS
from digits.datasets.raw.read import read_raw
from digits.evaluation import abstention, examples, forms
from digits.hardware import selection
from digits.inference.predictor import Predictor
from digits.scan.single.read import read_digit
from digits.synthesis import hand
from digits.synthesis.glyphs import GLYPHS


def main() -> None:
    """Score every model, find the nearest training digits; nothing where classes are no digits."""
    machine = selection.choose(config.load("hardware", selection.Params), gpu_capable=False)
    models = {name: Predictor.load(paths.MODELS / name, machine.threads) for name in config.MODELS}
    stored, trained = read_raw(paths.RAW, read_digit), split.read(paths.SPLIT, "train")
    chosen = examples.choose(trained.labels, trained.index, forms.A_CLASS)
    training = preprocess.in_mnist_size(stored.images[trained.index[chosen]], stored.white)
    found, shown = [], []
    known = _vectors(training)
    rng = np.random.default_rng(forms.SEED)
    for glyph in GLYPHS if stored.classes == DIGITS else ():
        assert glyph.digit is not None
        images = np.stack([hand.image(glyph, rng) for _ in range(forms.WRITTEN)])
        near = forms.likeness(_vectors(images), glyph.digit, known, trained.labels[chosen])
        said = {
            name: [ready.classes[place] for place in ready.read(images).argmax(axis=1)]
            for name, ready in models.items()
        }
        shown.append(np.stack([images[near.typical], *training[near.nearest]]))
        found.append(
            forms.Form(
                digit=str(glyph.digit),
                name=glyph.name,
                held=near.held,
                nearest=tuple(DIGITS[trained.labels[chosen[place]]] for place in near.nearest),
                answers=forms.counted(said),
            )
        )
    forms.Forms(
        dataset=stored.name,
        model_sha256={name: ready.bundle.digest for name, ready in models.items()},
        written=forms.WRITTEN,
        among=len(chosen),
        neighbours=forms.NEIGHBOURS,
        forms=tuple(found),
    ).write(paths.METRICS / "forms.json")
    files.write_arrays(paths.METRICS / "forms.npz", images=np.array(shown, np.uint8))
    for name in models if found else ():
        worst = min(found, key=lambda form: form.accuracy(name))
        print(f"{name} reads {worst.accuracy(name):.0%} of {worst.digit}, {worst.name}")


def _vectors(images: np.ndarray) -> np.ndarray:
    return abstention.features(images[..., np.newaxis].astype(np.float32) / preprocess.FULL)


if __name__ == "__main__":
    with errors.reported():
        main()
