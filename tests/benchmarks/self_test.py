"""Tests what `compare` and `growth` need no model for: table, CSV file, fits, wrong arguments.

python3 self_test.py"""

import csv
import pathlib
import runpy
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import ours  # noqa: E402
import random_model  # noqa: E402
import table  # noqa: E402

SECONDS = table.Row(
    "z", "z, 64 facts", "s/fact", [2.0, 1.0, 4.0], "plain", [10.0, 12.0, 11.0], 6.5, "z 1e-05"
)
RATE = table.Row("prefill", "512 tokens", "tokens/s", [300.0], "transformers", [600.0], 1)
ALONE = table.Row("help", "emend help", "s", [0.004], goal=0.02)


class Table(unittest.TestCase):
    def test_a_ratio_says_how_many_times_ours_is_ahead(self):
        self.assertEqual(SECONDS.ratio(), 5.5)
        self.assertEqual(SECONDS.ratios(), [5.0, 12.0, 2.75])
        self.assertEqual(RATE.ratio(), 0.5)

    def test_text(self):
        head, *lines = table.text([SECONDS, RATE, ALONE]).split("\n")
        self.assertEqual(head.split()[:4], ["line", "work", "unit", "emend"])
        self.assertEqual(lines[0].split("  ")[-1].strip(), ">= 6.5")
        self.assertIn("150 %", lines[0])
        self.assertIn("2.75 .. 12.00", lines[0])
        self.assertIn("< 0.02", lines[2])
        self.assertEqual(len({line.find("s/fact") for line in lines[:1]} | {head.find("unit")}), 1)

    def test_csv(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "out.csv"
            table.write(path, [SECONDS, ALONE], dict(machine="a, b", versions="v", date="d"))
            with open(path, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        self.assertEqual(list(rows[0]), table.COLUMNS)
        numbers = tuple(rows[0][name] for name in ("ratio", "ratio_low", "goal"))
        self.assertEqual(numbers, ("5.5", "2.75", "6.5"))
        self.assertEqual((rows[0]["work"], rows[0]["machine"]), ("z, 64 facts", "a, b"))
        self.assertEqual((rows[1]["peer"], rows[1]["ratio"], rows[1]["emend"]), ("", "", "0.004"))


class Growth(unittest.TestCase):
    def setUp(self):
        self.growth = runpy.run_path(str(HERE / "growth"))

    def fitted(self, limit, function):
        line = self.growth["Line"]("facts", "facts", "seconds", limit)
        line.points = [(x, function(x)) for x in (1, 2, 4, 8, 16, 32)]
        return line

    def test_an_exponent_is_that_of_the_larger_sizes(self):
        line = self.fitted(1.1, lambda x: max(7, 2 * x))
        self.assertAlmostEqual(line.exponent(), 1)
        self.assertFalse(line.fails())
        line = self.fitted(1.1, lambda x: 3 * x * x)
        self.assertAlmostEqual(line.exponent(), 2)
        self.assertIn("TOO FAST", line.text())

    def test_what_was_said_ahead_may_be_off_by_a_factor(self):
        line = self.growth["Ahead"]("estimate", "facts", "seconds", 1.5)
        line.points = [(4, 0.7), (16, 1.4)]
        self.assertIn(" ok ", line.text())
        line.points.append((64, 0.6))
        self.assertIn("FAR OFF", line.text())

    def test_a_random_model_has_the_bytes_that_its_header_says(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            parameters = random_model.write(folder, 8, 12, 2, 2, 1)
            size = (folder / "model.safetensors").stat().st_size
            head = int.from_bytes((folder / "model.safetensors").read_bytes()[:8], "little")
        self.assertEqual(parameters, 2 * (8 * 8 * 2 + 2 * 4 * 8 + 3 * 8 * 12 + 16))
        self.assertEqual(size - head - 8, 2 * (parameters + 512 * 8 + 8))


class Arguments(unittest.TestCase):
    def compare(self, *arguments, script="compare"):
        command = [sys.executable, HERE / script, *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def test_help_names_every_line(self):
        code, text = self.compare("--help")
        self.assertEqual(code, 0)
        for name in ("z", "memit", "covariance", "shader"):
            self.assertRegex(text, rf"\n  {name} ")

    def test_wrong_arguments(self):
        for arguments, words in (
            (["zz"], '"zz" is no line; there are z, rome'),
            (["--facts", "0"], '"0" is no whole number above 0'),
            (["--repeat", "x"], '"x" is no whole number above 0'),
            (["--fact"], "--fact"),
        ):
            code, text = self.compare(*arguments)
            self.assertEqual(code, 2, text)
            self.assertIn(words, text)
        code, text = self.compare("--emend", "no-such-program", script="growth")
        self.assertEqual(code, 1, text)
        self.assertIn("no-such-program is no program", text)
        code, text = self.compare("speed", script="growth")
        self.assertEqual(code, 2, text)
        self.assertIn('"speed" is no axis; there are facts, batch', text)


class Files(unittest.TestCase):
    def test_safetensors(self):
        world = HERE.parent / "golden" / "world" / "edit.safetensors"
        tensors = ours.read_safetensors(world)
        self.assertEqual((len(tensors["z.1"]), len(tensors["key.1"])), (64, 176))
        self.assertAlmostEqual(tensors["key.1"][0], 0.0205290727, 8)


if __name__ == "__main__":
    unittest.main()
