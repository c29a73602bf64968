"""Runs emend as users do, each time without what earlier runs have kept, and reads what it left."""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEPT = ("answers", "covariance", "texts", "values")  # of the cache: results, not compiled kernels


class Failed(Exception):
    """A program's run that did not end well."""


def read_safetensors(path):
    """{name: list of numbers, flat}; float32 and float64 alone, which is what emend writes."""
    data = pathlib.Path(path).read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header, out = json.loads(data[8 : 8 + size]), {}
    for name, tensor in header.items():
        code = {"F32": "f", "F64": "d"}.get(name != "__metadata__" and tensor["dtype"])
        if code:
            begin, end = (8 + size + x for x in tensor["data_offsets"])
            count = (end - begin) // struct.calcsize(code)
            out[name] = struct.unpack(f"<{count}{code}", data[begin:end])
    return out


class Run:
    """A run folder; of a sweep, one of its points."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.seconds = self.json("timing.json")["seconds"]
        self.memory = self.json("timing.json")["peak_memory"]

    def json(self, name):
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def work(self):
        """Seconds from the loaded model to the results."""
        return self.seconds["total"] - self.seconds["load"]

    def cases(self):
        """{case_id: NLL of both targets behind each prompt}, after the edit."""
        out = {}
        with open(self.folder / "cases.jsonl", encoding="utf-8") as file:
            for record in map(json.loads, file):
                groups = [record["post"][g + "_prompts_probs"] for g in GROUPS]
                out[record["case_id"]] = [
                    (p["target_new"], p["target_true"]) for group in groups for p in group
                ]
        return out

    def values(self):
        """{case_id: {z, key, log: [(NLL, loss), ...]}}"""
        tensors, out = read_safetensors(self.folder / "values.safetensors"), {}
        for name, values in tensors.items():
            kind, case = name.split(".")
            if kind == "log":
                steps = int(values[0])
                values = [(values[1 + 5 * i], values[4 + 5 * i]) for i in range(steps)]
            out.setdefault(int(case), {})[kind] = values
        return out


GROUPS = ("rewrite", "paraphrase", "neighborhood")


class Emend:
    """The program, with a cache of its own in `work`."""

    def __init__(self, program, work):
        self.program, self.work = pathlib.Path(program).resolve(), pathlib.Path(work)
        if not os.access(self.program, os.X_OK):
            raise Failed(f"{self.program} is no program")
        self.cache = self.work / "cache" / "emend"
        user = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        self.environment = dict(os.environ, XDG_CACHE_HOME=str(self.cache.parent))
        self.cache.mkdir(parents=True, exist_ok=True)
        for name in ("driver", "models"):  # what was fetched once serves here too
            (user / "emend" / name).mkdir(parents=True, exist_ok=True)
            if not (self.cache / name).exists():
                (self.cache / name).symlink_to(user / "emend" / name)

    def call(self, *arguments, **options):
        """Its standard output; an option's list of values repeats it."""
        for name, value in options.items():
            for item in value if isinstance(value, list) else [value]:
                arguments += (f"--{name}", item)
        command = [str(self.program), *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
        return done.stdout

    def json(self, *arguments, **options):
        return json.loads(self.call(*arguments, "--json", **options))

    def seconds(self, *arguments, **options):
        """From the program's start to its end."""
        begun = time.perf_counter()
        self.call(*arguments, **options)
        return time.perf_counter() - begun

    def forget(self):
        for name in KEPT:
            shutil.rmtree(self.cache / name, ignore_errors=True)

    def path(self, name, document):
        out = self.work / f"{name}.json"
        out.write_text(json.dumps(document, indent=1), encoding="utf-8")
        return out

    def run(self, name, document):
        """The run of an experiment, or the list of a sweep's runs."""
        self.forget()
        folder = self.work / "runs" / name
        shutil.rmtree(folder, ignore_errors=True)
        self.call("run", self.path(name, document), "--quiet", out=folder)
        if "sweep" in document:
            return [Run(path.parent) for path in sorted(folder.glob("*/timing.json"))]
        return Run(folder)
