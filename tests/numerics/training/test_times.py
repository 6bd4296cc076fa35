"""How long runs took is kept beside them, never in them."""

import time

import pytest

from numerics import train
from numerics.training.obtaining import TIMES, timed, training_seconds
from numerics.training.runs import run_name
from theory import Setting

SMALL = Setting(T=2, n=50, sparsity=0.9, steps=40)


def test_a_run_is_timed_when_it_is_trained_and_not_when_it_is_read(tmp_path):
    began = time.monotonic()
    train(SMALL, out=tmp_path, progress=False)
    bound = time.monotonic() - began
    name = run_name(SMALL, "cpu")
    (seconds,) = training_seconds([name], tmp_path).values()
    assert 0 <= seconds <= bound
    train(SMALL, out=tmp_path, progress=False)
    assert (tmp_path / TIMES).read_text().count(name) == 1


def test_pieces_add_up_damaged_lines_do_not_and_an_interrupted_piece_counts(tmp_path):
    (tmp_path / TIMES).write_bytes(b"a,1.5\nb,2\n\xff\xfe,,\na,nan\na,inf\na,-3\na\na,x\na,0.25\n")
    assert training_seconds(["a", "b", "c"], tmp_path) == {"a": 1.75, "b": 2.0}
    with pytest.raises(KeyboardInterrupt), timed("c", tmp_path):
        raise KeyboardInterrupt
    assert set(training_seconds(["a", "b", "c"], tmp_path)) == {"a", "b", "c"}


def test_a_folder_that_refuses_the_file_loses_no_run(tmp_path):
    (tmp_path / TIMES).mkdir()
    assert train(SMALL, out=tmp_path, progress=False)[0].name == run_name(SMALL, "cpu")
    assert training_seconds([run_name(SMALL, "cpu")], tmp_path) == {}
    assert (tmp_path / f"{run_name(SMALL, 'cpu')}.safetensors").is_file()
