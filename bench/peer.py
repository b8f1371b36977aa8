#!/usr/bin/env python3
"""One LoRA training run of the bench model in PyTorch + PEFT; prints one JSON object with the seconds of each step.

The model is read from a directory that `bench.py` has written, so that both sides multiply the same random weights.
"""

import argparse
import json
import time

STARTED = time.monotonic()

import peft  # noqa: E402  (the imports are part of what a user waits for)
import torch  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("batches", help="JSONL of input_ids, one row a line")
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32)
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules=targets))
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    forward = torch.compile(model) if arguments.compile else model
    with open(arguments.batches, encoding="utf-8") as file:
        rows = [json.loads(line)["input_ids"] for line in file]

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
    mode = "compiled" if arguments.compile else "eager"
    version = f"PyTorch {torch.__version__} {mode}, PEFT {peft.__version__}"
    print(json.dumps({"seconds": seconds, "losses": losses, "first_step": first, "version": version}))


if __name__ == "__main__":
    main()
