#!/usr/bin/env python3
"""make.py MODEL OUT: what test/Execution/Peft/methods.ftr compares with. For each method a directory as PEFT writes it, its trained tensors moved away
from where they begin, and the logits of MODEL's golden rows with that adapter, computed in float64. Needs torch, transformers, peft (0.21.2)."""

import os
import sys

import peft
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

model_path, out = sys.argv[1:]
common = {"target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}
methods = {
    "adalora": peft.AdaLoraConfig(
        init_r=6, target_r=4, lora_alpha=12, lora_dropout=0.0, tinit=2, tfinal=4, deltaT=2, total_step=20, **common
    ),
    "hra": peft.HRAConfig(r=4, **common),
    "fourierft": peft.FourierFTConfig(n_frequency=50, scaling=10.0, random_loc_seed=777, **common),
    "miss": peft.MissConfig(r=4, **common),
    "c3a": peft.C3AConfig(block_size=16, **common),
    "vblora": peft.VBLoRAConfig(r=4, num_vectors=20, vector_length=16, topk=2, **common),
    "road": peft.RoadConfig(variant="road_1", group_size=16, **common),
    "shira": peft.ShiraConfig(r=2, random_seed=3, **common),
    "delora": peft.DeloraConfig(r=4, delora_lambda=15, **common),
    "gralora": peft.GraloraConfig(r=8, gralora_k=2, hybrid_r=0, alpha=16, **common),
    "olora": peft.LoraConfig(r=8, lora_alpha=16, init_lora_weights="olora", **common),
}
torch.set_num_threads(1)
ids = load_file(os.path.join(model_path, "golden.safetensors"))["input_ids"]
for name, config in methods.items():
    torch.manual_seed(0)
    model = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32), config)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data.add_(torch.randn_like(parameter) * 0.1)
    folder = os.path.join(out, name)
    model.save_pretrained(os.path.join(folder, "final"))
    with torch.no_grad():
        logits = model.double().eval()(input_ids=ids).logits
    save_file({"input_ids": ids.clone(), "logits": logits.float().contiguous()}, os.path.join(folder, "logits.safetensors"))
