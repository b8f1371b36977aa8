//===- Data.cpp - data sets, and the batches that programs see of them -----===//

#include "Converter.h"

#include "ftc/Runtime/Data/Record.h"

using namespace ftc;
using namespace ftc::elaborate;
using namespace ftc::recipe_to_tune;

/// How many tokens a model knows: ids of data are checked against it.
static std::optional<int64_t> vocabularyOf(const StepValue &step) {
  const auto *config = step.model ? step.model->model().config().as<Value::Object>() : nullptr;
  if (!config)
    return std::nullopt;
  auto found = (*config)->find("vocab_size");
  const auto *size = found != (*config)->end() ? found->second.as<int64_t>() : nullptr;
  return size ? std::optional(*size) : std::nullopt;
}

StepValue Converter::dataset(const StepCall &call) {
  StepValue result;
  mlir::MLIRContext *context = elaborator.module().getContext();
  Fields fields(context);
  fields.set("path", *text(call.operand(0))).set("format", text(call, "format").value_or("completion"));
  Fields renamed(context);
  if (const auto *names = llvm::dyn_cast_or_null<ast::MapExpr>(call.option("fields")))
    for (const ast::MapEntry &entry : names->entries)
      if (Value name = value(entry.value.get()); name.is<std::string>())
        renamed.set(entry.key(), *name.as<std::string>());
  if (const auto *list = llvm::dyn_cast_or_null<ast::ListExpr>(call.option("numbers"))) {
    result.numbers = texts(*list);
    fields.setTexts("numbers", result.numbers);
  }
  fields.set("fields", renamed).set("prompt_loss", real(call, "prompt_loss").value_or(0));
  fields.set("shuffle", flag(call, "shuffle", true));
  if (auto limit = integer(call, "limit"))
    fields.set("limit", *limit);
  std::string format = text(call, "format").value_or("");
  result.rows = &runtime::data::recordKindOf(format);
  addInfilling(call, fields);
  const ast::Expr *tokenizer = call.option("tokenizer");
  bool hasIds = format == "tokens" || (tokenizer && isNone(tokenizer));
  if (const StepValue *model = tokenizerFor(call, /*needed=*/!hasIds)) {
    if (auto size = vocabularyOf(*model))
      fields.set("vocabulary", *size);
    if (!hasIds) {
      fields.set("tokenizer", model->name);
      result.uses = {model->name};
    }
  }
  finish(result, call, std::move(fields));
  return result;
}

/// The options of the format that moves the middle of texts to their ends.
void Converter::addInfilling(const StepCall &call, Fields &fields) {
  for (llvm::StringRef key : {"rate", "spm"})
    if (auto share = real(call, key))
      fields.set(key, *share);
  if (auto seed = integer(call, "seed"))
    fields.set("seed", *seed);
  if (const auto *list = llvm::dyn_cast_or_null<ast::ListExpr>(call.option("sentinels")))
    fields.setTexts("sentinels", texts(*list));
}

std::vector<std::string> Converter::texts(const ast::ListExpr &list) {
  std::vector<std::string> texts;
  for (const ast::ExprPtr &expr : list.values)
    if (Value text = value(expr.get()); text.is<std::string>())
      texts.push_back(*text.as<std::string>());
  return texts;
}

/// The `load` step whose tokenizer reads a data set: below the model of option `tokenizer`, or the recipe's only one.
const StepValue *Converter::tokenizerFor(const StepCall &call, bool needed) {
  if (const ast::Expr *named = call.option("tokenizer"); named && !isNone(named)) {
    const StepValue *model = stepOf(named);
    return model ? &steps.at(model->load) : nullptr;
  }
  std::set<std::string> loads;
  for (const ast::Binding &binding : file.bindings) {
    const auto *found = llvm::cast<ast::CallExpr>(binding.value.get());
    StepCall load(binding.name.text, *found);
    if (load.kind() != "load" || load.option("base"))
      continue;
    const StepValue &loaded = step(binding.name.text, *found);
    if (loaded.model)
      loads.insert(loaded.load);
  }
  if (loads.size() == 1)
    return &steps.at(*loads.begin());
  if (loads.size() > 1 && needed)
    error(Diag::MissingOption, call.range(), "tokenizer");
  return nullptr;
}

/// Names the input tensors of one text.
static void nameInputs(Batch &batch, const std::string &prefix) {
  for (auto [field, name] : {std::pair(&Batch::ids, "input_ids"),
                             {&Batch::targets, "targets"},
                             {&Batch::weights, "weights"},
                             {&Batch::positions, "positions"},
                             {&Batch::segments, "segments"}})
    batch.*field = prefix + name;
}

/// Reads `batch`, `micro_batch` and `packing`. `whole`: the loss mixes the rows of a batch.
Batch Converter::makeBatch(const StepCall &call, const StepValue &model, const StepValue &data, bool whole,
                           Fields &fields) {
  const auto &extent = llvm::cast<ast::ExtentExpr>(*call.option("batch"));
  // A text of a row with a field, or with several texts, has a place of its own.
  bool packing = flag(call, "packing", true) && !whole && data.rows->isOneText();
  RowShape rows{extent.first, integer(call, "micro_batch").value_or(extent.first), extent.second, packing, whole};
  if (whole && rows.micro != rows.sequences)
    error(Diag::WrongOption, call.range(), "micro_batch: the objective mixes the rows of a batch, which stays whole");
  return batchOf(call, model, data, rows, fields);
}

/// Names the input tensors of a micro-batch. A row of one document is longer by the tokens that the model puts before
/// it; rows that documents share hold those among their own.
Batch Converter::batchOf(const StepCall &call, const StepValue &model, const StepValue &data, const RowShape &rows,
                         Fields &fields) {
  Batch batch;
  batch.tokens = rows.tokens;
  batch.sequences = rows.micro;
  batch.share = double(rows.micro) / double(rows.sequences);
  batch.packed = rows.packing;
  batch.form = recordFormOf(*data.rows);
  batch.form.numbers = data.numbers;
  batch.virtualTokens = model.model->virtualTokens(elaborator);
  if (!rows.packing)
    batch.tokens += batch.virtualTokens;
  else if (batch.tokens <= batch.virtualTokens)
    error(Diag::WrongOption, call.range(),
          "batch: rows of " + llvm::Twine(batch.tokens) + " tokens have no room beside " +
              llvm::Twine(batch.virtualTokens) + " tokens that the model puts before each document");
  Fields shape(elaborator.module().getContext());
  if (batch.virtualTokens)
    shape.set("virtual", batch.virtualTokens);
  shape.set("sequences", rows.sequences).set("tokens", batch.tokens).set("micro", rows.micro);
  shape.set("packing", rows.packing).set("whole", rows.whole);
  fields.set("batch", shape);
  batch.row = call.name + ".row";
  batch.key = call.name + ".key";
  batch.field = call.name + ".field";
  batch.numbers = call.name + ".numbers.";
  if (call.kind() == "train") {
    batch.step = call.name + ".step";
    batch.steps = call.name + ".steps";
  }
  nameInputs(batch, call.name + ".");
  for (const std::string &text : batch.form.texts) {
    Batch &part = batch.texts.emplace_back();
    part.sequences = batch.sequences;
    part.tokens = batch.tokens;
    part.virtualTokens = batch.virtualTokens;
    part.row = batch.row;
    part.key = batch.key;
    part.step = batch.step;
    part.steps = batch.steps;
    part.form = batch.form;
    part.numbers = batch.numbers;
    nameInputs(part, call.name + "." + text + ".");
  }
  return batch;
}

/// Those inputs that some program reads.
Fields Converter::inputsOf(const StepCall &call, const Batch &batch) {
  Fields inputs(elaborator.module().getContext());
  auto add = [&](Fields &to, llvm::ArrayRef<std::string> symbols) {
    for (const std::string &input : symbols)
      if (declared(input))
        to.setSymbol(llvm::StringRef(input).rsplit('.').second, input);
  };
  add(inputs,
      {batch.ids, batch.targets, batch.weights, batch.positions, batch.segments, batch.row, batch.key, batch.field,
       call.name + ".step", call.name + ".steps", call.name + ".steps_per_epoch", call.name + ".denominators"});
  Fields numbers(elaborator.module().getContext());
  for (const std::string &number : batch.form.numbers)
    if (declared(batch.numbers + number))
      numbers.setSymbol(number, batch.numbers + number);
  if (!numbers.empty())
    inputs.set("numbers", numbers);
  if (batch.texts.empty())
    return inputs;
  Fields texts(elaborator.module().getContext());
  for (auto [name, text] : llvm::zip_equal(batch.form.texts, batch.texts)) {
    Fields own(elaborator.module().getContext());
    add(own, {text.ids, text.targets, text.weights, text.positions, text.segments});
    texts.set(name, own);
  }
  return inputs.set("texts", texts);
}
