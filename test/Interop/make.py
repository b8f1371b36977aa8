#!/usr/bin/env python3
"""make.py MODELS OUT [NAME ...]: what test/Execution/Peft/methods.ftr compares with. For each method (each that is named) a directory as PEFT writes it, its
trained tensors moved away from where they begin, and the logits of the golden rows of the model with that adapter, computed in float64. The model is MODELS/llama
where nothing else is said. Needs torch, transformers, peft (0.21.2)."""

import os
import shutil
import sys

import peft
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

models, out, *chosen = sys.argv[1:]
common = {"target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}
wide = {**common, "target_modules": ["q_proj", "v_proj", "down_proj"]}
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
    "hira": peft.HiraConfig(r=4, **common),
    "hira-embedding": peft.HiraConfig(r=4, target_modules=["embed_tokens", "v_proj"], task_type="CAUSAL_LM"),
    "waveft": peft.WaveFTConfig(n_frequency=50, scaling=5.0, **common),
    "waveft-db2": peft.WaveFTConfig(n_frequency=50, scaling=5.0, wavelet_family="db2", **common),
    "waveft-direct": peft.WaveFTConfig(n_frequency=50, scaling=5.0, use_idwt=False, **common),
    "pvera": peft.PveraConfig(r=6, **common),
    "tinylora": peft.TinyLoraConfig(r=2, u=8, **common),
    "tinylora-embedding": peft.TinyLoraConfig(r=2, u=8, target_modules=["embed_tokens", "v_proj"], task_type="CAUSAL_LM"),
    "beft": peft.BeftConfig(**common),
    "osf": peft.OSFConfig(effective_rank=24, **common),
    "osf-half": peft.OSFConfig(target_modules=["v_proj", "down_proj"], task_type="CAUSAL_LM"),
    "road-2": peft.RoadConfig(variant="road_2", group_size=16, **common),
    "road-4": peft.RoadConfig(variant="road_4", group_size=16, **common),
    "lokr-both": peft.LoKrConfig(r=2, alpha=4, decompose_both=True, decompose_factor=8, **wide),
    "lokr-factor": peft.LoKrConfig(r=2, alpha=4, decompose_factor=4, **wide),
    "cpt": peft.CPTConfig(
        cpt_token_ids=[5, 17, 3, 250, 9, 44], cpt_mask=[1] * 6, cpt_tokens_type_mask=[1, 2, 2, 3, 4, 4], opt_projection_epsilon=6.0,
        opt_projection_format_epsilon=3.0, task_type="CAUSAL_LM",
    ),
    "poly": peft.PolyConfig(r=4, n_tasks=2, n_skills=3, n_splits=2, **common),
    "glora": peft.GloraConfig(r=4, **common),
    "multitask-prompt": peft.MultitaskPromptTuningConfig(
        num_virtual_tokens=6, num_ranks=2, num_tasks=2, prompt_tuning_init="RANDOM", task_type="CAUSAL_LM"
    ),
    "prefix-projection": peft.PrefixTuningConfig(num_virtual_tokens=6, prefix_projection=True, encoder_hidden_size=24, task_type="CAUSAL_LM"),
    "cartridge": peft.CartridgeConfig(num_virtual_tokens=6, num_frozen_tokens=2, task_type="CAUSAL_LM"),
    "peanut": peft.PeanutConfig(r=4, depth=2, act_fn="silu", scaling=0.5, **common),
    "supertuning": peft.SupertuningConfig(sparsity=0.97, **common),
    "supertuning-bottom": peft.SupertuningConfig(sparsity=0.97, select_top=False, **common),
    "supra": peft.SupertuningConfig(sparsity=0.97, r=3, **common),
    "deft": peft.DeftConfig(r=4, **common),
    "deft-qr": peft.DeftConfig(r=4, decomposition_method="qr", alpha=8, **common),
    "unilora": peft.UniLoraConfig(r=3, theta_d_length=50, save_indices=True, **common),
    "frod": peft.FrodConfig(sparse_rate=0.02, projection_prng_key=3, **wide),
    "biases": peft.LoraConfig(r=4, bias="all", target_modules=["c_attn"], fan_in_fan_out=True, task_type="CAUSAL_LM"),
    "biases-of-sites": peft.LoraConfig(r=4, bias="lora_only", target_modules=["q_proj", "o_proj"], task_type="CAUSAL_LM"),
    "glora-biased": peft.GloraConfig(r=4, target_modules=["q_proj", "o_proj"], task_type="CAUSAL_LM"),
    "shadow": peft.ShadowConfig(r=4, task_type="CAUSAL_LM"),
    "shadow-deep": peft.ShadowConfig(
        r=3, shadow_alpha=0.3, shadow_dropout=0.0, shadow_num_hidden_layers=2, shadow_intermediate_size=40, shadow_num_attention_heads=2, update_hidden_size=6, task_type="CAUSAL_LM"
    ),
    "xlora": lambda paths: peft.XLoraConfig(hidden_size=64, adapters=paths, task_type="CAUSAL_LM"),
    "xlora-deep": lambda paths: peft.XLoraConfig(
        hidden_size=64, adapters=paths, xlora_depth=2, xlora_size=20, softmax_temperature=0.5, top_k_lora=2, global_scaling_weight=1.5, task_type="CAUSAL_LM"
    ),
    "lily": peft.LilyConfig(r=4, stride_A=2, num_B=3, scaling=0.5, **common),
    "oft-three-terms": peft.OFTConfig(oft_block_size=8, r=0, use_cayley_neumann=True, num_cayley_neumann_terms=3, **common),
    "psoft": peft.PsoftConfig(r=6, psoft_alpha=12, **common),
    "psoft-free": peft.PsoftConfig(r=5, psoft_alpha=12, ab_svd_init="pissa_init", psoft_orth=False, psoft_mag_b=False, **common),
    "psoft-neumann": peft.PsoftConfig(r=6, use_cayley_neumann=True, num_cayley_neumann_terms=3, cayley_neumann_eps=0.4, psoft_mag_a=False, **common),
    "adamss": peft.AdamssConfig(r=20, num_subspaces=3, subspace_rank=2, **common),
    "adamss-biased": peft.AdamssConfig(r=20, num_subspaces=4, target_modules=["q_proj", "o_proj"], task_type="CAUSAL_LM"),
    "tinylora-tied": peft.TinyLoraConfig(r=2, u=8, weight_tying=0.5, **wide),
}
# Those of other models than llama.
model_of = {"biases": "gpt2", "biases-of-sites": "qwen2", "glora-biased": "qwen2", "adamss-biased": "qwen2"}
# Adapters that the directory of another one names; each is a directory of its own.
experts = {
    "xlora": [
        peft.LoraConfig(r=4, lora_alpha=8, **common),
        peft.LoraConfig(r=3, lora_alpha=3, target_modules=["v_proj", "down_proj"], task_type="CAUSAL_LM"),
    ],
    "xlora-deep": [peft.LoraConfig(r=2 + i, lora_alpha=4, use_rslora=i == 1, **common) for i in range(3)],
}
# Arguments of a model's call beside the tokens.
forward = {name: {"task_ids": torch.zeros(2, dtype=torch.long)} for name in ("poly", "multitask-prompt")}
torch.set_num_threads(1)


def adapt(model_path, config):
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32)
    model.config.use_cache = not isinstance(config, peft.XLoraConfig)
    model = peft.get_peft_model(model, config)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data.add_(torch.randn_like(parameter) * 0.1)
    return model


def found(model):
    """All tensors of adapters whose directories lack what PEFT finds anew, by the names that ftc gives them."""
    tensors = {}
    for path, module in model.base_model.model.named_modules():
        if isinstance(module, peft.tuners.psoft.layer.PsoftLayer):
            R = module.psoft_R["default"]
            own = {"v" if R.orth else "M": R.weight, "a": R.vector_a, "b": R.vector_b}
            own |= {"A": module._psoft_A_cache["default"], "B": module._psoft_B_cache["default"]}
        elif isinstance(module, peft.tuners.adamss.layer.AdamssLayer):
            places = list(module.seg_result["default"].values())
            own = {"P": module.adamss_newB["default"], "A": torch.stack(list(module.adamss_A["default"]))}
            own |= {"B": torch.zeros(module.out_features, own["A"].shape[1]), "cluster": torch.zeros(module.out_features, dtype=torch.int32)}
            for number, (place, rows) in enumerate(zip(places, module.adamss_B["default"])):
                own["B"][place], own["cluster"][place] = rows.detach(), number
        else:
            continue
        method = type(module).__module__.split(".")[-2]
        tensors |= {f"{path}.{method}.{key}": tensor.detach().clone().contiguous() for key, tensor in own.items() if tensor is not None}
    return tensors


for name in chosen or methods:
    config, model_path = methods[name], os.path.join(models, model_of.get(name, "llama"))
    ids = load_file(os.path.join(model_path, "golden.safetensors"))["input_ids"]
    torch.manual_seed(0)
    if name in experts:
        paths = {str(number): os.path.join(out, name, str(number)) for number in range(len(experts[name]))}
        for number, expert in enumerate(experts[name]):
            adapt(model_path, expert).save_pretrained(paths[str(number)])
        config = config(paths)
    model = adapt(model_path, config)
    folder = os.path.join(out, name)
    model.save_pretrained(os.path.join(folder, "final"))
    if name in experts:  # PEFT writes what it takes for an expert's: its file lacks most of the classifier, which it reads by these names
        classifier = model.base_model.internal_xlora_classifier.state_dict(prefix="base_model.internal_xlora_classifier.")
        save_file({key: tensor.clone() for key, tensor in classifier.items()}, os.path.join(folder, "final", "adapter_model.safetensors"))
        for number in paths:
            shutil.rmtree(os.path.join(folder, "final", number))
    if name == "prefix-projection":  # what the prompt is made of is not in PEFT's directory
        encoder = model.prompt_encoder["default"].state_dict()
        save_file({key: tensor.clone() for key, tensor in encoder.items()}, os.path.join(folder, "prompt_encoder.safetensors"))
    if tensors := found(model):
        save_file(tensors, os.path.join(folder, "found.safetensors"))
    model.double().eval()
    for module in model.modules():
        if isinstance(module, peft.tuners.adamss.layer.AdamssLayer):  # it keeps the type that it began with
            module.dtype = torch.float64
    with torch.no_grad():
        logits = model(input_ids=ids, **forward.get(name, {})).logits
    save_file({"input_ids": ids.clone(), "logits": logits.float().contiguous()}, os.path.join(folder, "logits.safetensors"))
