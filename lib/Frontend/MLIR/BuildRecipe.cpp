//===- BuildRecipe.cpp - a recipe as a module -----------------------------===//

#include "Sema.h"

#include "ftc/Frontend/Parser.h"
#include "ftc/Frontend/Recipe.h"

#include "mlir/IR/Verifier.h"

#include "llvm/ADT/StringExtras.h"

using namespace ftc;
using namespace ftc::ast;
using namespace ftc::recipe;
using namespace mlir;
using llvm::SMRange;
using llvm::StringRef;

Sema::Sema(DefinitionLibrary &library, const File &file, MLIRContext &context)
    : diags(library.diagnostics()), library(library), file(file), builder(&context) {}

bool Sema::build(const std::map<std::string, std::string> &defines, ModuleOp module) {
  unsigned before = diags.errorCount();
  builder.setInsertionPointToEnd(module.getBody());
  emitSources();
  bindNames();
  readInputs(defines);
  if (diags.errorCount() != before)
    return false;
  for (auto &[name, bound] : bindings)
    buildBinding(bound);
  for (const Save &save : file.saves)
    buildSave(save);
  if (diags.errorCount() == before)
    warnAboutUnused();
  return diags.errorCount() == before;
}

void Sema::emitSources() {
  for (const File *source : library.userFiles())
    SourceOp::create(builder, builder.getUnknownLoc(), builder.getStringAttr(source->path),
                     builder.getStringAttr(diags.sourceManager().getMemoryBuffer(source->bufferId)->getBuffer()));
}

LocationAttr Sema::locationOf(SMRange range) {
  llvm::SourceMgr &sources = diags.sourceManager();
  unsigned buffer = sources.FindBufferContainingLoc(range.Start);
  auto [line, column] = sources.getLineAndColumn(range.Start, buffer);
  auto [endLine, endColumn] = sources.getLineAndColumn(range.End, buffer);
  return FileLineColRange::get(builder.getStringAttr(sources.getMemoryBuffer(buffer)->getBufferIdentifier()), line,
                               column, endLine, endColumn);
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// Inputs and bindings: each name once, and none that is a value of the language.
void Sema::bindNames() {
  auto claim = [&](const Name &name) {
    if (name.text == "true" || name.text == "false" || name.text == "none") {
      diags.report(Diag::ValueOfTheLanguage, name.range, name.text);
      return false;
    }
    auto [place, isNew] = nameRanges.try_emplace(name.text, name.range);
    if (!isNew)
      diags.report(Diag::DuplicateName, name.range, name.text).note(place->second, "first bound here");
    return isNew;
  };
  for (const Input &input : file.inputs)
    claim(input.name);
  for (const Binding &binding : file.bindings)
    if (claim(binding.name))
      bindings[binding.name.text].binding = &binding;
}

bool Sema::buildBinding(Bound &bound) {
  if (bound.state == Bound::Done) {
    bool sound = bound.step || bound.value;
    if (!sound)
      ++dependent; // reported where it was built
    return sound;
  }
  const Binding &binding = *bound.binding;
  if (bound.state == Bound::Active) {
    diags.report(Diag::CyclicBinding, binding.name.range, binding.name.text);
    return false;
  }
  bound.state = Bound::Active;
  if (isStep(*binding.value)) {
    bound.step = buildStep(llvm::cast<CallExpr>(*binding.value), binding.name.text);
  } else if (auto *name = llvm::dyn_cast<NameExpr>(binding.value.get()); name && bindings.contains(name->name)) {
    // Another name for a step or a value.
    Bound &target = bindings.find(name->name)->second;
    target.used = true;
    if (buildBinding(target)) {
      bound.step = target.step;
      bound.value = target.value;
    }
  } else {
    bound.value = evaluate(*binding.value);
  }
  bound.state = Bound::Done;
  return bound.step || bound.value;
}

/// What nothing uses is done in vain, unless the user sees its course: a training, an evaluation, generated text.
void Sema::warnAboutUnused() {
  for (const auto &[name, bound] : bindings) {
    Operation *op = bound.step ? bound.step.getDefiningOp() : nullptr;
    if (!bound.used && !llvm::isa_and_present<TrainOp, EvaluateOp, GenerateOp>(op))
      diags.report(Diag::UnusedBinding, bound.binding->name.range, name);
  }
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

void Sema::readInputs(const std::map<std::string, std::string> &defines) {
  std::vector<StringRef> names;
  for (const Input &input : file.inputs)
    names.push_back(input.name.text);
  for (const auto &[name, value] : defines)
    if (!llvm::is_contained(names, name))
      diags.report(Diag::UnknownInput, SMRange(), name).nearest(name, names);
  for (const Input &input : file.inputs) {
    auto define = defines.find(input.name.text);
    Attribute value;
    SMRange range = input.range;
    if (define != defines.end()) {
      value = readDefine(input, define->second);
    } else if (input.defaultValue) {
      range = input.defaultValue->range;
      value = evaluate(*input.defaultValue);
    } else {
      diags.report(Diag::InputWithoutValue, input.range, input.name.text)
          .help("give it with -D " + input.name.text + "=..., or a default with '='");
    }
    if (value && checkInput(input, value, range))
      inputs[input.name.text] = value;
  }
}

/// The text after `-D name=` is an expression, for a string the text itself.
Attribute Sema::readDefine(const Input &input, const std::string &text) {
  if (input.type.element.text == "string" && !input.type.axes)
    return builder.getStringAttr(text);
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy("value = " + text, "-D " + input.name.text);
  unsigned bufferId = diags.sourceManager().AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  unsigned before = diags.errorCount();
  std::unique_ptr<File> parsed = parseFile(diags.sourceManager(), bufferId, diags);
  if (diags.errorCount() != before)
    return {};
  if (parsed->bindings.size() != 1) {
    diags.report(Diag::WrongValue, input.range, "-D " + input.name.text, "a value", "'" + text + "'");
    return {};
  }
  return evaluate(*parsed->bindings.front().value);
}

static constexpr StringRef typeNames[] = {"int", "real", "bool", "string", "steps"};

bool Sema::checkInput(const Input &input, Attribute &value, SMRange range) {
  StringRef type = input.type.element.text;
  if (input.type.axes || !llvm::is_contained(typeNames, type)) {
    diags.report(Diag::WrongValue, input.type.range, "the type of an input",
                 llvm::join(llvm::ArrayRef(typeNames), ", "),
                 input.type.axes ? "a list or tensor" : "'" + type.str() + "'");
    return false;
  }
  Attribute converted = convertTo(type, value);
  if (!converted)
    diags.report(Diag::WrongValue, range, "'" + input.name.text + "'", expectedOf(type), describe(value))
        .note(input.type.range, "its type is declared here");
  value = converted;
  return converted != nullptr;
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> ftc::buildRecipe(const std::string &path, const std::map<std::string, std::string> &defines,
                                       DefinitionLibrary &library, MLIRContext &context) {
  context.loadDialect<RecipeDialect>();
  unsigned before = library.diagnostics().errorCount();
  const File *file = library.loadRecipe(path);
  if (!file || library.diagnostics().errorCount() != before)
    return {};
  OwningOpRef<ModuleOp> module = ModuleOp::create(FileLineColLoc::get(&context, path, 1, 1));
  if (!Sema(library, *file, context).build(defines, *module))
    return {};
  if (failed(verify(*module))) // A bug of ours: what a verifier refuses must have been reported above.
    return {};
  return module;
}
