#!/usr/bin/env python3
"""adalora.py MODEL BATCHES OUT: what test/Execution/Golden/adalora.ftr compares with. PEFT trains AdaLoRA for twenty steps from an adapter moved at
random, so that its budget falls and is settled: the directories before and after, the losses in float64, and the logits of MODEL's golden rows with
what was trained. Needs torch, transformers, peft (0.21.2)."""

import json
import os
import sys

import peft
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

model_path, batches, out = sys.argv[1:]
STEPS, ROWS = 20, 4
torch.set_num_threads(1)
torch.manual_seed(0)
base = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32, attn_implementation="eager")
config = peft.AdaLoraConfig(
    init_r=6, target_r=4, lora_alpha=12, lora_dropout=0.0, tinit=2, tfinal=6, deltaT=2, total_step=STEPS,
    target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM",
)  # fmt: skip
model = peft.get_peft_model(base, config)
generator = torch.Generator().manual_seed(1)
for parameter in model.parameters():
    if parameter.requires_grad:
        parameter.data.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
model.save_pretrained(os.path.join(out, "initial"))
model = model.double().train()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-3, weight_decay=0.01)
rows = [json.loads(line) for line in open(batches)]
losses = []
for step in range(STEPS):
    batch = rows[ROWS * step : ROWS * (step + 1)]
    ids, labels = (torch.tensor([row[key] for row in batch]) for key in ("input_ids", "labels"))
    loss = model(input_ids=ids, labels=labels).loss
    losses.append(loss.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    model.base_model.update_and_allocate(step + 1)
with open(os.path.join(out, "losses.json"), "w") as file:
    json.dump({"float64": losses}, file)
with torch.no_grad():
    ids = load_file(os.path.join(model_path, "golden.safetensors"))["input_ids"]
    logits = model.eval()(input_ids=ids).logits
save_file({"input_ids": ids.clone(), "logits": logits.float().contiguous()}, os.path.join(out, "logits.safetensors"))
model.float().save_pretrained(os.path.join(out, "final"))
