"""The peer: llama.cpp, as a distribution packages it, in float32 on the CPU and through Vulkan."""

import json
import os
import pathlib
import shutil
import subprocess
import time

import ours

PROGRAMS = ("llama-bench", "llama-completion", "llama-quantize")
# Its threads spin beside OpenBLAS's if they do not wait passively; its Vulkan products are rounded
# to half precision if that is not declined; and it takes a software device only when told to.
CPU = dict(OMP_WAIT_POLICY="passive")
VULKAN = dict(CPU, GGML_VK_DISABLE_F16="1", GGML_VK_VISIBLE_DEVICES="0")


def find(folder):
    """Its programs by name, from a folder or the search path; else None, and what to do."""
    where = str(folder) if folder else None
    programs = {name: shutil.which(name, path=where) for name in PROGRAMS}
    missing = [name for name, path in programs.items() if not path]
    if not missing:
        return programs, ""
    if folder:
        raise SystemExit(f"compare: {folder} has no {', '.join(missing)}")
    known = (
        shutil.which("apt-cache")
        and subprocess.run(["apt-cache", "show", "llama.cpp"], capture_output=True).returncode == 0
    )
    if known:
        return None, "llama.cpp: apt-get install llama.cpp libggml0-backend-vulkan"
    return (
        None,
        "llama.cpp: no package of this system (--llama DIR names a folder of its programs)",
    )


class Llama:
    """It on a float32 copy of the model, which it makes itself."""

    def __init__(self, programs, model, work):
        self.programs, self.model = programs, pathlib.Path(work) / "float32.gguf"
        self.call("llama-quantize", ["--allow-requantize", str(model), str(self.model), "F32"], {})

    def call(self, name, arguments, environment):
        command = [self.programs[name], *arguments]
        done = subprocess.run(command, env=dict(os.environ, **environment), capture_output=True)
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip().split("\n")[-1]
            raise ours.Failed(f"{' '.join(command)}: {words or done.returncode}")
        return done.stdout.decode()

    @staticmethod
    def place(vulkan):
        device = ["-dev", "Vulkan0", "-ngl", "99"] if vulkan else ["-dev", "none"]
        return device, VULKAN if vulkan else CPU

    def prefill(self, length, vulkan=False):
        """Tokens a second of one prompt, after one that is not counted."""
        device, environment = self.place(vulkan)
        arguments = ["-m", str(self.model), "-p", str(length), "-n", "0", "-r", "1", "-o", "json"]
        return json.loads(self.call("llama-bench", arguments + device, environment))[0]["avg_ts"]

    def complete(self, prompt, tokens, vulkan=False):
        """The likeliest continuation, and the seconds from the program's start to its end."""
        device, environment = self.place(vulkan)
        arguments = [
            "-m",
            str(self.model),
            "-p",
            prompt,
            "-n",
            str(tokens),
            "-no-cnv",
            "--temp",
            "0",
        ]
        arguments += ["--no-warmup", "--no-display-prompt"]
        begun = time.perf_counter()
        text = self.call("llama-completion", arguments + device, environment)
        return text, time.perf_counter() - begun
