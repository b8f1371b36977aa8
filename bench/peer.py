#!/usr/bin/env python3
"""The bench model in PyTorch: some training steps, or continuations of a prompt. Prints one JSON object with what they took.

    peer.py train MODEL ROWS.jsonl [--rows 4] [--steps 3] [--whole] [--compile]
    peer.py generate MODEL ROWS.jsonl [--tokens 128] [--dtype bfloat16]

The model is a folder that both sides read, so that they multiply the same random weights.
"""

import argparse
import json
import time

STARTED = time.monotonic()

import peft  # noqa: E402  (the imports are part of what a user waits for)
import torch  # noqa: E402
import transformers  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def train(model, rows, arguments):
    """Steps of LoRA, or of all weights with --whole."""
    if not arguments.whole:
        model = peft.get_peft_model(model, peft.LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules=LINEAR))
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    forward = torch.compile(model) if arguments.compile else model
    seconds, losses, first = [], [], None
    for step in range(arguments.steps):
        batch = torch.tensor(rows[step * arguments.rows:(step + 1) * arguments.rows])
        begin = time.monotonic()
        loss = forward(input_ids=batch, labels=batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        seconds.append(time.monotonic() - begin)
        first = first or time.monotonic() - STARTED
    return {"seconds": seconds[1:], "first_step_seconds": first, "first_loss": losses[0]}


def generate(model, rows, arguments):
    """Greedy continuation of the second row by one token and by `tokens` more; the first row warms up."""
    model.eval()
    model.generation_config.eos_token_id = None

    def run(row, count):
        prompt = torch.tensor([row])
        begin = time.monotonic()
        with torch.no_grad():
            made = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=count, do_sample=False, use_cache=True)
        return time.monotonic() - begin, made[0][len(row):].tolist()

    warm, counted = rows
    run(warm, arguments.tokens + 1)
    one, _ = run(counted, 1)
    more, made = run(counted, arguments.tokens + 1)
    text = Tokenizer.from_file(f"{arguments.model}/tokenizer.json").decode(made)
    return {"prompt_seconds": one, "seconds": [(more - one) / arguments.tokens], "text": text}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "generate"])
    parser.add_argument("model")
    parser.add_argument("data", help="JSONL of input_ids, one row a line")
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=getattr(torch, arguments.dtype))
    with open(arguments.data, encoding="utf-8") as file:
        rows = [json.loads(line)["input_ids"] for line in file]
    result = (train if arguments.what == "train" else generate)(model, rows, arguments)
    result["version"] = f"PyTorch {torch.__version__}, transformers {transformers.__version__}, PEFT {peft.__version__}"
    print(json.dumps(result))


if __name__ == "__main__":
    main()
