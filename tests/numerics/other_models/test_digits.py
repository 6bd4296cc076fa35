"""Digits: what the loader accepts is what was written, and everything else is refused in one line."""

import gzip
import hashlib

import numpy as np
import pytest

from numerics.other_models import digits
from numerics.other_models.digits import MNIST_FILES, load_mnist, shipped_digits


def idx(array):
    """The IDX bytes of an array of unsigned bytes, written down from the format's description."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture
def mnist(tmp_path, monkeypatch):
    """A folder with four small files, and `MNIST_FILES` as if these were the published ones."""
    random = np.random.default_rng(0)
    published = {}
    for name, (shape, _) in MNIST_FILES.items():
        small = (12 if name.startswith("train") else 7, *shape[1:])
        array = random.integers(0, 10 if len(shape) == 1 else 256, size=small).astype(np.uint8)
        published[name] = (small, hashlib.md5(idx(array), usedforsecurity=False).hexdigest())
        suffix, content = (".gz", gzip.compress(idx(array))) if "images" in name else ("", idx(array))
        (tmp_path / f"{name}{suffix}").write_bytes(content)
    monkeypatch.setattr(digits, "MNIST_FILES", published)
    return tmp_path


def test_four_files_plain_or_compressed_are_a_set(mnist):
    found = load_mnist(mnist)
    assert found.train_images.shape == (12, 784)
    assert found.test_images.shape == (7, 784)
    assert found.side == 28
    assert found.T == 12
    assert 0 <= found.train_images.min() < found.train_images.max() <= 1


def test_parts_of_files_changed_pixels_and_absent_files_are_refused(mnist):
    for name in ("train-labels-idx1-ubyte", "train-images-idx3-ubyte.gz"):
        whole = (mnist / name).read_bytes()
        (mnist / name).write_bytes(whole[:-9])
        with pytest.raises(ValueError, match=str(mnist / name)):
            load_mnist(mnist)
        (mnist / name).write_bytes(whole)
    content = bytearray(gzip.decompress(whole))
    content[-1] ^= 1
    (mnist / name).write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(ValueError, match="not the file that was published"):
        load_mnist(mnist)
    (mnist / "t10k-labels-idx1-ubyte").unlink()
    (mnist / name).write_bytes(whole)
    with pytest.raises(ValueError, match=r"neither t10k-labels-idx1-ubyte nor t10k-labels-idx1"):
        load_mnist(mnist)


def test_the_published_sizes_are_those_of_the_format():
    """47 040 016, 60 008, 7 840 016 and 10 008 bytes: what the uncompressed MNIST files hold."""
    sizes = [int(np.prod(shape)) + 4 + 4 * len(shape) for shape, _ in MNIST_FILES.values()]
    assert sizes == [47_040_016, 60_008, 7_840_016, 10_008]


def test_the_shipped_set_is_whole_and_split_once():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install -e '.[experiments]'")
    from sklearn.datasets import load_digits

    found = shipped_digits()
    assert (found.T, len(found.test_images), found.side) == (1437, 360, 8)
    together = np.concatenate([found.train_images, found.test_images]) * 16
    pixels = load_digits().data
    assert (np.sort(together, axis=0) == np.sort(pixels, axis=0)).all()
    again = shipped_digits()
    assert (found.train_labels == again.train_labels).all()
    assert set(found.train_labels) == set(found.test_labels) == set(range(10))
