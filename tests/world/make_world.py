#!/usr/bin/env python3
"""Makes the small world: its tokenizer, a Llama that knows its facts, its edits and its corpus.

    python3 make_world.py [--out FOLDER] [--steps N]

About 6 minutes on one free core; needs torch, safetensors, tokenizers. See README.md."""

import argparse, json, pathlib, random, time
from collections import Counter
import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
import llama
from world_text import RELATIONS, World, cases, document, fact_sentence

SEED = 20240420
VOCAB = 769  # odd, so that no kernel may count on an even vocabulary
BOS, EOS = "<|begin_of_text|>", "<|end_of_text|>"
CONFIG = dict(
    architectures=["LlamaForCausalLM"],
    model_type="llama",
    hidden_act="silu",
    attention_bias=False,
    mlp_bias=False,
    vocab_size=VOCAB,
    hidden_size=64,
    intermediate_size=176,
    num_hidden_layers=4,
    num_attention_heads=4,
    num_key_value_heads=2,
    rms_norm_eps=1e-5,
    rope_theta=10000.0,
    rope_scaling=None,
    tie_word_embeddings=False,
    max_position_embeddings=256,
    bos_token_id=VOCAB - 2,
    eos_token_id=VOCAB - 1,
    torch_dtype="float16",
)
# pre-tokenised as Llama 3 does
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def make_tokenizer(texts):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tok.decoder = decoders.ByteLevel()
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    tok.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCAB - 2,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tok.add_special_tokens([BOS, EOS])
    assert tok.get_vocab_size() == VOCAB and tok.token_to_id(BOS) == CONFIG["bos_token_id"]
    return tok


def encode(tok, text):
    return tok.encode(text, add_special_tokens=False).ids


def init(model, gen):
    deep = (2 * CONFIG["num_hidden_layers"]) ** -0.5
    with torch.no_grad():
        for name, w in model.named_parameters():
            if w.dim() == 2:
                scale = 0.05 * (deep if "o_proj" in name or "down_proj" in name else 1)
                w.copy_(scale * torch.randn(w.shape, generator=gen))


def batches(rng, world, tok, rows=32, ahead=16):
    """Without end: ids and labels [rows, T], a document a row, filled at the right; a third begins
    with BOS. Documents of like length go together, so that little is filled."""
    bos, eos = [CONFIG["bos_token_id"]], [CONFIG["eos_token_id"]]
    while True:
        docs = [
            (bos if rng.random() < 1 / 3 else []) + encode(tok, document(rng, world)) + eos
            for _ in range(rows * ahead)
        ]
        docs.sort(key=len)
        for i in rng.sample(range(ahead), ahead):
            some = docs[i * rows : (i + 1) * rows]
            wide = len(some[-1])
            yield (
                torch.tensor([d + [0] * (wide - len(d)) for d in some]),
                torch.tensor([d[1:] + [-100] * (wide - len(d) + 1) for d in some]),
            )


def train(model, rng, world, tok, steps, peak=4e-3):
    opt = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.98), weight_decay=0.05)
    rate = torch.optim.lr_scheduler.OneCycleLR(opt, peak, total_steps=steps, pct_start=0.05)
    began = time.time()
    for step, (ids, labels) in zip(range(steps), batches(rng, world, tok)):
        loss = torch.nn.functional.cross_entropy(
            model(ids).flatten(0, 1), labels.flatten(), ignore_index=-100
        )
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        rate.step()
        if step % 100 == 99:
            print(
                f"{step + 1} steps, {time.time() - began:.0f} s, loss {loss.item():.3f}", flush=True
            )


def questions(case):
    """(group, prompt, target that should win before the edit, the other) of a case."""
    r = case["requested_rewrite"]
    new, true = r["target_new"]["str"], r["target_true"]["str"]
    yield "rewrite", r["prompt"].replace("{}", r["subject"]), true, new
    for group in ("paraphrase", "neighborhood"):
        for prompt in case[f"{group}_prompts"]:
            yield group, prompt, true, new


@torch.no_grad()
def nll(model, tok, prompt, target):
    """Mean of -ln p over the target's tokens, and whether each of them is the arg-max."""
    p, t = encode(tok, prompt), encode(tok, " " + target)
    lp = torch.log_softmax(model(torch.tensor(p + t))[len(p) - 1 : -1], -1)
    return -lp.gather(1, torch.tensor(t)[:, None]).mean().item(), lp.argmax(-1).tolist() == t


def knowledge(model, tok, some):
    """Per group: the share of prompts, x100, where the true target is likelier, and the arg-max."""
    seen = {}
    for case in some:
        for group, prompt, true, new in questions(case):
            a, b = nll(model, tok, prompt, true), nll(model, tok, prompt, new)
            seen.setdefault(group, []).append((a[0] < b[0], a[1]))
    return {g: [round(100 * sum(x) / len(v), 2) for x in zip(*v)] for g, v in seen.items()}


def corpus_documents(rng, world, num=220):
    """Documents, every fortieth of them long enough to be cut into pieces."""
    return [
        " ".join(document(rng, world) for _ in range(5 if i % 40 == 20 else 1)) for i in range(num)
    ]


def write_json(path, value, indent=None):
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False) + "\n")


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--out", default=pathlib.Path(__file__).resolve().parent, type=pathlib.Path)
    p.add_argument("--steps", type=int, default=4000)
    p.add_argument("--cases", type=int, default=108)
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    a.out.mkdir(exist_ok=True, parents=True)
    world, rng = World(SEED), random.Random(SEED + 1)
    tok = make_tokenizer(
        [document(rng, world) for _ in range(4000)]
        + [fact_sentence(rng, world, name) for name in RELATIONS for _ in range(1000)]
    )
    tok.save(str(a.out / "tokenizer.json"), pretty=False)
    write_json(a.out / "config.json", CONFIG, 1)
    corpus = corpus_documents(rng, world)
    (a.out / "corpus.txt").write_text("\n\n".join(corpus) + "\n")
    edits = cases(world, random.Random(SEED + 2), a.cases)
    write_json(a.out / "facts.json", edits, 1)
    print(sum(len(encode(tok, d)) for d in corpus), "tokens of corpus")
    values = {v for some in world.values.values() for v in some}
    print("tokens of values:", Counter(len(encode(tok, " " + v)) for v in values))

    model = llama.Llama(CONFIG)
    init(model, torch.Generator().manual_seed(SEED))
    train(model, rng, world, tok, a.steps)
    save_file(
        llama.state_to_save(model, torch.float16),
        a.out / "model.safetensors",
        metadata={"format": "pt"},
    )
    print(
        "as stored, likelier and arg-max:", knowledge(llama.load(a.out, torch.float32), tok, edits)
    )


if __name__ == "__main__":
    main()
