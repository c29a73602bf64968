"""The peer: editing in PyTorch with transformers, one fact at a time, as studies are run today.

Two readings of the same arithmetic. "published" does what the published codes do: all tokens with
a padding mask through all layers in every step, logits of every token, and (MEMIT) those once more
for the loss. "plain" does the same steps, but takes logits only where a loss or a score reads
them."""

import contextlib
import json
import pathlib

import torch

HYPER = dict(lr=0.5, steps=25, clamp=4.0, decay=1e-3, kl=0.0625, stop=0.05)
PUBLISHED, PLAIN = "published", "plain"
DOUBLE = torch.float64


class Stop(Exception):
    """Ends a forward pass behind the layer that was asked for."""


def tensor_of(output):
    return output[0] if isinstance(output, tuple) else output


def with_tensor(output, tensor):
    return (tensor, *output[1:]) if isinstance(output, tuple) else tensor


@contextlib.contextmanager
def hooked(module, function):
    handle = module.register_forward_hook(function)
    try:
        yield
    finally:
        handle.remove()


# --- the model


def gguf_tokenizer(path):
    """The byte-level BPE of a GGUF file whose pre-tokenizer sets digits apart."""
    from gguf import GGUFReader
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    fields = GGUFReader(path).fields
    value = lambda name: fields["tokenizer.ggml." + name].contents()
    if (value("model"), value("pre")) != ("gpt2", "smollm"):
        raise SystemExit(f"{path}: a tokenizer that this peer does not know")
    words, control = value("tokens"), 3
    vocabulary = {word: i for i, word in enumerate(words)}
    merges = [tuple(pair.split(" ")) for pair in value("merges")]
    out = Tokenizer(models.BPE(vocabulary, merges))
    split = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    out.pre_tokenizer, out.decoder = pre_tokenizers.Sequence(split), decoders.ByteLevel()
    special = [word for word, kind in zip(words, value("token_type")) if kind == control]
    out.add_special_tokens([AddedToken(word, normalized=False) for word in special])
    return out


class Model:
    """A model in float32 with its tokenizer, from a GGUF file or a Hugging Face folder."""

    def __init__(self, path):
        from tokenizers import Tokenizer
        from transformers import AutoModelForCausalLM, logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        path = pathlib.Path(path)
        if path.is_dir():
            net = AutoModelForCausalLM.from_pretrained(path)
            self.tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        else:
            net = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name)
            self.tokenizer = gguf_tokenizer(path)
        torch.nn.Module.float(net)  # the model's own refuses one that was in a GGUF file
        self.net = net.eval().requires_grad_(False)
        self.layers = self.net.model.layers

    def ids(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def text(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=False)

    def inputs(self, rows, mask=False):
        """Rows of ids, filled at the right; attention is causal, so that a mask changes nothing."""
        wide = max(map(len, rows))
        out = dict(
            input_ids=torch.tensor([r + [0] * (wide - len(r)) for r in rows]), use_cache=False
        )
        if mask:
            out["attention_mask"] = torch.tensor(
                [[1] * len(r) + [0] * (wide - len(r)) for r in rows]
            )
        return out

    def hidden(self, rows):
        """Outputs of the last block behind the final norm [rows, tokens, D]."""
        return self.net.model(**self.inputs(rows)).last_hidden_state

    def logits(self, rows, mask=True):
        """Of every token [rows, tokens, V]."""
        return self.net(**self.inputs(rows, mask)).logits

    def down(self, layer):
        return self.layers[layer].mlp.down_proj

    @torch.no_grad()
    def keys_and_outputs(self, rows, layer, mask=False):
        """What the layer's down-projection reads [rows, tokens, F], and the block's output."""
        seen = {}

        def stop(_, __, output):
            seen["output"] = tensor_of(output)
            raise Stop

        read = lambda _, inputs, __: seen.update(key=inputs[0])
        with hooked(self.down(layer), read), hooked(self.layers[layer], stop):
            with contextlib.suppress(Stop):
                self.net.model(**self.inputs(rows, mask))
        return seen["key"], seen["output"]

    @contextlib.contextmanager
    def edited(self, layer, change):
        """The weight with `change` added; afterwards the old one."""
        weight = self.down(layer).weight
        old = weight.detach().clone()
        weight.data += change.to(weight.dtype)
        try:
            yield
        finally:
            weight.data.copy_(old)


# --- facts


def load_facts(path, num):
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))[:num]


def parts(case):
    """Prompt, subject and the two targets of a record of CounterFact."""
    r = case["requested_rewrite"]
    return r["prompt"], r["subject"], r["target_new"]["str"], r["target_true"]["str"]


class Rows:
    """The prompts of a fact's search: one for each template with all but the last target token,
    then "{} is a"; for each the subject's last token."""

    def __init__(self, m, case, templates):
        prompt, subject, target, _ = parts(case)
        self.target = m.ids(" " + target)
        self.bare, self.ids, self.last = [], [], []
        for template in templates:
            before, after = template.replace("{}", prompt).split("{}")
            bare = m.ids(before + subject + after)
            self.bare.append(bare)
            self.ids.append(bare + self.target[:-1])
            self.last.append(len(m.ids(before + subject)) - 1)
        self.num = len(self.ids)
        self.ids.append(m.ids(subject + " is a"))
        self.last.append(len(m.ids(subject)) - 1)

    def labels(self):
        """Row, position and id of each label."""
        t = len(self.target)
        where = [(i, len(self.ids[i]) - t + j) for i in range(self.num) for j in range(t)]
        return (
            torch.tensor([i for i, _ in where]),
            torch.tensor([p for _, p in where]),
            torch.tensor(self.target * self.num),
        )


# --- the value z of a fact


class Search:
    """Gradient descent for d, added at the subject's last token to what `module` puts out."""

    def __init__(self, m, case, layer, templates, reading, of_mlp):
        self.m, self.reading, self.of_mlp = m, reading, of_mlp
        self.rows = Rows(m, case, templates)
        self.module = m.layers[layer].mlp if of_mlp else m.layers[layer]
        self.every, self.last = torch.arange(self.rows.num + 1), torch.tensor(self.rows.last)
        self.d = torch.zeros(m.net.config.hidden_size, requires_grad=True)
        self.z0 = None

    def add(self, _, __, output):
        h = tensor_of(output)
        if self.z0 is None:
            self.z0 = h[0, self.last[0]].detach().clone()
        add = self.d.expand(len(self.last), -1)
        return with_tensor(output, h.index_put((self.every, self.last), add, accumulate=True))

    def log_p(self):
        """Log-probabilities at the labels [labels, V] and behind "{} is a" [V]."""
        m, n = self.m, self.rows.num
        row, position, _ = self.rows.labels()
        if self.reading == PLAIN:
            h = m.hidden(self.rows.ids)
            pick = torch.cat([h[row, position], h[n, self.last[n]][None]])
            log_p = torch.log_softmax(m.net.lm_head(pick), -1)
            return log_p[:-1], log_p[-1]
        seen = {}
        keep = lambda _, __, output: seen.update(h=tensor_of(output))
        with hooked(m.layers[-1], keep):
            logits = m.logits(self.rows.ids)
        kl = torch.log_softmax(logits[n, self.last[n]], -1)
        if not self.of_mlp:  # MEMIT's code reads the loss from the last block again
            logits = m.net.lm_head(m.net.model.norm(seen["h"][:n]))
        return torch.log_softmax(logits, -1)[row, position], kl

    def loss(self, reference):
        labels = self.rows.labels()[2]
        with hooked(self.module, self.add):
            log_p, log_q = self.log_p()
        nll = -log_p[torch.arange(len(labels)), labels].mean()
        reference = log_q.detach() if reference is None else reference
        kl = HYPER["kl"] * (log_q.exp() * (log_q - reference)).sum()
        decay = HYPER["decay"] * self.d.norm() / self.z0.norm() ** 2
        return nll + kl + decay, nll, reference

    def run(self, steps):
        adam, reference, log = torch.optim.Adam([self.d], lr=HYPER["lr"]), None, []
        for step in range(steps):
            adam.zero_grad()
            loss, nll, reference = self.loss(reference)
            log.append((nll.item(), loss.item()))
            if loss.item() < HYPER["stop"] or step == steps - 1:
                break
            loss.backward()
            adam.step()
            with torch.no_grad():
                most = HYPER["clamp"] * self.z0.norm()
                if self.d.norm() > most:
                    self.d *= most / self.d.norm()
        return (self.z0 + self.d).detach(), log


def prepare(m, case, layer, templates, reading, steps=HYPER["steps"], of_mlp=False):
    """z, its log of (NLL, loss), the averaged key and the residual of a fact."""
    z, log = (search := Search(m, case, layer, templates, reading, of_mlp)).run(steps)
    rows = search.rows
    key, output = m.keys_and_outputs(rows.bare, layer)
    key = key[torch.arange(rows.num), search.last[:-1]]
    average = key.mean(0) if of_mlp else 0.5 * key[0] + 0.5 * key[1:].mean(0)
    return dict(z=z, log=log, key=average, residual=z - output[0, rows.last[0]])


# --- closed forms, dense and in float64


def change_of(algorithm, C, factor, K, R):
    """dW [D, F] of keys K [F, n] and residuals R [D, n]; `factor` is Cholesky's of C."""
    K, R = K.to(DOUBLE), R.to(DOUBLE)
    if algorithm["name"] == "memit":
        return R @ torch.linalg.solve(algorithm["lambda"] * C + K @ K.T, K).T
    Q = torch.cholesky_solve(K, factor)
    G = K.T @ Q
    if algorithm["name"] == "emmet" and K.shape[1] > 1:
        G = G + algorithm["alpha"] * torch.eye(K.shape[1], dtype=DOUBLE)
    return R @ torch.linalg.solve(G, Q.T)


# --- scores


@torch.no_grad()
def evaluate(m, case, reading):
    """NLL of both targets behind each of the case's prompts, all in one batch [prompts, 2]."""
    prompt, subject, new, true = parts(case)
    prompts = [prompt.replace("{}", subject)]
    prompts += case["paraphrase_prompts"] + case["neighborhood_prompts"]
    pairs = [(m.ids(p), m.ids(" " + t)) for p in prompts for t in (new, true)]
    ids = [p + t for p, t in pairs]
    where = [(i, len(p) + j - 1, x) for i, (p, t) in enumerate(pairs) for j, x in enumerate(t)]
    row, position, label = (torch.tensor(x) for x in zip(*where))
    if reading == PLAIN:
        logits = m.net.lm_head(m.hidden(ids)[row, position])
    else:
        logits = m.logits(ids)[row, position]
    nll = -torch.log_softmax(logits, -1)[torch.arange(len(label)), label]
    return torch.stack([nll[row == i].mean() for i in range(len(ids))]).view(-1, 2)


# --- the second moment of a layer's keys


def documents(m, path, longest=128):
    """Paragraphs of a text file as rows of at most `longest` ids."""
    rows = []
    for paragraph in pathlib.Path(path).read_text(encoding="utf-8").split("\n\n"):
        ids = m.ids(paragraph.strip())
        rows += [ids[i : i + longest] for i in range(0, len(ids), longest)]
    return rows


def second_moment(m, layer, rows, batch=32):
    """sum of k k^T / tokens [F, F], a pass of its own up to the layer; shortest rows first."""
    rows, C, tokens = sorted(rows, key=len), 0, 0
    for i in range(0, len(rows), batch):
        part = rows[i : i + batch]
        key, _ = m.keys_and_outputs(part, layer, mask=True)
        K = torch.cat([key[j, : len(r)] for j, r in enumerate(part)])
        C, tokens = C + K.T @ K, tokens + len(K)
    return C / tokens
