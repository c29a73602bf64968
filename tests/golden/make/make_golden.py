#!/usr/bin/env python3
"""Makes the golden values in the folder above this one. See ../README.md.

python3 make_golden.py [tiny] [templates] [world]      needs torch, safetensors, tokenizers"""

import json, pathlib, random, sys
import torch
from safetensors.torch import save_file
import editing
import llama
import several

HERE = pathlib.Path(__file__).resolve().parent.parent
WORLD = HERE.parent / "world"
SEED = 1729
LENGTHS = (1, 7, 40, 150)
SITES = ("block_in", "attn_out", "mlp_key", "mlp_out", "block_out")

# --- files


def rounded(x):
    if isinstance(x, float):
        return float(f"{x:.9g}")
    if isinstance(x, dict):
        return {k: rounded(v) for k, v in x.items()}
    return [rounded(v) for v in x] if isinstance(x, (list, tuple)) else x


def write_json(path, value):
    path.write_text(json.dumps(rounded(value), separators=(",", ":")) + "\n")


def write_tensors(path, tensors):
    save_file(
        {k: (v if v.dtype == torch.int32 else v.float()).contiguous() for k, v in tensors.items()},
        path,
    )


def fixed_vector(i, n):
    """v_i[j] = cos(0.1 i (j + 1))"""
    return torch.cos(0.1 * i * torch.arange(1, n + 1, dtype=torch.float64))


def times_fixed(A):
    """Rows A v_i, i = 1 .. 4."""
    return torch.stack([A @ fixed_vector(i, A.shape[1]) for i in (1, 2, 3, 4)])


# --- random models


TINY = {
    "tiny-mha": dict(  # as Llama 2
        vocab_size=101,
        hidden_size=32,
        intermediate_size=60,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        rms_norm_eps=1e-6,
        rope_theta=10000.0,
        tie_word_embeddings=False,
        torch_dtype="float32",
    ),
    "tiny-gqa-llama3": dict(  # as Llama 3.1
        vocab_size=131,
        hidden_size=48,
        intermediate_size=84,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=2,
        rms_norm_eps=1e-5,
        rope_theta=500000.0,
        tie_word_embeddings=False,
        rope_scaling=dict(
            rope_type="llama3",
            factor=8.0,
            low_freq_factor=1.0,
            high_freq_factor=4.0,
            original_max_position_embeddings=64,
        ),
        torch_dtype="bfloat16",
    ),
    "tiny-tied": dict(  # a head width that is not D/H, nothing a multiple of four
        vocab_size=259,
        hidden_size=34,
        intermediate_size=66,
        num_hidden_layers=2,
        num_attention_heads=3,
        num_key_value_heads=1,
        head_dim=10,
        rms_norm_eps=1e-5,
        rope_theta=10000.0,
        tie_word_embeddings=True,
        torch_dtype="float32",
    ),
    "tiny-linear": dict(  # positions stretched, three blocks, half precision
        vocab_size=97,
        hidden_size=24,
        intermediate_size=44,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
        rms_norm_eps=1e-5,
        rope_theta=10000.0,
        tie_word_embeddings=False,
        rope_scaling=dict(rope_type="linear", factor=4.0),
        torch_dtype="float16",
    ),
    "tiny-llama32": dict(  # as Llama 3.2: tied, and stretched by frequency
        vocab_size=89,
        hidden_size=24,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=3,
        num_key_value_heads=1,
        head_dim=8,
        rms_norm_eps=1e-5,
        rope_theta=500000.0,
        tie_word_embeddings=True,
        rope_scaling=dict(
            rope_type="llama3",
            factor=32.0,
            low_freq_factor=1.0,
            high_freq_factor=4.0,
            original_max_position_embeddings=64,
        ),
        torch_dtype="bfloat16",
    ),
    "tiny-biases": dict(  # Llama with every bias that its configuration knows
        vocab_size=67,
        hidden_size=20,
        intermediate_size=36,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        attention_bias=True,
        mlp_bias=True,
        rms_norm_eps=1e-5,
        rope_theta=10000.0,
        tie_word_embeddings=False,
        torch_dtype="float32",
    ),
    "tiny-qwen2": dict(  # as Qwen2.5-7B: a head of its own
        architectures=["Qwen2ForCausalLM"],
        model_type="qwen2",
        vocab_size=83,
        hidden_size=24,
        intermediate_size=44,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        rms_norm_eps=1e-6,
        rope_theta=1000000.0,
        use_sliding_window=False,
        sliding_window=32,
        max_window_layers=1,
        tie_word_embeddings=False,
        torch_dtype="bfloat16",
    ),
    "tiny-qwen2-tied": dict(  # as Qwen2.5-0.5B; widths that are no multiples of four
        architectures=["Qwen2ForCausalLM"],
        model_type="qwen2",
        vocab_size=71,
        hidden_size=30,
        intermediate_size=38,
        num_hidden_layers=2,
        num_attention_heads=3,
        num_key_value_heads=1,
        rms_norm_eps=1e-6,
        rope_theta=1000000.0,
        use_sliding_window=False,
        sliding_window=256,
        max_window_layers=2,
        tie_word_embeddings=True,
        torch_dtype="float32",
    ),
    "tiny-mistral": dict(  # a window that the longest question just fits; heads wider than the model
        architectures=["MistralForCausalLM"],
        model_type="mistral",
        vocab_size=73,
        hidden_size=20,
        intermediate_size=44,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        sliding_window=151,
        rms_norm_eps=1e-5,
        rope_theta=1000000.0,
        tie_word_embeddings=False,
        torch_dtype="bfloat16",
    ),
}


def make_tiny():
    for number, (name, shape) in enumerate(TINY.items()):
        folder, gen = HERE / name, torch.Generator().manual_seed(SEED + number)
        folder.mkdir(exist_ok=True)
        llama_fields = dict(
            architectures=["LlamaForCausalLM"],
            model_type="llama",
            hidden_act="silu",
            attention_bias=False,
            mlp_bias=False,
            bos_token_id=1,
            eos_token_id=2,
            max_position_embeddings=256,
            rope_scaling=None,
        )
        config = {**llama_fields, **shape}
        if config["model_type"] != "llama":
            del config["attention_bias"], config["mlp_bias"]
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
        model = llama.Llama(config)
        with torch.no_grad():
            for part, w in model.named_parameters():
                noise = torch.randn(w.shape, generator=gen)
                if w.dim() == 2:
                    w.copy_(noise / w.shape[1] ** 0.5)
                else:
                    w.copy_(0.5 * noise if part.endswith("bias") else 1 + 0.2 * noise)
        save_file(
            llama.state_to_save(model, getattr(torch, shape["torch_dtype"])),
            folder / "model.safetensors",
            metadata={"format": "pt"},
        )
        write_tensors(folder / "golden.safetensors", trials(llama.load(folder, torch.float64), gen))
        drift(folder)


def trials(model, gen):
    """Logits, loss and gradients of sequences of chance; of 150 tokens, at every tenth position."""
    out = {}
    for length in LENGTHS:
        ids = torch.randint(3, model.config["vocab_size"], (length,), generator=gen)
        rows = torch.tensor(sorted({*range(0, length, 10 if length > 40 else 1), length - 1}))
        values = sites_of(model, ids)
        logits = model.head(values["block_out"][-1])
        out.update(
            {
                f"ids.{length}": ids.int(),
                f"rows.{length}": rows.int(),
                f"logits.{length}": logits[rows],
            }
        )
        if length == 1:
            continue
        log_p = torch.log_softmax(logits[:-1], -1)
        loss = -log_p.gather(1, ids[1:, None]).mean()
        out[f"loss.{length}"] = loss.reshape(1)
        for site in SITES if length == 7 else ["block_out"]:
            name = f"gradient.{length}" if site == "block_out" else f"gradient.{site}.{length}"
            grads = torch.autograd.grad(loss, values[site], retain_graph=True)
            out[name] = torch.stack(grads)[:, rows]
            if length == 7:
                out[f"value.{site}.{length}"] = torch.stack(values[site])[:, rows]
    return {k: v.detach() for k, v in out.items()}


def sites_of(model, ids):
    """Every activation that can be probed: {site: [per block, T x width]}, all in one graph."""
    values = {site: [] for site in SITES}
    h = model.embed(ids).requires_grad_(True)
    cos, sin = model.tables(h)
    for block in model.model.layers:
        attn = block.self_attn(block.input_layernorm(h), cos, sin)
        middle = h + attn
        key = block.mlp.key(block.post_attention_layernorm(middle))
        mlp = block.mlp.down_proj(key)
        out = middle + mlp
        for site, value in zip(SITES, (h, attn, key, mlp, out)):
            values[site].append(value)
        h = out + 0  # another tensor, whose gradient is what it passes on by itself
    return values


def drift(folder):
    """Says how far float32 and transformers' own Llama are from ours in float64."""
    ids = torch.randint(3, 67, (40,), generator=torch.Generator().manual_seed(3))
    double, single = (llama.load(folder, t)(ids).double() for t in (torch.float64, torch.float32))
    spread = double.max() - double.min()
    line = f"{folder.name}: float32 {((single - double).abs().max() / spread).item():.1e}"
    try:
        theirs = llama.check_against_transformers(folder)
        line += ", transformers {:.1e}, its gradient {:.1e}".format(*theirs)
    except ImportError:
        line += ", transformers is not installed"
    print(line, "of the spread")


# --- the small world


LAYER, TOKENS = 1, 6000
HYPER = dict(editing.HYPER, v_lr=0.2, clamp=1.0)
CASES = (1, 7, 11, 16, 19, 24)  # 2 to 25 steps, targets of 1 to 4 tokens, two of one subject


@torch.no_grad()
def make_templates():
    """Texts that the model writes from five words, sampled from the top 5."""
    subject, rng = editing.Subject(WORLD, torch.float64), random.Random(SEED)

    def sample(start, length):
        ids = subject.ids(start)
        while len(ids) < length:
            logits = subject.net(torch.tensor(ids))[-1, :-2]  # special tokens are the last two
            top = torch.softmax(logits, -1).topk(5)
            ids.append(rng.choices(top.indices.tolist(), top.values.tolist())[0])
        return " ".join(subject.text(ids).replace("{", " ").replace("}", " ").split()) + ". {}"

    words = ("The", "Therefore", "Because", "I", "You")
    (HERE / "world" / "templates.json").write_text(
        json.dumps(
            dict(
                memit=["{}"] + [sample(w, 10) for w in words],
                rome=["{}"] + [sample(w, n) for n in (5, 10) for w in words for _ in "ab"],
            ),
            indent=1,
            ensure_ascii=False,
        )
        + "\n"
    )


def make_world():
    subject, out = editing.Subject(WORLD, torch.float64), HERE / "world"
    templates = json.loads((out / "templates.json").read_text())
    cases = {c["case_id"]: c for c in editing.cases_of(WORLD)}
    some = [cases[i] for i in CASES]
    write_tokens(subject, out)
    write_logits(subject, out, some)
    edits = write_edits(subject, out, some, templates)
    C = write_moment(subject, out, edits)
    write_updates(subject, out, some, templates, edits, C)
    write_several(subject, out, some, templates)


def write_tokens(subject, out):
    strings, ids = json.loads((out / "strings.json").read_text()), {}
    for name in ("plain", "special"):
        subject.tokenizer.encode_special_tokens = name == "plain"
        ids[name] = [subject.ids(s) for s in strings]
    subject.tokenizer.encode_special_tokens = False
    write_json(out / "tokens-world.json", ids)


@torch.no_grad()
def write_logits(subject, out, some):
    texts = (
        ["The", "I remember"]
        + [
            editing.fact_of(c)["prompt"].replace("{}", c["requested_rewrite"]["subject"])
            for c in some[:2]
        ]
        + [some[2]["paraphrase_prompts"][0]]
    )
    texts.append((WORLD / "corpus.txt").read_text().split("\n\n")[0])
    entries, tensors = [], {}
    for i, text in enumerate(texts):
        ids = subject.ids(text)
        log_p = subject.log_p(subject.block_out(ids, subject.depth - 1))
        nll = [-log_p[t, ids[t + 1]].item() for t in range(len(ids) - 1)]
        entries.append(dict(text=text, ids=ids, argmax=log_p.argmax(-1).tolist(), nll=nll))
        tensors[f"logits.{i}"] = subject.net(torch.tensor(ids))[-1]
    write_json(out / "logits.json", entries)
    write_tensors(out / "logits.safetensors", tensors)


def check_margin(number, log, least=2e-3):
    """Rounding must not decide how many steps there are."""
    near = min(abs(x["loss"] - HYPER["stop"]) for x in log)
    assert near > least, f"case {number}: a loss is {near:.1e} from the threshold; take another case"


def write_edits(subject, out, some, templates):
    """Values, keys and residuals; returned as well, as float32 holds them."""
    facts, tensors = [], {}
    for case in some:
        f, i = editing.fact_of(case), case["case_id"]
        r = editing.prepare(subject, f, LAYER, templates["memit"], HYPER)
        check_margin(i, r["log"])
        facts.append(
            dict(case_id=i, fact=f, **{k: r[k] for k in ("target", "rows", "subject_last", "log")})
        )
        tensors.update({f"{k}.{i}": r[k] for k in ("z", "z0", "key", "key_bare", "residual")})
        print(f"case {i}: {len(r['log'])} steps, loss {r['log'][-1]['loss']:.4f}", f)
    f, i = editing.fact_of(some[0]), some[0]["case_id"]
    r = editing.find_value(subject, f, LAYER, templates["rome"], HYPER, of_mlp=True)
    check_margin(i, r["log"])
    text, last = editing.place(subject, "{}", f)
    bare = subject.key_and_mlp(subject.ids(text), LAYER)[1][last]
    tensors.update(
        {
            f"rome.v.{i}": r["z"],
            f"rome.v0.{i}": r["z0"],
            f"rome.mlp_bare.{i}": bare,
            f"rome.key_mean.{i}": editing.keys(subject, f, LAYER, templates["rome"]).mean(0),
        }
    )
    original = dict(case_id=i, subject_last=r["subject_last"], log=r["log"])
    write_json(
        out / "edit.json", dict(layer=LAYER, hyper=HYPER, facts=facts, rome_original=original)
    )
    tensors = {k: v.float() for k, v in tensors.items()}
    write_tensors(out / "edit.safetensors", tensors)
    return {k: v.double() for k, v in tensors.items()}


@torch.no_grad()
def write_moment(subject, out, edits):
    pieces = editing.corpus_pieces(subject, WORLD / "corpus.txt", TOKENS)
    C = editing.second_moment(subject, LAYER, pieces)
    eigen, keys = torch.linalg.eigvalsh(C), [edits[f"key.{i}"] for i in CASES]
    solves = torch.stack([torch.linalg.solve(C, k) for k in keys])
    write_json(
        out / "cov.json",
        dict(
            layer=LAYER,
            tokens=TOKENS,
            documents=len(pieces),
            trace=C.trace().item(),
            eigen_min=eigen[0].item(),
            eigen_max=eigen[-1].item(),
            condition=(eigen[-1] / eigen[0]).item(),
            Cv=times_fixed(C).tolist(),
            k_Cinv_k=[(k @ u).item() for k, u in zip(keys, solves)],
        ),
    )
    write_tensors(out / "cov.safetensors", dict(C=C, solves=solves))
    return C


@torch.no_grad()
def write_updates(subject, out, some, templates, edits, C):
    results, tensors, W = {}, {}, subject.down(LAYER).clone()

    def record(name, dW, cases):
        with editing.edited(subject, LAYER, dW):
            scores = [editing.score(subject, c) for c in cases]
        results[name] = dict(norm=dW.norm().item(), metrics=editing.summary(scores), scores=scores)
        tensors[name] = times_fixed(dW)
        print(name, f"{dW.norm():.4f}", results[name]["metrics"])

    record("before", torch.zeros_like(W), some)
    for case in some:
        i = case["case_id"]
        record(f"rome.{i}", editing.rome(C, edits[f"key.{i}"], edits[f"residual.{i}"]), [case])
    i = some[0]["case_id"]
    v, mean, bare = (edits[f"{k}.{i}"] for k in ("rome.v", "rome.key_mean", "key_bare"))
    record(f"rome-original.{i}", editing.rome_original(C, W, v, mean, bare), some[:1])
    record(f"r-rome.{i}", editing.rome_original(C, W, v, mean, mean), some[:1])
    K, R = (torch.stack([edits[f"{k}.{i}"] for i in CASES], 1) for k in ("key", "residual"))
    for value in (1.0, 1000.0):
        record(f"memit.{value:g}", several.memit(C, K, R, value), some)
    for value in (0.0, 10.0):
        record(f"emmet.{value:g}", several.emmet(C, K, R, value), some)
    dW, steps, scores = several.write_sequence(batches_of(subject, some, templates), LAYER, C)
    for step in steps:
        check_margin(step["case_id"], step["log"], 1e-3)
    results["sequential-rome"] = dict(norm=dW.norm().item(), steps=steps, **scores)
    tensors["sequential-rome"] = times_fixed(dW)
    write_json(out / "edited.json", results)
    write_tensors(out / "edited.safetensors", tensors)


def batches_of(subject, some, templates):
    corpus = editing.corpus_pieces(subject, WORLD / "corpus.txt", TOKENS)
    return several.Batches(subject, some, templates["memit"], HYPER, corpus)


def write_several(subject, out, some, templates):
    batches = batches_of(subject, some, templates)
    results, logs = several.write_layers(batches, times_fixed)
    for layers in ([LAYER], several.LAYERS):
        for how in ("share", "threshold"):
            more, more_logs = several.write_alphaedit(batches, layers, how, times_fixed)
            results.update(more)
            logs += more_logs
    for log in logs:
        check_margin("of several", log, 2e-4)
    write_json(out / "several.json", results)
    write_tensors(out / "several.safetensors", batches.tensors)


if __name__ == "__main__":
    torch.set_num_threads(1)
    parts = dict(tiny=make_tiny, templates=make_templates, world=make_world)
    for part in sys.argv[1:] or parts:
        parts[part]()
