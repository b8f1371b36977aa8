// RUN: ftc-opt %s | ftc-opt | FileCheck %s
// RUN: ftc-opt --canonicalize %s | FileCheck %s --check-prefix=LIVE

// CHECK: recipe.source "sql.ftr" "base = load(\22model\22)\0A"
recipe.source "sql.ftr" "base = load(\22model\22)\0A"
// CHECK: %base = recipe.load "base" "models/smollm2"
%base = recipe.load "base" "models/smollm2"
// CHECK: %tuned_before = recipe.load "tuned_before" "out/adapter" base %base
%tuned_before = recipe.load "tuned_before" "out/adapter" base %base
// CHECK: recipe.dataset "corpus" "data/sql.jsonl" format "alpaca" tokenizer %base {fields = {instruction = "question"}, limit = 4 : i64, prompt_loss = 1.000000e-01 : f64, shuffle = false}
%corpus = recipe.dataset "corpus" "data/sql.jsonl" format "alpaca" tokenizer %base {fields = {instruction = "question"}, prompt_loss = 0.1 : f64, shuffle = false, limit = 4 : i64}
// CHECK: recipe.adapt "tuned" %base with <<"**.q_proj", #recipe.call<"lora", {rank = 8 : i64}, #[[CALL:.*]]>, #[[SELECTOR:.*]]>, <"**.k_proj", #recipe.call<"ia3", {}>>>
%tuned = recipe.adapt "tuned" %base with <<"**.q_proj", #recipe.call<"lora", {rank = 8 : i64}, loc("a.ftr":1:2 to :5)>, loc("a.ftr":1:2)>, <"**.k_proj", #recipe.call<"ia3", {}>>>
// CHECK: recipe.restore "start" %tuned from "out/adapter"
%start = recipe.restore "start" %tuned from "out/adapter"
// CHECK: recipe.train "run" %start on %corpus objective <"distill", {teacher = #recipe.word<"base">}> optimizer #recipe.call<"adamw", {lr = 2.000000e-04 : f64}> schedule <"cosine", {warmup = #recipe.quantity<3.000000e+00 : f64 percent>}> batch <16 x 512> reading %base {epochs = 3.000000e+00 : f64, gradient_clip = 1.000000e+00 : f64, memory = 4096 : i64, micro_batch = 4 : i64, packing = false, precision = #recipe.map<<"compute", #recipe.word<"f32">>>}
%run = recipe.train "run" %start on %corpus objective <"distill", {teacher = #recipe.word<"base">}> optimizer #recipe.call<"adamw", {lr = 2.0e-04}> schedule <"cosine", {warmup = #recipe.quantity<3.0 : f64 percent>}> batch <16 x 512> reading %base {epochs = 3.0, micro_batch = 4 : i64, memory = 4096 : i64, gradient_clip = 1.0, packing = false, precision = #recipe.map<<"compute", #recipe.word<"f32">>>}
// CHECK: recipe.evaluate "eval" %run on %corpus objective <"sft", {}> batch <2 x 48>
%eval = recipe.evaluate "eval" %run on %corpus objective <"sft", {}> batch <2 x 48>
// CHECK: recipe.generate "text" %run prompts ["Once upon a time"] tokens 32 {stop = ["\0A"], temperature = 5.000000e-01 : f64, top_k = 40 : i64}
%text = recipe.generate "text" %run prompts ["Once upon a time"] tokens 32 {temperature = 0.5, top_k = 40 : i64, stop = ["\n"]}
// CHECK: recipe.generate "answers" %run on %corpus tokens 8
%answers = recipe.generate "answers" %run on %corpus tokens 8
// CHECK: %l = recipe.logits "l" %run on %corpus batch <2 x 48>
%l = recipe.logits "l" %run on %corpus batch <2 x 48>
// CHECK: %g = recipe.gradients "g" %tuned on %corpus objective <"sft", {}> batch <2 x 48> {packing = false}
%g = recipe.gradients "g" %tuned on %corpus objective <"sft", {}> batch <2 x 48> {packing = false}
// CHECK: %whole = recipe.merge "whole" %run
%whole = recipe.merge "whole" %run
// CHECK: %longer = recipe.configure "longer" %whole with {rope_theta = 1.000000e+06 : f64}
%longer = recipe.configure "longer" %whole with {rope_theta = 1.0e6}
// CHECK: recipe.save "save1" %whole as "huggingface" to "out/model" {dtype = "bf16"} : !recipe.model
recipe.save "save1" %whole as "huggingface" to "out/model" {dtype = "bf16"} : !recipe.model
// CHECK: recipe.save "save2" %l as "safetensors" to "l.safetensors" : !recipe.logits
recipe.save "save2" %l as "safetensors" to "l.safetensors" : !recipe.logits

// What nothing uses goes away, but for what the user watches: training, evaluation, generated text.
// LIVE-NOT: tuned_before
// LIVE-NOT: recipe.gradients
// LIVE: recipe.train
// LIVE: recipe.evaluate
// LIVE: recipe.generate "text"
// LIVE: recipe.generate "answers"
// LIVE: recipe.merge
