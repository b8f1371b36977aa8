//===- Converter.cpp - the order of steps, and their options --------------===//

#include "Converter.h"
#include "Order.h"

#include "ftc/Conversion/RecipeToTune.h"
#include "ftc/Frontend/Recipe.h"
#include "ftc/Runtime/Core/Hash.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Path.h"

using namespace ftc;
using namespace ftc::elaborate;
using namespace ftc::recipe_to_tune;

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

StepCall::StepCall(std::string name, const ast::CallExpr &call) : name(std::move(name)), call(call) {
  for (const ast::Argument &argument : call.arguments)
    if (!argument.name)
      operands.push_back(argument.value.get());
}

llvm::StringRef StepCall::kind() const { return llvm::cast<ast::NameExpr>(call.callee.get())->name; }

const ast::MapExpr *StepCall::map() const {
  return operands.empty() ? nullptr : llvm::dyn_cast<ast::MapExpr>(operands.back());
}

const ast::Expr *StepCall::option(llvm::StringRef key) const {
  for (const ast::Argument &argument : call.arguments)
    if (argument.name.text == key)
      return argument.value.get();
  if (const ast::MapExpr *options = map())
    for (const ast::MapEntry &entry : options->entries)
      if (entry.key() == key)
        return entry.value.get();
  return nullptr;
}

const ast::Expr *StepCall::operand(unsigned index) const { return index < operands.size() ? operands[index] : nullptr; }

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

Converter::Converter(Elaborator &elaborator, const ast::File &file, std::map<std::string, std::string> identities)
    : elaborator(elaborator), file(file), identities(std::move(identities)) {
  folder = llvm::sys::path::parent_path(file.path).str();
}

bool Converter::convert() {
  // In the order of the file, but for steps that others need earlier.
  for (const ast::Binding &binding : file.bindings)
    step(binding.name.text, llvm::cast<ast::CallExpr>(*binding.value));
  for (const ast::Save &saved : file.saves)
    save(saved);
  if (elaborator.diagnostics().errorCount())
    return false;
  describeStorage();
  orderSteps(elaborator.module());
  return elaborator.diagnostics().errorCount() == 0;
}

void Converter::visitAdapters(llvm::function_ref<void(const AdapterGroup &)> visit) const {
  std::set<const AdapterGroup *> seen;
  for (const auto &[name, value] : steps)
    if (value.kind == "adapt" && value.model)
      for (const auto &group : value.model->groups())
        if (seen.insert(group.get()).second)
          visit(*group);
}

const StepValue &Converter::step(const ast::Expr &expr) {
  llvm::StringRef name = llvm::cast<ast::NameExpr>(expr).name;
  auto binding = llvm::find_if(file.bindings, [&](const ast::Binding &one) { return one.name.text == name; });
  assert(binding != file.bindings.end() && "the front end has bound every step to a name");
  return step(name.str(), llvm::cast<ast::CallExpr>(*binding->value));
}

const StepValue &Converter::step(const std::string &name, const ast::CallExpr &expr) {
  if (auto found = steps.find(name); found != steps.end())
    return found->second;
  StepCall call(name, expr);
  using Method = StepValue (Converter::*)(const StepCall &);
  static const std::map<llvm::StringRef, Method> methods = {
      {"load", &Converter::load},           {"dataset", &Converter::dataset},    {"adapt", &Converter::adapt},
      {"restore", &Converter::restore},     {"train", &Converter::train},        {"merge", &Converter::merge},
      {"evaluate", &Converter::evaluate},   {"generate", &Converter::generate},  {"logits", &Converter::logits},
      {"gradients", &Converter::gradients}, {"configure", &Converter::configure}};
  StepValue value = (this->*methods.at(call.kind()))(call);
  return steps.insert_or_assign(name, std::move(value)).first->second;
}

const StepValue *Converter::stepOf(const ast::Expr *expr) {
  const StepValue &found = step(*expr);
  return found.kind.empty() ? nullptr : &found;
}

const StepValue *Converter::modelOf(const StepCall &call) { return stepOf(call.operand(0)); }

bool Converter::dependsOn(const StepValue &value, llvm::StringRef name) const {
  return value.name == name || llvm::any_of(value.uses, [&](const std::string &use) {
           return use != value.name && dependsOn(steps.at(use), name);
         });
}

//===----------------------------------------------------------------------===//
// Steps as ops
//===----------------------------------------------------------------------===//

void Converter::finish(StepValue &value, const StepCall &call, Fields fields) {
  finishAs(call.kind(), value, call, std::move(fields));
}

void Converter::finishAs(llvm::StringRef kind, StepValue &value, const StepCall &call, Fields fields) {
  value.name = call.name;
  value.kind = kind.str();
  value.range = call.range();
  llvm::sort(value.uses);
  value.uses.erase(std::unique(value.uses.begin(), value.uses.end()), value.uses.end());
  fields.set("kind", value.kind).setTexts("uses", value.uses);
  fields.set("hash", hashOf(value, fields));
  mlir::ModuleOp module = elaborator.module();
  auto builder = mlir::OpBuilder::atBlockEnd(module.getBody());
  tune::StepOp::create(builder, module.getLoc(), value.name, fields.get());
}

/// Identity of a step: what was asked, what became of it (its programs and tensors), and the identities of the steps
/// before it. So a definition that has changed concerns the steps that use it, and no others.
std::string Converter::hashOf(const StepValue &value, const Fields &fields) {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << fields.get();
  llvm::StringSet<> mentioned;
  fields.get().walk([&](mlir::FlatSymbolRefAttr symbol) { mentioned.insert(symbol.getValue()); });
  llvm::SmallVector<mlir::Operation *> parts;
  for (mlir::Operation &op : *elaborator.module().getBody())
    if (auto name = op.getAttrOfType<mlir::StringAttr>(mlir::SymbolTable::getSymbolAttrName());
        name && mentioned.contains(name.getValue()))
      parts.push_back(&op);
  auto isProgram = [](mlir::Operation *op) { return llvm::isa<mlir::func::FuncOp>(op); };
  for (mlir::Operation *part : llvm::make_filter_range(parts, isProgram))
    programTexts.begin(*part);
  mlir::AsmState state(elaborator.module().getContext());
  for (mlir::Operation *part : parts) {
    out << "\n";
    if (isProgram(part))
      out << programTexts.take(*part);
    else
      OpText(out, state).write(*part);
  }
  if (auto asked = identities.find(value.name); asked != identities.end())
    text += "\n" + asked->second;
  for (mlir::Operation &op : *elaborator.module().getBody())
    if (auto earlier = llvm::dyn_cast<tune::StepOp>(op))
      if (llvm::is_contained(value.uses, earlier.getSymName()))
        text += "\n" + earlier.getFields().getAs<mlir::StringAttr>("hash").str();
  if (value.kind == "load") // by which formats its blocks are decoded
    text += "\n" + elaborator.library().textOf(ast::DefinitionKind::Format);
  return runtime::hashBytes(text).hex();
}

void Converter::error(Diag code, llvm::SMRange range, const llvm::Twine &text) {
  elaborator.diagnostics().report(code, range, text.str());
}

mlir::FlatSymbolRefAttr Converter::symbol(llvm::StringRef name) const {
  return mlir::FlatSymbolRefAttr::get(elaborator.module().getContext(), name);
}

bool Converter::declared(llvm::StringRef symbol) const { return bool(elaborator.tensors().lookup(symbol)); }

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

Value Converter::value(const ast::Expr *expr) { return expr ? elaborator.evaluate(*expr) : Value::none(); }

bool Converter::isNone(const ast::Expr *expr) const {
  const auto *name = expr ? llvm::dyn_cast<ast::NameExpr>(expr) : nullptr;
  return name && name->name == "none";
}

std::optional<int64_t> Converter::integer(const StepCall &call, llvm::StringRef key) {
  const ast::Expr *expr = call.option(key);
  return expr ? value(expr).integer() : std::nullopt;
}

std::optional<double> Converter::real(const StepCall &call, llvm::StringRef key) {
  const ast::Expr *expr = call.option(key);
  return expr && !isNone(expr) ? value(expr).number() : std::nullopt;
}

std::optional<std::string> Converter::text(const ast::Expr *expr) {
  if (const auto *word = llvm::dyn_cast_or_null<ast::NameExpr>(expr))
    return word->name; // `format: alpaca`
  const auto *string = llvm::dyn_cast_or_null<ast::StringExpr>(expr);
  return string ? std::optional(string->value) : std::nullopt;
}

bool Converter::flag(const StepCall &call, llvm::StringRef key, bool fallback) {
  const ast::Expr *expr = call.option(key);
  if (!expr)
    return fallback;
  Value found = isNone(expr) ? Value(false) : value(expr);
  const bool *flag = found.as<bool>();
  return flag && *flag;
}

mlir::OwningOpRef<mlir::ModuleOp>
ftc::convertRecipeToTune(mlir::ModuleOp recipe, DefinitionLibrary &library, Diagnostics &diags, int &status,
                         llvm::function_ref<void(Elaborator &, const AdapterGroup &)> adapted) {
  recipe.getContext()
      ->loadDialect<tune::TuneDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::linalg::LinalgDialect,
                    mlir::math::MathDialect, mlir::tensor::TensorDialect>();
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(recipe.getLoc());
  Elaborator elaborator(library, diags, *module);
  std::unique_ptr<ast::File> file = toFile(recipe, diags.sourceManager());
  std::map<std::string, std::string> identities;
  for (mlir::Operation &op : *recipe.getBody())
    if (auto name = op.getAttrOfType<mlir::StringAttr>("name"))
      identities[name.str()] = identityOf(&op);
  Converter converter(elaborator, *file, std::move(identities));
  status = 0;
  if (!converter.convert()) {
    status = converter.status();
    return nullptr;
  }
  converter.visitAdapters([&](const AdapterGroup &group) { adapted(elaborator, group); });
  return module;
}
