"""The lines of the comparison: what is done, and how each side does it and is timed."""

import statistics

import torch

import ours
import torch_peer as peer
from study import agree, agree_scores, agree_values, timed

CHECK_FACTS, CHECK_STEPS = 2, 6
LLAMA, LLAMA_VULKAN = "llama.cpp", "llama.cpp Vulkan"
NO_ROUNDING = 1e-4  # of float32 sums in another order, relative to the largest value


class Values:
    """z of a fact, with its keys: all facts in one plan against one after another.

    A peer's time is its time for a step, times the mean number of steps of all facts."""

    unit = "s/fact"

    def __init__(self, name, kind, algorithm, facts, goals):
        self.name, self.kind, self.algorithm = name, kind, algorithm
        self.facts, self.goals = facts, goals

    def work(self, study):
        prompts = len(study.templates()[self.kind]) + 1
        return f"z of a fact, {prompts} prompts, {study.num(self)} in a plan"

    def document(self, study, num, steps):
        quiet = dict(before=False, fresh=False, texts=0)
        return study.document(self.algorithm, num, steps, evaluate=quiet)

    def check(self, study):
        cases, steps = study.facts(CHECK_FACTS), min(CHECK_STEPS, study.options.steps)
        here = study.emend.run("check", self.document(study, len(cases), steps)).values()
        there = {r: study.prepare(cases, r, steps, self.kind) for r in self.goals}
        return "; ".join(f"{r}: {agree_values(cases, here, v)}" for r, v in there.items())

    def sides(self, study):
        num, steps = study.num(self), []

        def here():
            run = study.emend.run(self.name, self.document(study, num, study.options.steps))
            steps[:] = [len(v["log"]) for v in run.values().values()]
            return run.seconds["value"] / num

        def there(reading):
            seconds, taken = study.time_values(self, reading, self.kind)
            return seconds / taken * statistics.mean(steps)

        return dict(emend=here, **{r: lambda r=r: there(r) for r in self.goals})


class Edits:
    """Facts from the loaded model to their scores, at each of `points`: (algorithm, batch size).

    The peer's z, keys and scores of a fact are timed once and counted at each point, as its code
    computes them at each; its update is counted once a batch."""

    unit = "s/fact"

    def __init__(self, name, about, algorithms, sizes, facts, goals):
        self.name, self.about, self.algorithms, self.sizes = name, about, algorithms, sizes
        self.facts, self.goals = facts, goals

    def work(self, study):
        num = study.num(self)
        return self.about.format(facts=num, points=len(self.points(num)))

    def points(self, num):
        sizes = sorted({min(size, num) for size in self.sizes})
        return [(algorithm, size) for algorithm in self.algorithms for size in sizes]

    def document(self, study, num, steps):
        points = self.points(num)
        out = study.document(points[0][0], num, steps)
        out["run"]["batch_size"] = points[0][1]
        if len(points) > 1:
            layers = dict(layers=[study.layer], v_num_grad_steps=steps)
            out["sweep"] = {
                "algorithm": [dict(a, **layers) for a in self.algorithms],
                "run.batch_size": sorted({size for _, size in points}),
            }
        return out

    def runs(self, study, name, num, steps):
        out = study.emend.run(name, self.document(study, num, steps))
        return out if isinstance(out, list) else [out]

    def check(self, study):
        cases, steps = study.facts(CHECK_FACTS), min(CHECK_STEPS, study.options.steps)
        values, out = study.prepare(cases, peer.PLAIN, steps), []
        for run in self.runs(study, "check", len(cases), steps):
            document = run.json("experiment.json")
            size = document["run"]["batch_size"] if document["run"]["mode"] == "batch" else 1
            changes = []
            for i in range(0, len(cases), size):
                part = values[i : i + size]
                changes += [study.change(document["algorithm"], part)] * len(part)
            out.append(agree_scores(cases, run, changes, study))
        return max(out, key=lambda text: float(text.split()[-1]))

    def sides(self, study):
        num, steps = study.num(self), []

        def here():
            runs = self.runs(study, self.name, num, study.options.steps)
            steps[:] = [len(v["log"]) for v in runs[0].values().values()]
            return sum(run.work() for run in runs) / num

        def there():
            points = self.points(num)
            seconds, taken = study.time_values(self, peer.PLAIN)
            score = study.time_scores(self, peer.PLAIN)
            changes = {a["name"]: study.time_change(a) for a in self.algorithms}
            fact = seconds / taken * statistics.mean(steps) + score
            return len(points) * fact + sum(changes[a["name"]] / size for a, size in points)

        return {"emend": here, peer.PLAIN: there}


class Scores:
    """Thirteen prompts and two targets of a case, after an edit of all facts in one batch."""

    name, unit, facts = "evaluation", "s/case", 64
    goals = {peer.PUBLISHED: 5, peer.PLAIN: None}
    steps = 2  # how good the edit is does not matter here

    def work(self, study):
        return f"evaluation of a case, {study.num(self)} cases"

    def check(self, study):
        cases = study.facts(CHECK_FACTS)
        run = study.emend.run("check", study.document(study.memit, len(cases), self.steps))
        values = study.prepare(cases, peer.PLAIN, self.steps)
        change = study.change(study.memit, values)
        return agree_scores(cases, run, [change] * len(cases), study)

    def sides(self, study):
        num = study.num(self)

        def here():
            run = study.emend.run(self.name, study.document(study.memit, num, self.steps))
            return run.seconds["evaluate"] / num

        return dict(emend=here, **{r: lambda r=r: study.time_scores(self, r) for r in self.goals})


class Covariance:
    """The second moment of every layer's keys: one pass for all against a pass for each."""

    name, unit, goals = "covariance", "tokens/s", {peer.PUBLISHED: 20}

    def work(self, study):
        tokens = sum(map(len, study.documents()[1]))
        return f"covariance, {len(study.model.layers)} layers, {tokens} tokens"

    def check(self, study):
        layers = sorted({0, study.layer, len(study.model.layers) - 1})
        path, rows = study.documents()
        out, parts = study.covariance(path, layers), []
        for layer, here in zip(layers, out):
            there = peer.second_moment(study.model, layer, rows)
            parts.append(agree(f"C of layer {layer}", here, there, NO_ROUNDING))
        return ", ".join(parts)

    def sides(self, study):
        path, rows = study.documents()
        tokens, layers = sum(map(len, rows)), range(len(study.model.layers))

        def here():
            document = study.document(study.memit, 1, 1)
            document["algorithm"]["layers"] = list(layers)
            document["covariance"] = dict(corpus=str(path), tokens=study.ALL_TOKENS)
            return tokens / study.emend.run(self.name, document).seconds["covariance"]

        def there():
            moments = lambda: [
                peer.second_moment(study.model, layer, peer.documents(study.model, path))
                for layer in layers
            ]
            return tokens / timed(moments)[1]

        return {"emend": here, peer.PUBLISHED: there}


class Prefill:
    """A prompt's pass to the logits behind its last token."""

    unit = "tokens/s"

    def __init__(self, name, matmul, tokens, goals):
        self.name, self.matmul, self.tokens, self.goals = name, matmul, tokens, goals

    def length(self, study):
        return min(self.tokens, study.model.net.config.max_position_embeddings)

    def work(self, study):
        how = " through shaders" if self.matmul == "shader" else ""
        return f"prefill of {self.length(study)} tokens{how}"

    def ids(self, study, length):
        text = study.subject.corpus.read_text(encoding="utf-8")
        return study.model.ids(text)[:length]

    def targets(self, study, prompt):
        """Four words of the prompt that are a token each, and their ids."""
        words = sorted(set(prompt.split()))
        tokens = {word: study.model.ids(" " + word) for word in words}
        return [(word, ids[0]) for word, ids in tokens.items() if len(ids) == 1][:4]

    def check(self, study):
        prompt = study.model.text(self.ids(study, self.length(study) // 2))
        targets = self.targets(study, prompt)
        options = dict(model=study.subject.model, matmul=self.matmul, prompt=prompt)
        here = study.emend.json("score", **options, target=[word for word, _ in targets])
        log_p = torch.log_softmax(study.prefill(study.model.ids(prompt)), -1)
        there = [-log_p[token] for _, token in targets]
        out = agree("NLL", [x["nll"] for x in here], there, NO_ROUNDING)
        if study.llama:
            out += "; " + study.agree_words(vulkan=self.matmul == "shader")
        return out

    def sides(self, study):
        length = self.length(study)
        ids = self.ids(study, length)

        options = dict(model=study.subject.model, matmul=self.matmul)
        options.update(tokens=length, prompt=length, repeat=1)

        sides = {
            "emend": lambda: study.emend.json("bench", "forward", **options)["rate"],
            "transformers": lambda: length / timed(lambda: study.prefill(ids))[1],
            LLAMA: lambda: study.llama.prefill(length),
            LLAMA_VULKAN: lambda: study.llama.prefill(length, vulkan=True),
        }
        return study.present(sides, self.goals)


class First:
    """Both programs from their start to the first token, and to their end."""

    name, unit, goals = "first", "s", {LLAMA: 1}

    def work(self, study):
        return "load, to the first token"

    def check(self, study):
        return study.agree_words() if study.llama else ""

    def sides(self, study):
        options = dict(model=study.subject.model, prompt=study.PROMPT, length=1)
        sides = {
            "emend": lambda: study.emend.seconds("generate", **options),
            LLAMA: lambda: study.llama.complete(study.PROMPT, 1)[1],
        }
        return study.present(sides, self.goals)


class Ceiling:
    """The time that the live products of z would take at OpenBLAS's rate, measured beside it."""

    name, unit, facts, goals = "ceiling", "s/fact", 64, {"OpenBLAS": 0.6}

    def work(self, study):
        return f"z, {study.num(self)} in a plan, and its live products alone"

    def check(self, study):
        return "the program's own, of a prompt by plain C"

    def sides(self, study):
        num, runs = study.num(self), []

        def bench():
            """One run a turn: the side that is asked first leaves it to the other."""
            if runs:
                return runs.pop()
            document = study.document(study.memit, num, study.options.steps)
            path = study.emend.path(self.name, document)
            study.emend.forget()
            runs.append(study.emend.json("bench", "value", experiment=path, repeat=1))
            return runs[0]

        def products():
            run = bench()
            return run["share"] * run["seconds"] / num

        return dict(emend=lambda: bench()["seconds"] / num, OpenBLAS=products)


class Start:
    """A command from its start to its end, where no peer does the same."""

    unit = "s"

    def __init__(self, name, *command):
        self.name, self.command, self.goals = name, command, {None: 0.02}

    def work(self, study):
        return f"emend {' '.join(self.command)}"

    def check(self, study):
        return ""

    def sides(self, study):
        return dict(emend=lambda: study.emend.seconds(*self.command))


SWEEP = "{points} points: batch sizes x algorithms, the same {facts} facts, to scores"


def all_lines(study):
    ahead = lambda times: {peer.PLAIN: times}
    memit, rome = study.memit, dict(name="rome")
    emmet = dict(name="emmet", w=1, alpha=10)
    return [
        Values("z", "memit", memit, 64, {peer.PUBLISHED: 9, peer.PLAIN: 6.5}),
        Values("rome", "rome", dict(rome, variant="original"), 20, {peer.PUBLISHED: 6}),
        Ceiling(),
        Edits("memit", "MEMIT, one batch of {facts}, to scores", [memit], [64], 64, ahead(6)),
        Edits(
            "single", "{facts} ROME edits, one at a time, to scores", [rome], [1], 100, ahead(5.5)
        ),
        Edits("sweep", SWEEP, [memit, emmet], [1, 4, 16, 64, 256], 256, ahead(30)),
        Scores(),
        Covariance(),
        Prefill("prefill", "auto", 512, {"transformers": 1, LLAMA: 1}),
        Prefill("shader", "shader", 128, {LLAMA_VULKAN: 3}),
        First(),
        Start("help", "help"),
        Start("list", "list", "algorithms"),
    ]
