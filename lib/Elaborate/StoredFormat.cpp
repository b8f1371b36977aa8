#include "StoredFormat.h"

#include "Format.h"
#include "ProgramState.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace ftc;
using namespace ftc::elaborate;
namespace arith = mlir::arith;

static int64_t countOf(llvm::ArrayRef<Dim> dims) {
  int64_t count = 1;
  for (Dim dim : dims)
    count *= dim->size;
  return count;
}

/// The dimensions of `on [(blocks, block)]` or `on [(all)]`: the tensor flattened, the last block padded.
static bool cut(Evaluator &evaluator, const ast::Definition &definition, Scope &scope, int64_t count, Dims &axes,
                llvm::SMRange at) {
  const auto *sites = definition.site && definition.site->axes ? &*definition.site->axes : nullptr;
  if (!sites || sites->size() != 1 || sites->front().names.empty()) {
    evaluator.diags()
        .report(Diag::ExpectedValue, at, "a format of flattened tensors, `on [(blocks, block)]`",
                "'" + definition.name.text + "'")
        .note(definition.name.range, "declared here");
    return false;
  }
  llvm::ArrayRef<ast::Name> names = sites->front().names;
  Dims inner;
  for (const ast::Name &name : names.drop_front()) {
    Dim dim = evaluator.dimOf(name.text, scope, name.range);
    if (!dim)
      return false;
    inner.push_back(dim);
  }
  int64_t block = countOf(inner);
  if (block < 1) {
    evaluator.diags().report(Diag::ExpectedValue, at, "a block with entries", "one without");
    return false;
  }
  axes = {evaluator.shared.dimensions().make(names.front().text, (count + block - 1) / block)};
  scope.define(names.front().text, Value(axes.front()), names.front().range);
  axes.append(inner);
  return true;
}

/// A scope with the format's parameters, dimensions, constants and equations.
Scope *StoredFormat::makeScope(Evaluator &evaluator, Dims &axes, llvm::SMRange at) {
  Scope &scope = evaluator.shared.definitionScope(*definition);
  Arguments arguments = format->arguments;
  if (!arguments.range.isValid())
    arguments.range = at;
  if (!evaluator.bindParameters(*definition, arguments, scope))
    return nullptr;
  scope.define("elements", Value(countOf(dims)));
  defineFormat(evaluator, *definition, scope);
  return cut(evaluator, *definition, scope, countOf(dims), axes, at) ? &scope : nullptr;
}

/// Declares the tensor of a `store` item, unless its value is a number known when compiling.
bool StoredFormat::addField(Evaluator &evaluator, const ast::Declaration &declaration, const std::string &symbol,
                            tune::Kind kind) {
  const ast::Name &name = declaration.targets.front();
  Field field{&declaration, name.text, symbol + "." + name.text, {}};
  if (!declaration.value || !declaration.type || !declaration.type->axes) {
    evaluator.diags().report(Diag::ExpectedValue, declaration.range, "a field with a type and a value",
                             "one that is only read");
    return false;
  }
  std::optional<Dims> own = evaluator.dimsOf(*declaration.type->axes, *readScope);
  if (!own)
    return false;
  field.dims = *own;
  llvm::StringRef element = declaration.type->element.text;
  field.isSigned = element.starts_with("i");
  bool isInteger = field.isSigned || element.starts_with("u");
  if (!element.empty() && (!isInteger || element.drop_front().getAsInteger(10, field.bits) || field.bits > 8)) {
    evaluator.diags().report(Diag::ExpectedValue, declaration.range, "integers of at most 8 bits, or reals",
                             "'" + element.str() + "'");
    return false;
  }
  if (field.bits)
    evaluator.shared.tensors().declare(
        field.symbol, kind,
        mlir::RankedTensorType::get(sizesOf(field.dims),
                                    mlir::IntegerType::get(evaluator.shared.module().getContext(), 8)));
  else
    evaluator.shared.tensors().declareReal(field.symbol, kind, sizesOf(field.dims));
  fields.push_back(std::move(field));
  return true;
}

std::unique_ptr<StoredFormat> StoredFormat::make(Evaluator &evaluator, std::shared_ptr<const Applied> format, Dims dims,
                                                 const std::string &symbol, tune::Kind kind, llvm::SMRange at) {
  std::unique_ptr<StoredFormat> result(new StoredFormat());
  if (format->arguments.range.isValid())
    at = format->arguments.range; // where the recipe says it
  result->format = std::move(format);
  result->dims = std::move(dims);
  result->definition =
      definitionOf(evaluator.shared, Value(result->format), ast::DefinitionKind::Format, "a number format", at);
  if (!result->definition)
    return nullptr;
  result->readScope = result->makeScope(evaluator, result->readAxes, at);
  result->writeScope = result->makeScope(evaluator, result->writeAxes, at);
  if (!result->readScope || !result->writeScope)
    return nullptr;
  for (const ast::ItemPtr &item : result->definition->body)
    if (const auto *stores = llvm::dyn_cast<ast::DeclarationsItem>(&*item);
        stores && stores->role == ast::TensorRole::Store)
      for (const ast::Declaration &declaration : stores->declarations)
        if (!result->addField(evaluator, declaration, symbol, kind))
          return nullptr;
  return result;
}

std::vector<std::string> StoredFormat::symbols() const {
  std::vector<std::string> all;
  for (const Field &field : fields)
    all.push_back(field.symbol);
  return all;
}

/// A field as it is kept: integers in bytes.
mlir::Value StoredFormat::kept(Evaluator &evaluator, const Field &field, const Tensor &value) const {
  mlir::OpBuilder &builder = *evaluator.builder;
  if (!field.bits)
    return evaluator.toReal(value).value;
  mlir::Value integers = value.value;
  mlir::RankedTensorType type = tune::typeOf(integers);
  if (llvm::isa<mlir::FloatType>(type.getElementType()))
    integers = arith::FPToSIOp::create(builder, evaluator.loc(), type.clone(builder.getI32Type()), integers);
  else if (type.getElementType().isInteger(1))
    return arith::ExtUIOp::create(builder, evaluator.loc(), type.clone(builder.getI8Type()), integers);
  return arith::TruncIOp::create(builder, evaluator.loc(), type.clone(builder.getI8Type()), integers);
}

Tensor StoredFormat::readBack(Evaluator &evaluator, const Field &field, mlir::Value kept) const {
  if (!field.bits)
    return Tensor{kept, field.dims};
  mlir::OpBuilder &builder = *evaluator.builder;
  mlir::RankedTensorType type = tune::typeOf(kept).clone(builder.getI32Type());
  mlir::Value integers = field.isSigned ? arith::ExtSIOp::create(builder, evaluator.loc(), type, kept).getResult()
                                        : arith::ExtUIOp::create(builder, evaluator.loc(), type, kept).getResult();
  return Tensor{integers, field.dims};
}

Value StoredFormat::read(Evaluator &evaluator) {
  for (const Field &field : fields)
    readScope->redefineInPass(field.name, readBack(evaluator, field, evaluator.read(field.symbol)));
  unsigned outer = std::exchange(evaluator.pass, evaluator.shared.nextPass());
  Value value = equationOf(evaluator, *definition, *readScope, "value");
  evaluator.pass = outer;
  evaluator.passDependent = true;
  std::optional<Tensor> cutUp = evaluator.fit(value, readAxes, *readScope, definition->name.range);
  if (!cutUp)
    return {};
  mlir::OpBuilder &builder = *evaluator.builder;
  int64_t count = countOf(dims), padded = countOf(readAxes);
  mlir::Value flat = tune::reshape(builder, evaluator.loc(), evaluator.toReal(*cutUp).value, {padded});
  if (padded > count)
    flat = tune::slice(builder, evaluator.loc(), flat, 0, 0, count);
  return Tensor{tune::reshape(builder, evaluator.loc(), flat, sizesOf(dims)), dims};
}

void StoredFormat::write(Evaluator &evaluator, const Tensor &tensor,
                         llvm::function_ref<void(mlir::Value, llvm::StringRef)> write) {
  mlir::OpBuilder &builder = *evaluator.builder;
  mlir::Location loc = evaluator.loc();
  int64_t count = countOf(dims), padded = countOf(writeAxes);
  mlir::Value flat = tune::reshape(builder, loc, tensor.value, {count});
  if (padded > count) {
    auto rest = mlir::RankedTensorType::get({padded - count}, evaluator.realType());
    flat = tune::concat(builder, loc, {flat, tune::splat(builder, loc, rest, 0)}, 0);
  }
  Tensor x{tune::reshape(builder, loc, flat, sizesOf(writeAxes)), writeAxes};
  writeScope->redefineInPass("x", x);
  unsigned outer = std::exchange(evaluator.pass, evaluator.shared.nextPass());
  for (const Field &field : fields) {
    Value value = evaluator.eval(*field.declaration->value, *writeScope);
    std::optional<Dims> own = evaluator.dimsOf(*field.declaration->type->axes, *writeScope);
    std::optional<Tensor> fitted =
        own ? evaluator.fit(value, *own, *writeScope, field.declaration->range) : std::nullopt;
    if (!fitted)
      break;
    mlir::Value stored = kept(evaluator, field, *fitted);
    Tensor back = readBack(evaluator, field, stored);
    back.dims = *own;
    writeScope->redefineInPass(field.name, back);
    write(stored, field.symbol);
  }
  evaluator.pass = outer;
}
