"""ipc: what must stay light does: no Textual and no model library outside their places."""

import subprocess
import sys

import pytest

HEAVY = ("textual", "torch", "transformers", "sentence_transformers", "lancedb", "xllamacpp")
HEAVY += ("hibari", "onnxruntime", "faster_whisper", "pyarrow")

PROBE = """
import sys
{statement}
heavy = sorted(set(sys.modules) & {heavy!r})
assert not heavy, heavy
"""


def loads_nothing_heavy(statement: str, env=None) -> None:
    """Run ``statement`` in an interpreter of its own and look at what it imported."""
    code = PROBE.format(statement=statement, heavy=set(HEAVY))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "module",
    ["codec", "config", "control", "endpoints", "events", "load", "operator", "pipeline", "trace"],
)
def test_ipc_is_light(module):
    loads_nothing_heavy(f"import ipc.{module}")


def test_the_command_line_is_light():
    loads_nothing_heavy("import tui.cli")


def test_no_ui_never_loads_textual():
    """The last thing --no-ui does in its own process is to become the supervisor."""
    loads_nothing_heavy(
        "import os\n"
        "os.execv = lambda *_: None\n"
        "sys.argv = ['spark-tui', '--profile', 'scripted', '--no-ui']\n"
        "from tui import cli, output\n"
        "cli._need_terminal = lambda: (_ for _ in ()).throw(SystemExit(0))\n"
        "try:\n"
        "    cli.main()\n"
        "except SystemExit:\n"
        "    pass\n"
    )


def test_the_supervisor_loads_neither_textual_nor_a_model():
    loads_nothing_heavy("import workers.supervisor.command")
