//===- RecipeBase.td - Dialect, types and attributes -----------*- tablegen -*-===//

#ifndef FTC_RECIPE_BASE
#define FTC_RECIPE_BASE

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Recipe_Dialect : Dialect {
  let name = "recipe";
  let cppNamespace = "::ftc::recipe";
  let summary = "what was asked: steps over models and data sets";
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

class Recipe_Type<string name, string keyword, string what> : TypeDef<Recipe_Dialect, name> {
  let mnemonic = keyword;
  let summary = what;
}

def Recipe_Model : Recipe_Type<"Model", "model", "a model, with its adapters">;
def Recipe_Dataset : Recipe_Type<"Dataset", "dataset", "rows of a file">;
def Recipe_Scores : Recipe_Type<"Scores", "scores", "what an evaluation gives">;
def Recipe_Samples : Recipe_Type<"Samples", "samples", "generated texts">;
def Recipe_Logits : Recipe_Type<"Logits", "logits", "logits of a data set">;
def Recipe_Gradients : Recipe_Type<"Gradients", "gradients", "gradients of a model's trainable tensors">;
def Recipe_Value
    : AnyTypeOf<[Recipe_Model, Recipe_Dataset, Recipe_Scores, Recipe_Samples, Recipe_Logits, Recipe_Gradients]>;

//===----------------------------------------------------------------------===//
// Attributes: the values of the language that are no numbers, strings or lists
//===----------------------------------------------------------------------===//

class Recipe_Attr<string name, string keyword> : AttrDef<Recipe_Dialect, name> { let mnemonic = keyword; }

def Recipe_UnitEnum : I32EnumAttr<"Unit", "the unit of a quantity", [
    I32EnumAttrCase<"Percent", 0, "percent">, I32EnumAttrCase<"Bytes", 1, "bytes">,
    I32EnumAttrCase<"Steps", 2, "steps">, I32EnumAttrCase<"Epochs", 3, "epochs">]> {
  let cppNamespace = "::ftc::recipe";
  let genSpecializedAttr = 0;
}

def Recipe_Word : Recipe_Attr<"Word", "word"> {
  let summary = "a name that stands for itself";
  let description = [{`bf16`, `tokens`, `none`: `#recipe.word<"none">`}];
  let parameters = (ins StringRefParameter<>:$name);
  let assemblyFormat = "`<` $name `>`";
}

def Recipe_Quantity : Recipe_Attr<"Quantity", "quantity"> {
  let summary = "a number with a unit";
  let description = [{`3%`: `#recipe.quantity<3.0 : f64 percent>`; sizes are in bytes}];
  let parameters = (ins "::mlir::FloatAttr":$value, EnumParameter<Recipe_UnitEnum>:$unit);
  let assemblyFormat = "`<` $value $unit `>`";
  let genVerifyDecl = 1;
}

def Recipe_Extent : Recipe_Attr<"Extent", "extent"> {
  let summary = "rows x columns";
  let description = [{`16 x 512`: `#recipe.extent<16 x 512>`}];
  let parameters = (ins "int64_t":$first, "int64_t":$second);
  let assemblyFormat = "`<` $first `x` $second `>`";
  let genVerifyDecl = 1;
}

def Recipe_Call : Recipe_Attr<"Call", "call"> {
  let summary = "a definition with arguments";
  let description = [{
    `lora(rank: 16)`: `#recipe.call<"lora", {rank = 16 : i64}>`. Which kind of definition it is follows from where it
    stands. Arguments that are models are words of the operand's binding.
  }];
  let parameters = (ins StringRefParameter<>:$name, "::mlir::DictionaryAttr":$arguments,
                        OptionalParameter<"::mlir::LocationAttr">:$loc);
  let assemblyFormat = "`<` $name `,` $arguments (`,` $loc^)? `>`";
}

def Recipe_Line : Recipe_Attr<"Line", "line"> {
  let summary = "one line of a map";
  let description = [{`**.q_proj : 8`: `#recipe.line<"**.q_proj", 8 : i64>`; the location is the selector's}];
  let parameters = (ins StringRefParameter<>:$selector, "::mlir::Attribute":$value,
                        OptionalParameter<"::mlir::LocationAttr">:$loc);
  let assemblyFormat = "`<` $selector `,` $value (`,` $loc^)? `>`";
  let genVerifyDecl = 1;
}

def Recipe_Map : Recipe_Attr<"Map", "map"> {
  let summary = "values by selector, in order";
  let description = [{`{** : 8  **.mlp.** : 4}`: `#recipe.map<<"**", 8 : i64>, <"**.mlp.**", 4 : i64>>`}];
  let parameters = (ins ArrayRefParameter<"LineAttr">:$lines);
  let assemblyFormat = "`<` $lines `>`";
}

#endif // FTC_RECIPE_BASE
