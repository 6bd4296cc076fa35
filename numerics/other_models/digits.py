"""Handwritten digits: the set that scikit-learn ships, and MNIST from the four IDX files of a folder. Images are rows
of pixels in [0, 1], top row first. IDX (LeCun, Cortes, Burges, "The MNIST database") is a big-endian format: two zero
bytes, a byte for the number type (8: unsigned byte), a byte for the number of axes, their lengths as 32-bit integers,
and the numbers. Nothing is downloaded.
"""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from numerics.data import generator_of

#: The published files without ".gz": shape and MD5 of the uncompressed bytes.
MNIST_FILES: dict[str, tuple[tuple[int, ...], str]] = {
    "train-images-idx3-ubyte": ((60_000, 28, 28), "6bbc9ace898e44ae57da46a324031adb"),
    "train-labels-idx1-ubyte": ((60_000,), "a25bea736e30d166cdddb491f175f624"),
    "t10k-images-idx3-ubyte": ((10_000, 28, 28), "2646ac647ad5339dbf082846283269ea"),
    "t10k-labels-idx1-ubyte": ((10_000,), "27ae3e4e09519cfbb04c329615203637"),
}

#: A stream of random numbers that no dataset or start of the toy model uses.
_SPLIT_STREAM = 11
#: Images of the shipped set that are kept for testing.
SHIPPED_TEST = 360


@dataclass(frozen=True)
class Digits:
    """Images (T, side²), float32 in [0, 1], and labels (T,), int64 in 0..9, split once into training and test."""

    name: str
    side: int
    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]

    @property
    def T(self) -> int:
        """Number of images to train on."""
        return len(self.train_images)


def shipped_digits() -> Digits:
    """The 1 797 images of 8 × 8 pixels that scikit-learn ships (Alpaydin and Kaynak 1998), 360 of them to test with.
    The split is drawn once, from a fixed seed. ModuleNotFoundError without scikit-learn.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "the digits come with scikit-learn, which is not installed; try pip install -e '.[experiments]'"
        ) from None
    pixels, labels = load_digits(return_X_y=True)
    order = generator_of(0, _SPLIT_STREAM).permutation(len(pixels))
    images = (pixels[order] / 16.0).astype(np.float32)
    labels = labels[order].astype(np.int64)
    rest = len(images) - SHIPPED_TEST
    return Digits("digits, 8 × 8", 8, images[:rest], labels[:rest], images[rest:], labels[rest:])


def load_mnist(folder: str | Path) -> Digits:
    """MNIST from the four published files in ``folder``, each plain or with the suffix ".gz". Raises ValueError:
    A file is absent, cannot be read, or is not the published one.
    """
    images, labels, test_images, test_labels = (_load_published(Path(folder), name) for name in MNIST_FILES)
    flat, test_flat = (
        part.reshape(len(part), -1).astype(np.float32) / np.float32(255) for part in (images, test_images)
    )
    named = labels.astype(np.int64), test_labels.astype(np.int64)
    return Digits("MNIST", images.shape[1], flat, named[0], test_flat, named[1])


def _load_published(folder: Path, name: str) -> NDArray[np.uint8]:
    """The array of one file; its checksum leaves no other content, so the head of the file is only passed over."""
    shape, digest = MNIST_FILES[name]
    path = next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)
    if path is None:
        raise ValueError(f"{folder}: neither {name} nor {name}.gz is there; MNIST needs all four files")
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: cannot be read, or is truncated ({error})") from None
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != digest:
        raise ValueError(f"{path}: not the file that was published as {name}; fetch it anew")
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * len(shape)).reshape(shape)
