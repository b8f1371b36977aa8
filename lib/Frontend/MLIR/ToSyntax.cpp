//===- ToSyntax.cpp - a recipe module as a syntax tree again --------------===//
//
// Definitions are elaborated from the syntax of their calls. The module is what
// counts: this makes the syntax from it, so that whatever changes the module
// changes what is elaborated.
//
//===----------------------------------------------------------------------===//

#include "ftc/Frontend/Parser.h"
#include "ftc/Frontend/Recipe.h"

#include "dialects/Recipe/IR/Recipe.h"

#include "mlir/IR/AttrTypeSubElements.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace ftc;
using namespace ftc::ast;
using namespace ftc::recipe;
using llvm::SMRange;
using llvm::StringRef;
using mlir::Attribute;

SMRange ftc::rangeOf(Attribute location, const llvm::SourceMgr &sources) {
  auto place = llvm::dyn_cast_if_present<mlir::FileLineColRange>(location);
  if (!place)
    return {};
  auto &searched = const_cast<llvm::SourceMgr &>(sources); // its queries fill caches and are not const
  for (unsigned id = 1; id <= sources.getNumBuffers(); ++id)
    if (sources.getMemoryBuffer(id)->getBufferIdentifier() == place.getFilename().getValue())
      return {searched.FindLocForLineAndColumn(id, place.getStartLine(), place.getStartColumn()),
              searched.FindLocForLineAndColumn(id, place.getEndLine(), place.getEndColumn())};
  return {};
}

std::string ftc::identityOf(mlir::Operation *step) {
  mlir::AttrTypeReplacer forget;
  forget.addReplacement(
      [](mlir::LocationAttr place) -> Attribute { return mlir::UnknownLoc::get(place.getContext()); });
  mlir::OwningOpRef<mlir::Operation *> copy(step->clone());
  forget.replaceElementsIn(copy.get(), /*replaceAttrs=*/true, /*replaceLocs=*/false, /*replaceTypes=*/false);
  std::string text;
  llvm::raw_string_ostream out(text);
  // Operands by the names of their steps: a clone is in no block that could name them.
  for (mlir::Value operand : step->getOperands())
    out << operand.getDefiningOp()->getAttrOfType<mlir::StringAttr>("name").getValue() << " ";
  out << copy->getName().getStringRef() << copy->getAttrDictionary();
  return text;
}

namespace {
/// Makes expressions that stand at one place, but for what knows its own.
class SyntaxBuilder {
public:
  explicit SyntaxBuilder(const llvm::SourceMgr &sources) : sources(sources) {}

  ExprPtr expr(Attribute value, SMRange range);
  /// The call that an op is; null for `recipe.source` and `recipe.save`.
  std::unique_ptr<CallExpr> call(mlir::Operation &op);
  Save save(SaveOp op);
  SMRange placeOf(mlir::Operation &op) { return rangeOf(op.getLoc(), sources); }

private:
  ExprPtr name(StringRef text, SMRange range);
  ExprPtr name(mlir::Value step, SMRange range);
  ExprPtr map(llvm::ArrayRef<LineAttr> lines, SMRange range);
  ExprPtr string(StringRef text, SMRange range);
  SMRange known(Attribute place, SMRange otherwise);

  /// A call under construction, its options as arguments or as lines of the map of a verb.
  struct Call {
    SyntaxBuilder &builder;
    std::unique_ptr<CallExpr> expr;
    MapExpr *options = nullptr;

    Call &operand(ExprPtr value);
    Call &set(StringRef key, ExprPtr value);
    Call &set(StringRef key, Attribute value);
    Call &model(StringRef key, mlir::Value value);
  };
  Call begin(StringRef callee, SMRange range, mlir::Value verbOn = {});
  void train(Call &call, TrainOp op);
  void generate(Call &call, GenerateOp op);
  void dataset(Call &call, DatasetOp op);

  const llvm::SourceMgr &sources;
};
} // namespace

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

SMRange SyntaxBuilder::known(Attribute place, SMRange otherwise) {
  SMRange range = rangeOf(place, sources);
  return range.isValid() ? range : otherwise;
}

ExprPtr SyntaxBuilder::name(StringRef text, SMRange range) {
  auto node = std::make_unique<NameExpr>(range);
  node->name = text.str();
  return node;
}

ExprPtr SyntaxBuilder::name(mlir::Value step, SMRange range) {
  return name(step.getDefiningOp()->getAttrOfType<mlir::StringAttr>("name").getValue(), range);
}

ExprPtr SyntaxBuilder::string(StringRef text, SMRange range) {
  auto node = std::make_unique<StringExpr>(range);
  node->value = text.str();
  return node;
}

ExprPtr SyntaxBuilder::map(llvm::ArrayRef<LineAttr> lines, SMRange range) {
  auto node = std::make_unique<MapExpr>(range);
  for (LineAttr line : lines) {
    SMRange place = known(line.getLoc(), range);
    MapEntry &entry = node->entries.emplace_back();
    entry.selector = parseSelector(line.getSelector(), place);
    entry.value = expr(line.getValue(), place);
    entry.range = place;
  }
  return node;
}

static ExprPtr quantity(QuantityAttr value, SMRange range) {
  auto node = std::make_unique<QuantityExpr>(range);
  node->value = value.getValue().getValueAsDouble();
  switch (value.getUnit()) {
  case recipe::Unit::Percent:
    node->unit = ast::Unit::Percent;
    break;
  case recipe::Unit::Steps:
    node->unit = ast::Unit::Steps;
    break;
  case recipe::Unit::Epochs:
    node->unit = ast::Unit::Epochs;
    break;
  case recipe::Unit::Bytes:
    node->unit = ast::Unit::KiB;
    node->value /= 1024;
    break;
  }
  return node;
}

ExprPtr SyntaxBuilder::expr(Attribute value, SMRange range) {
  return llvm::TypeSwitch<Attribute, ExprPtr>(value)
      .Case([&](mlir::BoolAttr flag) { return name(flag.getValue() ? "true" : "false", range); })
      .Case([&](mlir::IntegerAttr integer) {
        auto node = std::make_unique<IntegerExpr>(range);
        node->value = integer.getInt();
        return node;
      })
      .Case([&](mlir::FloatAttr real) {
        auto node = std::make_unique<NumberExpr>(range);
        node->value = real.getValueAsDouble();
        return node;
      })
      .Case([&](mlir::StringAttr text) { return string(text.getValue(), range); })
      .Case([&](mlir::ArrayAttr list) {
        auto node = std::make_unique<ListExpr>(range);
        for (Attribute element : list)
          node->values.push_back(expr(element, range));
        return node;
      })
      .Case([&](WordAttr word) { return name(word.getName(), range); })
      .Case([&](QuantityAttr value) { return quantity(value, range); })
      .Case([&](ExtentAttr extent) {
        auto node = std::make_unique<ExtentExpr>(range);
        node->first = extent.getFirst();
        node->second = extent.getSecond();
        return node;
      })
      .Case([&](MapAttr lines) { return map(lines.getLines(), range); })
      .Case([&](CallAttr call) {
        SMRange place = known(call.getLoc(), range);
        auto node = std::make_unique<CallExpr>(place);
        node->callee = name(call.getName(), place);
        for (mlir::NamedAttribute argument : call.getArguments())
          node->arguments.push_back({{argument.getName().str(), place}, expr(argument.getValue(), place), place});
        return node;
      });
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

SyntaxBuilder::Call &SyntaxBuilder::Call::operand(ExprPtr value) {
  SMRange range = value->range;
  expr->arguments.push_back({{}, std::move(value), range});
  return *this;
}

SyntaxBuilder::Call &SyntaxBuilder::Call::set(StringRef key, ExprPtr value) {
  SMRange range = value->range;
  if (!options) {
    expr->arguments.push_back({{key.str(), range}, std::move(value), range});
    return *this;
  }
  MapEntry &entry = options->entries.emplace_back();
  entry.selector = parseSelector(key, range);
  entry.value = std::move(value);
  entry.range = range;
  return *this;
}

SyntaxBuilder::Call &SyntaxBuilder::Call::set(StringRef key, Attribute value) {
  return value ? set(key, builder.expr(value, expr->range)) : *this;
}

SyntaxBuilder::Call &SyntaxBuilder::Call::model(StringRef key, mlir::Value value) {
  return value ? set(key, builder.name(value, expr->range)) : *this;
}

SyntaxBuilder::Call SyntaxBuilder::begin(StringRef callee, SMRange range, mlir::Value verbOn) {
  Call call{*this, std::make_unique<CallExpr>(range)};
  call.expr->callee = name(callee, range);
  if (!verbOn)
    return call;
  call.expr->verb = true;
  call.operand(name(verbOn, range));
  auto options = std::make_unique<MapExpr>(range);
  call.options = options.get();
  call.operand(std::move(options));
  return call;
}

void SyntaxBuilder::dataset(Call &call, DatasetOp op) {
  SMRange range = call.expr->range;
  call.operand(string(op.getPath(), range)).set("format", name(op.getFormat(), range));
  if (!op.getFields().empty()) {
    auto fields = std::make_unique<MapExpr>(range);
    for (mlir::NamedAttribute field : op.getFields()) {
      MapEntry &entry = fields->entries.emplace_back();
      entry.selector = parseSelector(field.getName(), range);
      entry.value = expr(field.getValue(), range);
    }
    call.set("fields", std::move(fields));
  }
  if (!op.getNumbers().empty())
    call.set("numbers", op.getNumbersAttr());
  call.set("prompt_loss", op.getPromptLossAttr()).set("limit", op.getLimitAttr()).model("tokenizer", op.getTokenizer());
  if (op.getTokenIds())
    call.set("tokenizer", name("none", range));
  for (mlir::NamedAttribute option :
       op.getInfillAttr() ? op.getInfillAttr().getValue() : llvm::ArrayRef<mlir::NamedAttribute>())
    call.set(option.getName(), option.getValue());
  if (!op.getShuffle())
    call.set("shuffle", name("none", range));
}

void SyntaxBuilder::train(Call &call, TrainOp op) {
  SMRange range = call.expr->range;
  call.model("data", op.getData()).set("objective", op.getObjectiveAttr()).set("optimizer", op.getOptimizer());
  call.set("schedule", op.getScheduleAttr()).set("batch", op.getBatchAttr()).set("micro_batch", op.getMicroBatchAttr());
  call.set("steps", op.getStepsAttr()).set("epochs", op.getEpochsAttr()).set("seed", op.getSeedAttr());
  call.set("checkpoint_every", op.getCheckpointEveryAttr()).set("precision", op.getPrecisionAttr());
  if (auto bytes = op.getMemory())
    call.set("memory",
             QuantityAttr::get(op.getContext(), mlir::Builder(op).getF64FloatAttr(*bytes), recipe::Unit::Bytes));
  if (op.getGradientClipAttr())
    call.set("gradient_clip", op.getGradientClipAttr());
  else
    call.set("gradient_clip", name("none", range));
  if (!op.getPacking())
    call.set("packing", name("none", range));
}

void SyntaxBuilder::generate(Call &call, GenerateOp op) {
  call.set("prompts", op.getPromptsAttr()).model("prompts", op.getData()).set("tokens", op.getTokensAttr());
  call.set("temperature", op.getTemperatureAttr()).set("top_k", op.getTopKAttr()).set("top_p", op.getTopPAttr());
  call.set("seed", op.getSeedAttr()).set("stop", op.getStopAttr()).set("chat", op.getChatAttr());
  call.set("prompt_tokens", op.getPromptTokensAttr());
}

std::unique_ptr<CallExpr> SyntaxBuilder::call(mlir::Operation &op) {
  SMRange range = placeOf(op);
  auto unpacked = [&](Call &call, bool packing) {
    if (!packing)
      call.set("packing", name("none", range));
  };
  return llvm::TypeSwitch<mlir::Operation *, std::unique_ptr<CallExpr>>(&op)
      .Case([&](LoadOp load) {
        Call call = begin("load", range);
        return std::move(call.operand(string(load.getPath(), range)).model("base", load.getBase()).expr);
      })
      .Case([&](DatasetOp data) {
        Call call = begin("dataset", range);
        dataset(call, data);
        return std::move(call.expr);
      })
      .Case([&](AdaptOp adapt) {
        auto node = std::make_unique<CallExpr>(range);
        node->verb = true;
        node->callee = name("adapt", range);
        node->arguments.push_back({{}, name(adapt.getModel(), range), range});
        node->arguments.push_back({{}, map(adapt.getLines().getLines(), range), range});
        return node;
      })
      .Case([&](RestoreOp restore) {
        Call call = begin("restore", range);
        return std::move(call.operand(name(restore.getModel(), range)).operand(string(restore.getPath(), range)).expr);
      })
      .Case([&](MergeOp merge) {
        Call call = begin("merge", range);
        return std::move(call.operand(name(merge.getModel(), range)).expr);
      })
      .Case([&](ConfigureOp configure) {
        Call call = begin("configure", range);
        call.operand(name(configure.getModel(), range));
        for (mlir::NamedAttribute key : configure.getKeys())
          call.set(key.getName(), key.getValue());
        return std::move(call.expr);
      })
      .Case([&](LogitsOp logits) {
        Call call = begin("logits", range);
        call.operand(name(logits.getModel(), range)).model("data", logits.getData());
        unpacked(call.set("batch", logits.getBatchAttr()), /*packing=*/false);
        return std::move(call.expr);
      })
      .Case([&](GradientsOp gradients) {
        Call call = begin("gradients", range);
        call.operand(name(gradients.getModel(), range)).model("data", gradients.getData());
        call.set("objective", gradients.getObjectiveAttr()).set("batch", gradients.getBatchAttr());
        unpacked(call, gradients.getPacking());
        return std::move(call.expr);
      })
      .Case([&](EvaluateOp evaluate) {
        Call call = begin("evaluate", range, evaluate.getModel());
        call.model("data", evaluate.getData()).set("objective", evaluate.getObjectiveAttr());
        call.set("batch", evaluate.getBatchAttr()).set("precision", evaluate.getPrecisionAttr());
        unpacked(call, evaluate.getPacking());
        return std::move(call.expr);
      })
      .Case([&](TrainOp op) {
        Call call = begin("train", range, op.getModel());
        train(call, op);
        return std::move(call.expr);
      })
      .Case([&](GenerateOp op) {
        Call call = begin("generate", range, op.getModel());
        generate(call, op);
        return std::move(call.expr);
      })
      .Default([](mlir::Operation *) { return nullptr; });
}

Save SyntaxBuilder::save(SaveOp op) {
  SMRange range = placeOf(*op);
  Call form = begin(op.getForm(), range);
  form.operand(string(op.getPath(), range));
  if (op.getDtype())
    form.set("dtype", name(*op.getDtype(), range));
  return {name(op.getValue(), range), std::move(form.expr), range};
}

std::unique_ptr<File> ftc::toFile(mlir::ModuleOp recipe, const llvm::SourceMgr &sources) {
  auto file = std::make_unique<File>();
  SyntaxBuilder builder(sources);
  for (mlir::Operation &op : *recipe.getBody()) {
    if (auto source = llvm::dyn_cast<SourceOp>(op); source && file->path.empty())
      file->path = source.getPath().str();
    if (auto save = llvm::dyn_cast<SaveOp>(op))
      file->saves.push_back(builder.save(save));
    SMRange range = builder.placeOf(op);
    if (auto call = builder.call(op))
      file->bindings.push_back({{op.getAttrOfType<mlir::StringAttr>("name").str(), range}, std::move(call), range});
  }
  return file;
}
