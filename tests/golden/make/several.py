"""Batches of facts: MEMIT and EMMET in one layer and in several, AlphaEdit and ROME in sequence.

As plain as editing.py: dense formulas, every key and residual measured on the model as it stands."""

import contextlib
import torch
import editing

LAYERS = [0, 1, 2]
LAMBDA, ALPHA, L2 = 20.0, 10.0, 0.2
SHARE, THRESHOLD = 0.5, 2e-2  # AlphaEdit's two ways to choose directions

# --- closed forms; K [F, n], R [D, n]


def right_divide(a, b):
    """a b^-1"""
    return torch.linalg.solve(b.T, a.T).T


def memit(C, K, R, lam):
    """dW = R K^T (lambda C + K K^T)^-1"""
    return right_divide(R @ K.T, lam * C + K @ K.T)


def emmet(C, K, R, alpha):
    """dW = R (K^T C^-1 K + alpha I)^-1 K^T C^-1"""
    Q = torch.linalg.solve(C, K).T
    return right_divide(R, Q @ K + alpha * torch.eye(K.shape[1], dtype=K.dtype)) @ Q


def projector(C, how):
    """P onto the half of C's eigenvectors with the smallest eigenvalues, or those below 2e-2."""
    values, U = torch.linalg.eigh(C)
    U = U[:, : int(SHARE * len(C))] if how == "share" else U[:, values < THRESHOLD]
    return U @ U.T, U.shape[1]


def alphaedit(P, K, R, K0, l2):
    """dW^T = (P (K K^T + K0 K0^T) + L2 I)^-1 P K R^T"""
    A = P @ (K @ K.T + K0 @ K0.T) + l2 * torch.eye(len(P), dtype=P.dtype)
    return torch.linalg.solve(A, P @ K @ R.T).T


# --- batches


class Batches:
    def __init__(self, subject, cases, templates, hyper, corpus):
        self.subject, self.cases, self.templates = subject, cases, templates
        self.ids = [c["case_id"] for c in cases]
        self.facts = [editing.fact_of(c) for c in cases]
        self.hyper, self.corpus, self.moments = hyper, corpus, {}
        self.tensors = {}

    @torch.no_grad()
    def moment(self, layer):
        if layer not in self.moments:  # of the unedited model: asked for before the first edit
            self.moments[layer] = editing.second_moment(self.subject, layer, self.corpus)
        return self.moments[layer]

    @torch.no_grad()
    def keys(self, facts, layer):
        """Averaged keys [F, n]."""
        all = [editing.keys(self.subject, f, layer, self.templates) for f in facts]
        return torch.stack([(k[0] + k[1:].mean(0)) / 2 for k in all], 1)

    @torch.no_grad()
    def bare(self, facts, layer):
        """What the bare prompts give [D, n]."""
        places = [editing.place(self.subject, "{}", f) for f in facts]
        outs = [self.subject.block_out(self.subject.ids(t), layer)[i] for t, i in places]
        return torch.stack(outs, 1)

    def values(self, facts, layer):
        found = [
            editing.find_value(self.subject, f, layer, self.templates, self.hyper) for f in facts
        ]
        return torch.stack([v["z"] for v in found], 1), [v["log"] for v in found]

    @torch.no_grad()
    def score(self, cases):
        scores = [editing.score(self.subject, c) for c in cases]
        return dict(metrics=editing.summary(scores), scores=scores)

    def insert(self, held, facts, Z, layers, solve, name, probes):
        """Layer by layer: keys, what is left of z, the update, which stays until `held` ends."""
        norms = []
        for i, layer in enumerate(layers):
            K = self.keys(facts, layer)
            R = (Z - self.bare(facts, layers[-1])) / (len(layers) - i)
            dW = solve(layer, K, R)
            held.enter_context(torch.no_grad())
            held.enter_context(editing.edited(self.subject, layer, dW))
            self.tensors[f"{name}.dW.{layer}"] = probes(dW)
            norms.append(dict(layer=layer, K=norm(K), R=norm(R), dW=norm(dW)))
        return dict(layers=norms)


def norm(x):
    return x.norm().item()


def write_layers(b, probes):
    """MEMIT and EMMET of all facts over several layers, from z at the last."""
    out, last = {}, LAYERS[-1]
    Z, logs = b.values(b.facts, last)
    Z = Z.float().double()  # as the file holds it
    out["z"] = dict(
        layer=last,
        facts=[dict(case_id=i, z=norm(z), log=log) for i, z, log in zip(b.ids, Z.T, logs)],
    )
    b.tensors.update({f"z{last}.{i}": z for i, z in zip(b.ids, Z.T)})
    out["moments"] = [dict(layer=layer, trace=b.moment(layer).trace().item()) for layer in LAYERS]
    forms = {
        f"memit.{LAMBDA:g}": lambda layer, K, R: memit(b.moment(layer), K, R, LAMBDA),
        f"emmet.{ALPHA:g}": lambda layer, K, R: emmet(b.moment(layer), K, R, ALPHA),
    }
    for name, form in forms.items():
        name += "." + "".join(map(str, LAYERS))
        with contextlib.ExitStack() as held:
            out[name] = b.insert(held, b.facts, Z, LAYERS, form, name, probes)
            out[name].update(b.score(b.cases))
        print(name, [x["dW"] for x in out[name]["layers"]], out[name]["metrics"])
    return out, logs


def write_alphaedit(b, layers, how, probes):
    """Two batches, one after the other; the second's z on the model that holds the first."""
    name, half = f"alphaedit.{''.join(map(str, layers))}.{how}", len(b.facts) // 2
    P = {layer: projector(b.moment(layer), how) for layer in layers}
    K0 = {layer: torch.zeros(len(P[layer][0]), 0, dtype=torch.float64) for layer in layers}
    batches, logs = [], []
    with contextlib.ExitStack() as held:
        for i in (0, 1):
            facts, ids = b.facts[i * half :][:half], b.ids[i * half :][:half]
            with torch.enable_grad():
                Z, log = b.values(facts, layers[-1])
            logs += log
            Z = Z.float().double()
            b.tensors.update({f"{name}.z.{id}": z for id, z in zip(ids, Z.T)} if i else {})

            def solve(layer, K, R):
                return alphaedit(P[layer][0], K, R, K0[layer], L2)

            info = b.insert(held, facts, Z, layers, solve, f"{name}.{i}", probes)
            for layer in layers:  # this batch's keys, now that all layers hold it
                K0[layer] = torch.cat([K0[layer], b.keys(facts, layer)], 1)
            info.update(K0_after=[norm(K0[layer]) for layer in layers])
            batches.append(dict(info, **b.score(b.cases[: (i + 1) * half])))
            print(name, i, [x["dW"] for x in info["layers"]], batches[-1]["metrics"])
    return {name: dict(l2=L2, null=[P[layer][1] for layer in layers], batches=batches)}, logs


def write_sequence(b, layer, C):
    """ROME, fact after fact, everything measured on the model as edited so far; the sum of dW."""
    steps, total = [], torch.zeros_like(b.subject.down(layer))
    with contextlib.ExitStack() as held:
        for i, f in zip(b.ids, b.facts):
            with torch.enable_grad():
                Z, logs = b.values([f], layer)
            key, residual = b.keys([f], layer)[:, 0], (Z - b.bare([f], layer))[:, 0]
            dW = editing.rome(C, key, residual)
            held.enter_context(torch.no_grad())
            held.enter_context(editing.edited(b.subject, layer, dW))
            total = total + dW
            steps.append(dict(case_id=i, log=logs[0], norm=norm(dW)))
        return total, steps, b.score(b.cases)
