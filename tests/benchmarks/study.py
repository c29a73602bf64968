"""What the lines of the comparison share: the subject, both programs, and what "the same" means."""

import time

import torch

import ours
import torch_peer as peer

CHANGE_FACTS = 4

# Two float32 programs that sum in another order: absolute in nats, or relative to the largest.
LOSS, VALUE, KEY, SCORE = 2e-3, 5e-4, 1e-4, 1e-2


class Disagreement(Exception):
    """Both sides computed something else, so that their times mean nothing."""


def timed(function):
    begun = time.perf_counter()
    out = function()
    return out, time.perf_counter() - begun


class Study:
    """What the lines share: the subject, both programs, templates, covariance and settings."""

    ALL_TOKENS = 2**31 - 1
    PROMPT = "The capital of France is"

    def __init__(self, options, subject, emend, llama):
        self.options, self.subject, self.emend, self.llama = options, subject, emend, llama
        self.parts = {}

    def once(self, name, make):
        if name not in self.parts:
            self.parts[name] = make()
        return self.parts[name]

    @property
    def model(self):
        return self.once("model", lambda: peer.Model(self.subject.model))

    @property
    def memit(self):
        return {"name": "memit", "lambda": self.subject.memit_lambda}

    @property
    def layer(self):
        return self.subject.layer

    def facts(self, num):
        return peer.load_facts(self.subject.data, num)

    def peer_facts(self, line):
        return self.facts(min(self.options.peer_facts, self.num(line)))

    def time_values(self, line, reading, kind="memit"):
        """Seconds of the peer for z and keys of its facts, and the steps that it took in all."""
        facts = self.peer_facts(line)
        values, seconds = timed(lambda: self.prepare(facts, reading, self.options.steps, kind))
        return seconds, sum(len(v["log"]) for v in values)

    def time_scores(self, line, reading):
        """Seconds of the peer for the evaluation of a case."""
        facts = self.peer_facts(line)
        return timed(lambda: [peer.evaluate(self.model, f, reading) for f in facts])[1] / len(
            facts
        )

    def time_change(self, algorithm):
        """Seconds of the peer for the update of a batch; its size matters little."""
        values = self.once("some", lambda: self.prepare(self.facts(CHANGE_FACTS), peer.PLAIN, 1))
        return timed(lambda: self.change(algorithm, values))[1]

    def change(self, algorithm, values):
        _, C, factor = self.moment()
        K, R = (torch.stack([v[name] for v in values], 1) for name in ("key", "residual"))
        return peer.change_of(algorithm, C, factor, K, R)

    @torch.no_grad()
    def prefill(self, ids):
        """The logits behind the last of the tokens."""
        return self.model.net.lm_head(self.model.hidden([ids])[0, -1])

    def present(self, sides, goals):
        """Ours, and those peers of a line that are here."""
        absent = () if self.llama else [name for name in sides if name.startswith("llama.cpp")]
        return {n: s for n, s in sides.items() if n == "emend" or n in goals and n not in absent}

    def agree_words(self, vulkan=False, tokens=12):
        """llama.cpp tells no likelihoods, so it has to go on with the same words."""
        options = dict(model=self.subject.model, prompt=self.PROMPT, length=tokens)
        here = self.emend.json("generate", **options)[0]["text"].split()
        there = self.llama.complete(self.PROMPT, tokens, vulkan)[0].split()
        if here[: len(there)] != there and there[: len(here)] != here:
            raise Disagreement(f"llama.cpp goes on with {there}, emend with {here}")
        return f"{min(len(here), len(there))} words of llama.cpp's"

    def num(self, line):
        return min(self.options.facts or line.facts, len(self.facts(None)))

    def templates(self):
        """Both sets of texts, written once by the model itself; both sides take them from there."""
        return self.once("templates", self.write_templates)

    def write_templates(self):
        texts = {}
        for algorithm in (dict(name="memit"), dict(name="rome", variant="original")):
            document = self.document(algorithm, 1, 1, templates={})
            texts.update(self.emend.run("templates", document).json("templates.json"))
        self.emend.path("texts", texts)
        return texts

    def moment(self):
        """(file, C, Cholesky's factor) of the edited layer, measured by emend; line `covariance`
        compares it with the peer's."""
        return self.once("moment", self.measure)

    def measure(self):
        C = self.covariance(self.documents()[0], [self.layer])[0]
        path = self.emend.work / "covariance" / f"covariance-{self.layer}.safetensors"
        path = path.rename(self.emend.work / path.name)
        return path, C, torch.linalg.cholesky(C)

    def covariance(self, corpus, layers):
        """C [F, F] of each layer over all of a corpus, by emend."""
        self.emend.forget()
        out = self.emend.work / "covariance"
        model, numbers = self.subject.model, ",".join(map(str, layers))
        options = dict(model=model, corpus=corpus, layers=numbers, tokens=self.ALL_TOKENS, out=out)
        self.emend.call("covariance", "--quiet", **options)
        moments = []
        for layer in layers:
            C = ours.read_safetensors(out / f"covariance-{layer}.safetensors")["C"]
            moments.append(torch.tensor(C, dtype=peer.DOUBLE).view(int(len(C) ** 0.5), -1))
        return moments

    def documents(self):
        """The first paragraphs of the corpus that hold so many tokens, as a file and as rows of
        ids. Both sides take all of them, as emend draws its documents at random."""
        return self.once("documents", self.choose_documents)

    def choose_documents(self):
        text = self.subject.corpus.read_text(encoding="utf-8")
        chosen, left = [], self.options.tokens
        for paragraph in text.split("\n\n"):
            chosen.append(paragraph)
            left -= len(self.model.ids(paragraph.strip()))
            if left <= 0:
                break
        path = self.emend.work / "corpus.txt"
        path.write_text("\n\n".join(chosen), encoding="utf-8")
        return path, peer.documents(self.model, path)

    def document(self, algorithm, num, steps, **more):
        """An experiment: `num` facts in one batch, scored after the edit alone."""
        out = dict(
            model=str(self.subject.model),
            data=dict(path=str(self.subject.data), count=num),
            covariance={"import": {str(self.layer): str(self.moment()[0])}},
            algorithm=dict(algorithm, layers=[self.layer], v_num_grad_steps=steps),
            run=dict(mode="single" if algorithm["name"] == "rome" else "batch", batch_size=0),
            evaluate=dict(before=False, texts=0),
            export=dict(values=True),
        )
        out.update(more)
        if "templates" not in out:
            self.templates()
            out["templates"] = dict(path=str(self.emend.work / "texts.json"))
        return out

    def prepare(self, facts, reading, steps, kind="memit"):
        of_mlp = kind == "rome"
        return [
            peer.prepare(
                self.model, case, self.layer, self.templates()[kind], reading, steps, of_mlp
            )
            for case in facts
        ]


# --- what is compared before anything is timed


def judge(what, error, tolerance):
    """The error as text; too large a one, or none that is a number, ends the line."""
    if not error <= tolerance:
        raise Disagreement(f"{what}: {error:.1e} apart, more than {tolerance:.0e}")
    return f"{what} {error:.0e}"


def furthest(here, there):
    """The largest absolute difference, and the largest value there."""
    here, there = (torch.as_tensor(x, dtype=torch.float64).flatten() for x in (here, there))
    if here.shape != there.shape:
        raise Disagreement(f"{len(here)} numbers here, {len(there)} there")
    return float((here - there).abs().max()), float(there.abs().max())


def agree(what, here, there, tolerance):
    """To a tolerance relative to the largest value."""
    error, largest = furthest(here, there)
    return judge(what, error / largest, tolerance)


def agree_values(cases, here, there):
    """z, keys and the loss of every step. A step more or less is no difference where the loss that
    decides is at the limit to rounding; z is then that of another step, and left out."""
    worst = dict(loss=[0.0], z=[0.0], key=[0.0])
    for case, b in zip(cases, there):
        a = here[case["case_id"]]
        common = min(len(a["log"]), len(b["log"]))
        losses = [[loss for _, loss in log[:common]] for log in (a["log"], b["log"])]
        worst["loss"].append(furthest(*losses)[0])
        for name in ("z", "key"):
            if name == "key" or len(a["log"]) == len(b["log"]):
                error, largest = furthest(a[name], b[name])
                worst[name].append(error / largest)
        if len(a["log"]) != len(b["log"]):
            name = (
                f"{len(a['log'])} and {len(b['log'])} steps of case {case['case_id']}: last loss"
            )
            judge(name, abs(losses[0][-1] - peer.HYPER["stop"]), LOSS)
    tolerances = dict(loss=LOSS, z=VALUE, key=KEY)
    return ", ".join(judge(what, max_of(x), tolerances[what]) for what, x in worst.items())


def max_of(errors):
    """Not a number where one of them is not."""
    return float(torch.tensor(errors).max())


def agree_scores(cases, run, changes, study):
    """The NLLs of each case with its batch's change inserted, in both readings."""
    errors, scores = [], run.cases()
    for case, change in zip(cases, changes):
        with study.model.edited(study.layer, change):
            for reading in (peer.PUBLISHED, peer.PLAIN):
                there = peer.evaluate(study.model, case, reading)
                errors.append(furthest(scores[case["case_id"]], there)[0])
    return judge("NLL", max_of(errors), SCORE)
