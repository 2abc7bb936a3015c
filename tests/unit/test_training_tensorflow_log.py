"""TensorFlow's log: nothing twice, nothing of CUDA on a CPU, and no last word lost."""

import os
import signal
import subprocess
import sys

import pytest

from digits.training import tensorflow_log

HEADER = tensorflow_log.HEADER + "\n"
ONEDNN = "I0000 00:00:1.2   7 port.cc:153] oneDNN custom operations are on.\n"
AGAIN = "I0000 00:00:9.9   7 port.cc:153] oneDNN custom operations are on.\n"
CUDA = "E0000 00:00:1.3   7 cuda_platform.cc:52] failed call to cuInit\n"
FATAL = "F0000 00:00:1.4   7 cpu_feature_guard.cc:1] compiled to use AVX\n"
OTHER = "a line of something else\n"


@pytest.mark.parametrize(
    ("level", "left"),
    [
        (0, [ONEDNN, CUDA, OTHER, OTHER, FATAL]),
        (2, [CUDA, OTHER, OTHER, FATAL]),
        (3, [OTHER, OTHER, FATAL]),
    ],
)
def test_each_message_comes_once_from_its_level_on(level, left):
    lines = [HEADER, ONEDNN, CUDA, HEADER, AGAIN, OTHER, OTHER, FATAL, FATAL]
    assert list(tensorflow_log.passed_on(lines, level)) == left


def run(code, level="3"):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": level},
    )


def test_what_a_library_says_before_it_ends_the_interpreter_is_heard():
    code = f"""if True:
        import os
        from digits.training import tensorflow_log
        with tensorflow_log.heeding_its_level():
            os.write(2, {(ONEDNN + FATAL).encode()!r})
            os.abort()
    """
    done = run(code)
    assert done.returncode == -signal.SIGABRT
    assert FATAL in done.stderr
    assert ONEDNN not in done.stderr


def test_the_standard_error_is_itself_again_afterwards():
    code = f"""if True:
        import os, sys
        from digits.training import tensorflow_log
        try:
            with tensorflow_log.heeding_its_level():
                print("inside", file=sys.stderr)
                raise ImportError
        except ImportError:
            os.write(2, {ONEDNN.encode()!r})
    """
    assert run(code).stderr == "inside\n" + ONEDNN


def test_tensorflow_is_loaded_for_the_cpu_without_a_word():
    code = """if True:
        from digits.hardware import selection
        from digits.training import tensorflow_log
        params = selection.Params(device="cpu", precision="float32", threads=0, label="")
        machine = selection.choose(params)
        with tensorflow_log.heeding_its_level():
            selection.confirm(machine, params, False)
        import tensorflow as tf
        tf.constant(1.0) + 1
    """
    assert run(code).stderr == ""
