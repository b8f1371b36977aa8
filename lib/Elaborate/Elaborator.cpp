#include "ftc/Elaborate/Elaborator.h"

#include "Evaluator.h"

#include <numbers>

using namespace ftc;
using namespace ftc::elaborate;

Elaborator::Elaborator(DefinitionLibrary &library, Diagnostics &diags, mlir::ModuleOp module)
    : definitions(library), diags(diags), moduleOp(module), table(module) {
  globalScope = &newScope(nullptr);
  globalScope->define("pi", Value(std::numbers::pi));
  globalScope->define("true", Value(true));
  globalScope->define("false", Value(false));
  globalScope->define("none", Value::none());
  globalScope->define("zeros", Value(0.0));
  globalScope->define("ones", Value(1.0));
  recipeScope = &newScope(globalScope);
}

Scope &Elaborator::newScope(Scope *parent) {
  scopes.emplace_back(parent);
  return scopes.back();
}

Scope &Elaborator::definitionScope(const ast::Definition &definition) {
  Scope &scope = newScope(globalScope);
  scope.setFile(definitions.fileOf(&definition));
  return scope;
}

void Elaborator::setBeside(std::vector<Scope *> scopes) {
  siteScopes.push_back(std::move(scopes));
  for (Scope *scope : siteScopes.back())
    beside[scope] = &siteScopes.back();
}

llvm::ArrayRef<Scope *> Elaborator::sitesBeside(const Scope &scope) const {
  for (const Scope *around = &scope; around; around = around->parent())
    if (const std::vector<Scope *> *scopes = beside.lookup(around))
      return *scopes;
  return {};
}

Value Elaborator::definition(llvm::StringRef name, Scope &scope) {
  auto [known, isNew] = definitionsFrom[scope.file()].try_emplace(name);
  if (isNew)
    known->second = findDefinition(name, scope.file());
  return known->second;
}

Value Elaborator::findDefinition(llvm::StringRef name, const ast::File *from) const {
  using Kind = ast::DefinitionKind;
  auto functions = definitions.findAll(Kind::Function, name, from);
  auto applied = std::make_shared<Applied>();
  applied->name = name.str();
  bool hidesFunction = false;
  for (Kind kind : {Kind::Module, Kind::Model, Kind::Adapter, Kind::Optimizer, Kind::Schedule, Kind::Objective,
                    Kind::Format, Kind::Merge}) {
    auto found = definitions.findAll(kind, name, from);
    // The user's own hide the library's: those are not in sight from where such a function stands.
    if (!functions.empty())
      hidesFunction |= found != definitions.findAll(kind, name, definitions.fileOf(functions.front()));
    llvm::append_range(applied->definitions, found);
  }
  if (!functions.empty() && !hidesFunction)
    return LibraryFunction{functions.front()};
  if (applied->definitions.empty())
    return {};
  return std::shared_ptr<const Applied>(std::move(applied));
}

mlir::Location Elaborator::locationOf(llvm::SMRange range) {
  mlir::MLIRContext *context = moduleOp.getContext();
  if (!range.isValid())
    return mlir::UnknownLoc::get(context);
  mlir::LocationAttr &known = locations[{range.Start.getPointer(), range.End.getPointer()}];
  if (known)
    return known;
  llvm::SourceMgr &sources = diags.sourceManager();
  unsigned buffer = sources.FindBufferContainingLoc(range.Start);
  if (!buffer)
    return known = mlir::UnknownLoc::get(context);
  auto [line, column] = sources.getLineAndColumn(range.Start, buffer);
  auto [lastLine, lastColumn] = sources.getLineAndColumn(range.End, buffer);
  auto name = mlir::StringAttr::get(context, sources.getMemoryBuffer(buffer)->getBufferIdentifier());
  return known = mlir::FileLineColRange::get(name, line, column, lastLine, lastColumn);
}

Value Elaborator::evaluate(const ast::Expr &expr) { return evaluateIn(expr, *recipeScope); }

Value Elaborator::evaluateIn(const ast::Expr &expr, Scope &scope) { return Evaluator(*this).eval(expr, scope); }

void Elaborator::bind(llvm::StringRef name, Value value) { recipeScope->redefine(name, std::move(value)); }
