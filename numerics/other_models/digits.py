"""Handwritten digits: the set that scikit-learn ships, and MNIST from the four IDX files of a folder.

Images are rows of pixels in [0, 1], top row first. IDX (LeCun, Cortes, Burges, "The MNIST database") is a
big-endian format: two zero bytes, a byte for the number type (8: unsigned byte), a byte for the number of axes, their
lengths as 32-bit integers, and the numbers. Nothing is downloaded.
"""

import gzip
import hashlib
import math
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


class DigitsFileError(ValueError):
    """A file that is not what it should be: one line with the file, what was found, and what to try."""


@dataclass(frozen=True)
class Digits:
    """Images and their labels, split once into those to train on and those to test with.

    Attributes
    ----------
    name : of the set.
    side : pixels per side of an image.
    train_images, test_images : (T, side²) float32 in [0, 1].
    train_labels, test_labels : (T,) int64 in 0..9.

    """

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

    The split is drawn once, from a fixed seed.

    Raises ModuleNotFoundError: scikit-learn is not installed; the message says how to install it.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "the digits come with scikit-learn, which is not installed; try pip install 'tgon[experiments]'"
        ) from None
    pixels, labels = load_digits(return_X_y=True)
    order = generator_of(0, _SPLIT_STREAM).permutation(len(pixels))
    images = (pixels[order] / 16.0).astype(np.float32)
    labels = labels[order].astype(np.int64)
    rest = len(images) - SHIPPED_TEST
    return Digits("digits, 8 × 8", 8, images[:rest], labels[:rest], images[rest:], labels[rest:])


def load_mnist(folder: str | Path, *, verify: bool = True) -> Digits:
    """MNIST from the four published files in ``folder``, each plain or with the suffix ".gz".

    ``verify=False`` skips checksums and numbers of images, for other data in the same format (Fashion-MNIST); what a
    file says of itself is checked all the same.

    Raises DigitsFileError: A file is absent, truncated, of another kind or, with ``verify``, not the published
    one.
    """
    parts = [_load_published(Path(folder), name, verify) for name in MNIST_FILES]
    (images, labels), (test_images, test_labels) = parts[:2], parts[2:]
    for shown, named in ((images, labels), (test_images, test_labels)):
        if shown.ndim != 3 or shown.shape[1] != shown.shape[2] or named.shape != shown.shape[:1]:
            raise DigitsFileError(
                f"{folder}: images {shown.shape} and labels {named.shape} are not (T, side, side) and (T,); "
                "are the files of one set?"
            )
        if named.size == 0 or named.max() > 9:
            raise DigitsFileError(f"{folder}: no labels, or labels above 9; allowed are 0 to 9")
    if images.shape[1:] != test_images.shape[1:]:
        raise DigitsFileError(f"{folder}: images to train on and to test with differ in size")
    flat, test_flat = (
        part.reshape(len(part), -1).astype(np.float32) / np.float32(255) for part in (images, test_images)
    )
    return Digits(
        "MNIST", images.shape[1], flat, labels.astype(np.int64), test_flat, test_labels.astype(np.int64)
    )


def _load_published(folder: Path, name: str, verify: bool) -> NDArray[np.uint8]:
    shape, digest = MNIST_FILES[name]
    path = next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)
    if path is None:
        raise DigitsFileError(f"{folder}: neither {name} nor {name}.gz is there; MNIST needs all four files")
    content = _read(path)
    array = _parse(content, path)
    if verify and (array.shape != shape or hashlib.md5(content, usedforsecurity=False).hexdigest() != digest):
        raise DigitsFileError(
            f"{path}: {array.shape} bytes, not those published as {name}; for other data try verify=False"
        )
    return array


def read_idx(path: str | Path) -> NDArray[np.uint8]:
    """The array of one IDX file of unsigned bytes, plain or gzip-compressed by its own first bytes.

    Raises DigitsFileError: The file is absent, truncated or longer than its head says, or not IDX of unsigned
    bytes.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     written = file.write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
    ...     file.flush()
    ...     read_idx(file.name).tolist()
    [7, 8, 9]
    """
    return _parse(_read(Path(path)), Path(path))


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except FileNotFoundError:
        raise DigitsFileError(f"{path}: no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DigitsFileError(f"{path}: cannot be read, or is truncated ({error})") from None


def _parse(content: bytes, path: Path) -> NDArray[np.uint8]:
    if len(content) < 4 or content[:3] != b"\0\0\x08" or not 1 <= content[3] <= 3:
        raise DigitsFileError(
            f"{path}: begins with {content[:4].hex(' ') or 'nothing'}; allowed are 00 00 08 and 01 to 03"
        )
    head = 4 + 4 * content[3]
    shape = np.frombuffer(content[4:head].ljust(head - 4, b"\0"), dtype=">u4").tolist()
    expected = head + math.prod(shape)
    if len(content) != expected:
        raise DigitsFileError(
            f"{path}: holds {len(content)} bytes, but its head announces {expected}; truncated or damaged"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=head).reshape(shape)
