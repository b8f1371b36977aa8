//===- RecipeOps.td - Operations of the recipe dialect ---------*- tablegen -*-===//
//
// The constraints (C1) ... are those of README.md. Every step has the name that
// the recipe binds it to; its location is the binding's place in the file.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_RECIPE_OPS
#define FTC_RECIPE_OPS

include "dialects/Recipe/IR/RecipeBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Recipe_Op<string mnemonic, list<Trait> traits = []> : Op<Recipe_Dialect, mnemonic, traits>;

/// A step whose value has no use is dead: steps have no effect but through `recipe.save`, apart from those whose
/// result is seen by the user as it comes (training, scores, samples).
class Recipe_Step<string mnemonic, list<Trait> traits = []>
    : Recipe_Op<mnemonic, !listconcat(traits, [DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>])> {
  let hasVerifier = 1;
  let extraClassDefinition = [{
    void $cppClass::getAsmResultNames(::mlir::OpAsmSetValueNameFn setName) { setName(getResult(), getName()); }
  }];
}

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

def SourceOp : Recipe_Op<"source"> {
  let summary = "the text of a file of the user: the recipe or one that it imports";
  let description = [{
    The first one of a module is the recipe, the others hold definitions, so that a module is whole without the files.

    ```mlir
    recipe.source "sql.ftr" "base = load(\22model\22)\0A..."
    ```
  }];
  let arguments = (ins StrAttr:$path, StrAttr:$text);
  let assemblyFormat = "$path $text attr-dict";
}

//===----------------------------------------------------------------------===//
// Models and data
//===----------------------------------------------------------------------===//

def LoadOp : Recipe_Step<"load", [Pure]> {
  let summary = "a model from a Hugging Face directory, a GGUF file, or a PEFT directory on a base";
  let description = [{
    ```mlir
    %base = recipe.load "base" "models/smollm2"
    ```
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$path, Optional<Recipe_Model>:$base);
  let results = (outs Recipe_Model:$result);
  let assemblyFormat = "$name $path (`base` $base^)? attr-dict";
}

def DatasetOp : Recipe_Step<"dataset", [Pure]> {
  let summary = "the rows of a JSONL file";
  let description = [{
    `fields` gives the file's names for the format's fields; `numbers` names further ones; `prompt_loss` the weight of prompt tokens in the loss,
    0 to 1; `limit` the number of rows that are used, from the first; `tokenizer` the model whose tokenizer reads the
    texts (absent: that of the recipe's only model); with `token_ids` the file holds ids instead of texts. `infill`
    holds the options of that format: `rate`, `spm`, `seed`, `sentinels`.

    ```mlir
    %corpus = recipe.dataset "corpus" "data/sql.jsonl" format "alpaca" {prompt_loss = 0.1 : f64, shuffle = true}
    ```
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$path, StrAttr:$format,
                       DefaultValuedAttr<DictionaryAttr, "{}">:$fields,
                       DefaultValuedAttr<StrArrayAttr, "{}">:$numbers,
                       DefaultValuedAttr<F64Attr, "0.0">:$prompt_loss,
                       DefaultValuedAttr<BoolAttr, "true">:$shuffle, OptionalAttr<I64Attr>:$limit,
                       Optional<Recipe_Model>:$tokenizer, UnitAttr:$token_ids, OptionalAttr<DictionaryAttr>:$infill);
  let results = (outs Recipe_Dataset:$result);
  let assemblyFormat = "$name $path `format` $format (`tokenizer` $tokenizer^)? attr-dict";
}

def AdaptOp : Recipe_Step<"adapt", [Pure]> {
  let summary = "a model with adapters on its sites";
  let description = [{
    Each line of the map is one group: an adapter definition on every site that its selector finds.

    ```mlir
    %tuned = recipe.adapt "tuned" %base with <<"**.q_proj", #recipe.call<"lora", {rank = 8 : i64}>>>
    ```
  }];
  let arguments = (ins StrAttr:$name, Recipe_Model:$model, Recipe_Map:$lines,
                       Variadic<AnyTypeOf<[Recipe_Model, Recipe_Dataset]>>:$others);
  let results = (outs Recipe_Model:$result);
  let assemblyFormat = "$name $model `with` $lines (`reading` $others^ `:` type($others))? attr-dict";
}

def RestoreOp : Recipe_Step<"restore", [Pure]> {
  let summary = "a model whose trainable tensors are those of a PEFT directory or a safetensors file";
  let description = [{
    ```mlir
    %start = recipe.restore "start" %tuned from "out/adapter"
    ```
  }];
  let arguments = (ins StrAttr:$name, Recipe_Model:$model, StrAttr:$path);
  let results = (outs Recipe_Model:$result);
  let assemblyFormat = "$name $model `from` $path attr-dict";
}

def ConfigureOp : Recipe_Step<"configure", [Pure]> {
  let summary = "a model of the same tensors with other values in its configuration";
  let description = [{
    `keys` are those of the model's configuration; a map changes members of a nested object.

    ```mlir
    %longer = recipe.configure "longer" %run with {rope_theta = 1.000000e+06 : f64}
    ```
  }];
  let arguments = (ins StrAttr:$name, Recipe_Model:$model, DictionaryAttr:$keys);
  let results = (outs Recipe_Model:$result);
  let assemblyFormat = "$name $model `with` $keys attr-dict";
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

def TrainOp : Recipe_Step<"train"> {
  let summary = "a model with its trainable tensors trained";
  let description = [{
    `batch` is sequences x tokens, `micro_batch` how many sequences are computed at once (absent: all). With
    `auto_micro_batch` the compiler writes there how many it has chosen, to fit into `memory`.
    Without `schedule` the learning rate stays as it is. Without `steps` the run is `epochs` passes over the data. `gradient_clip` is a bound on the global norm, `memory`
    one in bytes, `checkpoint_every` a number of updates.

    ```mlir
    %run = recipe.train "run" %tuned on %corpus
        objective #recipe.call<"sft", {}> optimizer #recipe.call<"adamw", {lr = 2.000000e-04 : f64}>
        schedule <"cosine", {warmup = 10 : i64}> batch <16 x 512> {epochs = 3.000000e+00 : f64}
    ```
  }];
  let arguments = (ins StrAttr:$name, Recipe_Model:$model, Recipe_Dataset:$data, Recipe_Call:$objective,
                       AnyAttr:$optimizer, OptionalAttr<Recipe_Call>:$schedule, Recipe_Extent:$batch,
                       Variadic<Recipe_Model>:$others,
                       OptionalAttr<I64Attr>:$micro_batch, UnitAttr:$auto_micro_batch,
                       DefaultValuedAttr<BoolAttr, "true">:$packing,
                       OptionalAttr<I64Attr>:$steps, OptionalAttr<F64Attr>:$epochs, OptionalAttr<I64Attr>:$memory,
                       DefaultValuedAttr<I64Attr, "0">:$seed, OptionalAttr<F64Attr>:$gradient_clip,
                       OptionalAttr<I64Attr>:$checkpoint_every, OptionalAttr<Recipe_Map>:$precision);
  let results = (outs Recipe_Model:$result);
  let assemblyFormat = [{
    $name $model `on` $data `objective` $objective `optimizer` $optimizer (`schedule` $schedule^)? `batch` $batch
    (`reading` $others^)? attr-dict
  }];
}

def EvaluateOp : Recipe_Step<"evaluate"> {
  let summary = "the loss of a model over a whole data set";
  let description = [{
    ```mlir
    %eval = recipe.evaluate "eval" %run on %held_out objective #recipe.call<"sft", {}> batch <2 x 48>
    ```
  }];
  let arguments = (ins StrAttr:$name, Recipe_Model:$model, Recipe_Dataset:$data, Recipe_Call:$objective,
                       Recipe_Extent:$batch, Variadic<Recipe_Model>:$others,
                       DefaultValuedAttr<BoolAttr, "true">:$packing, OptionalAttr<Recipe_Map>:$precision);
  let results = (outs Recipe_Scores:$result);
  let assemblyFormat = [{
    $name $model `on` $data `objective` $objective `batch` $batch (`reading` $others^)? attr-dict
  }];
}

def GradientsOp : Recipe_Step<"gradients", [Pure]> {
  let summary = "the gradient of the loss over a whole data set by every trainable tensor";
  let description = [{
    ```mlir
    %g = recipe.gradients "g" %tuned on %corpus objective <"mine", {}> batch <2 x 48>
    ```
  }];
  let arguments = (ins StrAttr:$name, Recipe_Model:$model, Recipe_Dataset:$data, Recipe_Call:$objective,
                       Recipe_Extent:$batch, Variadic<Recipe_Model>:$others,
                       DefaultValuedAttr<BoolAttr, "true">:$packing);
  let results = (outs Recipe_Gradients:$result);
  let assemblyFormat = [{
    $name $model `on` $data `objective` $objective `batch` $batch (`reading` $others^)? attr-dict
  }];
}

def GenerateOp : Recipe_Step<"generate"> {
  let summary = "continuations of prompts";
  let description = [{
    The prompts are strings, or the prompts of a data set. `temperature` 0 is greedy; `top_k` 0 and `top_p` 1 choose
    among all tokens; `chat` puts each prompt in the model's chat template; `prompt_tokens` is the longest prompt.

    ```mlir
    %text = recipe.generate "text" %run prompts ["Once upon a time"] tokens 32 {temperature = 0.7 : f64}
    ```
  }];
  let arguments = (ins StrAttr:$name, Recipe_Model:$model, OptionalAttr<StrArrayAttr>:$prompts,
                       Optional<Recipe_Dataset>:$data, I64Attr:$tokens,
                       DefaultValuedAttr<F64Attr, "0.0">:$temperature, DefaultValuedAttr<I64Attr, "0">:$top_k,
                       DefaultValuedAttr<F64Attr, "1.0">:$top_p, DefaultValuedAttr<I64Attr, "0">:$seed,
                       DefaultValuedAttr<StrArrayAttr, "{}">:$stop, DefaultValuedAttr<BoolAttr, "false">:$chat,
                       OptionalAttr<I64Attr>:$prompt_tokens);
  let results = (outs Recipe_Samples:$result);
  let assemblyFormat = [{
    $name $model (`prompts` $prompts^)? (`on` $data^)? `tokens` custom<Integer>($tokens) attr-dict
  }];
}

def MergeOp : Recipe_Step<"merge", [Pure]> {
  let summary = "a model whose adapters are part of its weights";
  let description = [{
    ```mlir
    %whole = recipe.merge "whole" %run
    ```
  }];
  let arguments = (ins StrAttr:$name, Recipe_Model:$model);
  let results = (outs Recipe_Model:$result);
  let assemblyFormat = "$name $model attr-dict";
}

def LogitsOp : Recipe_Step<"logits", [Pure]> {
  let summary = "logits of every row of a data set, in file order, unpacked";
  let description = [{
    ```mlir
    %l = recipe.logits "l" %run on %held_out batch <2 x 48>
    ```
  }];
  let arguments = (ins StrAttr:$name, Recipe_Model:$model, Recipe_Dataset:$data, Recipe_Extent:$batch);
  let results = (outs Recipe_Logits:$result);
  let assemblyFormat = "$name $model `on` $data `batch` $batch attr-dict";
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

def SaveOp : Recipe_Op<"save"> {
  let summary = "writes a value";
  let description = [{
    Forms: `peft`, `safetensors` (trainable tensors, gradients, or logits), `huggingface` of a model, `text` of samples. `dtype`
    is the type of the written weights; absent, each keeps its own.

    ```mlir
    recipe.save "save1" %whole as "huggingface" to "out/model" {dtype = "bf16"} : !recipe.model
    ```
  }];
  let arguments = (ins StrAttr:$name, Recipe_Value:$value, StrAttr:$form, StrAttr:$path, OptionalAttr<StrAttr>:$dtype);
  let assemblyFormat = "$name $value `as` $form `to` $path attr-dict `:` type($value)";
  let hasVerifier = 1;
}

#endif // FTC_RECIPE_OPS
