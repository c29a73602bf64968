"""What an edit is, the plainest way: one prompt at a time, autograd, dense algebra, one precision.

The value z of a fact, its keys and residual, ROME's closed forms, the second moment of the keys and
the likelihood of targets, as the toolkit defines them; nothing is shared, merged or factored."""

import json, pathlib, sys
import torch
from tokenizers import Tokenizer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "world"))
import llama  # noqa: E402

HYPER = dict(v_lr=0.5, steps=25, clamp=4.0, wd=1e-3, kl=0.0625, stop=0.05)
CORPUS_PIECE = 128  # tokens of a document that go through the model at once


class Subject:
    """A model under edit, with its tokenizer."""

    def __init__(self, folder, dtype):
        folder = pathlib.Path(folder)
        self.net = llama.load(folder, dtype)
        self.depth = len(self.net.model.layers)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def ids(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def text(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=False)

    def down(self, layer):
        return self.net.model.layers[layer].mlp.down_proj.weight

    def block_out(self, ids, layer):
        """Output of block `layer` [T, D]."""
        return self.net.blocks(self.net.embed(torch.tensor(ids)), 0, layer + 1)

    def key_and_mlp(self, ids, layer):
        """In block `layer`: the key [T, F] and the MLP's output [T, D]."""
        h = self.net.blocks(self.net.embed(torch.tensor(ids)), 0, layer)
        key, _ = self.net.model.layers[layer].key_and_output(h, *self.net.tables(h))
        return key, key @ self.down(layer).T

    def log_p(self, h):
        return torch.log_softmax(self.net.head(h), -1)


class edited:
    """`with edited(subject, layer, dW):` the weight with dW added; afterwards the old one."""

    def __init__(self, subject, layer, dW):
        self.weight, self.dW = subject.down(layer), dW

    def __enter__(self):
        self.old = self.weight.clone()
        self.weight += self.dW

    def __exit__(self, *error):
        self.weight.copy_(self.old)


# --- facts and their prompts


def fact_of(case):
    r = case["requested_rewrite"]
    return dict(
        prompt=r["prompt"],
        subject=r["subject"],
        new=r["target_new"]["str"],
        true=r["target_true"]["str"],
    )


def place(subject, template, fact):
    """The text of a template's prompt, and the index of the subject's last token in it."""
    before, after = template.replace("{}", fact["prompt"]).split("{}")
    upto = before + fact["subject"]
    return upto + after, len(subject.ids(upto)) - 1


def rewriting_rows(subject, fact, templates):
    """(ids, subject_last) of each prompt with all but the last target token; the target."""
    target, rows = subject.ids(" " + fact["new"]), []
    for template in templates:
        text, last = place(subject, template, fact)
        ids = subject.ids(text + subject.text(target[:-1]))
        assert ids == subject.ids(text) + target[:-1], f"another target behind {text!r}"
        rows.append((ids, last))
    return rows, target


# --- the value


def find_value(subject, fact, layer, templates, hyper=HYPER, of_mlp=False):
    """d, z0 and the terms of the loss before each update. d is added to the output of `layer`;
    of_mlp: z0, the scale of decay and clamp, is the MLP's output instead, as ROME was published."""
    rows, target = rewriting_rows(subject, fact, templates)
    kl_row = (subject.ids(fact["subject"] + " is a"), len(subject.ids(fact["subject"])) - 1)
    below = [subject.block_out(ids, layer) for ids, _ in rows + [kl_row]]
    where = rows[0][1]
    z0 = (subject.key_and_mlp(rows[0][0], layer)[1] if of_mlp else below[0])[where]
    d, first, second = torch.zeros_like(z0), torch.zeros_like(z0), torch.zeros_like(z0)
    p0, log = None, []

    def above(i, last):
        h = below[i].index_add(0, torch.tensor([last]), d[None])
        return subject.net.blocks(h, layer + 1, subject.depth)

    for step in range(1, hyper["steps"] + 1):
        d.requires_grad_(True)
        nll = 0
        for i, (_, last) in enumerate(rows):
            log_p = subject.log_p(above(i, last)[-len(target) :])
            nll = nll - log_p.gather(1, torch.tensor(target)[:, None]).mean() / len(rows)
        q = subject.log_p(above(len(rows), kl_row[1])[kl_row[1]])
        p0 = q.detach() if p0 is None else p0
        kl = hyper["kl"] * (q.exp() * (q - p0)).sum()
        wd = hyper["wd"] * (d.norm() / z0.norm() ** 2 if step > 1 else 0 * d.sum())
        loss = nll + kl + wd
        terms = dict(nll=nll, kl=kl, wd=wd, loss=loss, d=d.norm())
        log.append({k: v.item() for k, v in terms.items()})
        if log[-1]["loss"] < hyper["stop"] or step == hyper["steps"]:
            break
        (g,) = torch.autograd.grad(loss, d)
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
        move = (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
        d = d.detach() - hyper["v_lr"] * move
        limit = hyper["clamp"] * z0.norm()
        d = d * (limit / d.norm()) if d.norm() > limit else d
    d = d.detach()
    rows.append(kl_row)
    return dict(
        d=d,
        z=z0 + d,
        z0=z0,
        log=log,
        target=target,
        rows=[ids for ids, _ in rows],
        subject_last=[last for _, last in rows],
    )


def keys(subject, fact, layer, templates):
    """The key of each template's prompt [templates, F]."""
    places = [place(subject, t, fact) for t in templates]
    return torch.stack(
        [subject.key_and_mlp(subject.ids(text), layer)[0][last] for text, last in places]
    )


def prepare(subject, fact, layer, templates, hyper=HYPER):
    """The value with the averaged key, the bare prompt's key and the residual."""
    out, k = find_value(subject, fact, layer, templates, hyper), keys(
        subject, fact, layer, templates
    )
    text, last = place(subject, "{}", fact)
    bare = subject.block_out(subject.ids(text), layer)[last]
    return dict(out, key=(k[0] + k[1:].mean(0)) / 2, key_bare=k[0], residual=out["z"] - bare)


# --- closed forms


def rome(C, key, residual):
    """dW = r (C^-1 k)^T / (k^T C^-1 k)"""
    u = torch.linalg.solve(C, key)
    return torch.outer(residual, u) / (key @ u)


def rome_original(C, W, value, key_mean, key_bare):
    """dW = (v - W k_p) u^T / (u^T k_p), u = C^-1 k_mean"""
    u = torch.linalg.solve(C, key_mean)
    return torch.outer(value - W @ key_bare, u) / (key_bare @ u)


# --- the second moment


def corpus_pieces(subject, path, tokens):
    """Ids of the corpus, each paragraph alone, in pieces of CORPUS_PIECE; `tokens` in all."""
    pieces, left = [], tokens
    for paragraph in pathlib.Path(path).read_text().split("\n\n"):
        ids = subject.ids(paragraph.strip())
        for i in range(0, len(ids), CORPUS_PIECE):
            piece = ids[i : i + min(CORPUS_PIECE, left)]
            pieces.append(piece)
            left -= len(piece)
            if left == 0:
                return pieces
    raise SystemExit(f"{path} has {tokens - left} tokens, {tokens} are needed")


def second_moment(subject, layer, pieces):
    """C = sum of k k^T / tokens [F, F], float64."""
    C = 0
    for ids in pieces:
        k = subject.key_and_mlp(ids, layer)[0].double()
        C = C + k.T @ k
    return C / sum(map(len, pieces))


# --- likelihoods


def likelihood(subject, prompt, target):
    """Mean of -ln p over the target's tokens, and whether each of them is the arg-max."""
    p, t = subject.ids(prompt), subject.ids(" " + target)
    log_p = torch.log_softmax(subject.net(torch.tensor(p + t))[len(p) - 1 : -1], -1)
    nll = -log_p.gather(1, torch.tensor(t)[:, None]).mean().item()
    return nll, log_p.argmax(-1).tolist() == t


def score(subject, case):
    """NLLs of both targets for each prompt of a case; `correct`: who should win is the arg-max."""
    f = fact_of(case)
    groups = dict(
        rewrite=[f["prompt"].replace("{}", f["subject"])],
        paraphrase=case["paraphrase_prompts"],
        neighbourhood=case["neighborhood_prompts"],
    )
    out = dict(case_id=case["case_id"])
    for name, prompts in groups.items():
        pairs = [
            (likelihood(subject, p, f["new"]), likelihood(subject, p, f["true"])) for p in prompts
        ]
        out[name] = dict(
            new=[a[0] for a, _ in pairs],
            true=[b[0] for _, b in pairs],
            correct=[(b if name == "neighbourhood" else a)[1] for a, b in pairs],
        )
    return out


def summary(scores):
    """ES, PS, NS: mean over a case's prompts, then over cases, x100."""
    out = {}
    for letter, group, sign in (
        ("ES", "rewrite", 1),
        ("PS", "paraphrase", 1),
        ("NS", "neighbourhood", -1),
    ):
        shares = [
            sum(sign * (t - n) > 0 for n, t in zip(s[group]["new"], s[group]["true"]))
            / len(s[group]["new"])
            for s in scores
        ]
        out[letter] = round(100 * sum(shares) / len(shares), 2)
    return out


def cases_of(folder):
    return json.loads((pathlib.Path(folder) / "facts.json").read_text())
