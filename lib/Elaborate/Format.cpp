//===- Format.cpp - reading number formats --------------------------------===//
//
// The bytes of a block that hold an element of a field are gathered by constant
// indices, shifted and masked; the format's `value` is then ordinary arithmetic.
//
//===----------------------------------------------------------------------===//

#include "Format.h"

#include "BlockLayout.h"

#include "dialects/Tune/Utils/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace ftc;
using namespace ftc::elaborate;
namespace arith = mlir::arith;
using mlir::Location;
using mlir::OpBuilder;
using mlir::RankedTensorType;
using mlir::Type;

namespace {
/// Bits of one byte that are adjacent bits of one element.
struct Piece {
  int64_t byte;
  unsigned low; ///< first bit in the byte
  unsigned width;
  unsigned target; ///< first bit in the element
};

class Decoder {
public:
  Decoder(Evaluator &evaluator, const BlockLayout &layout, mlir::Value bytes, Dim rows, Dim blocks)
      : evaluator(evaluator), builder(*evaluator.builder), layout(layout), rows(rows), blocks(blocks) {
    // [bytes, rows, blocks]: bytes of blocks become rows of a table.
    mlir::Value split = tune::reshape(builder, loc(), bytes, {rows->size, blocks->size, layout.bytes()});
    table = tune::transpose(builder, loc(), split, {2, 0, 1});
  }

  /// The field's values as reals, `[rows, blocks, ...]`.
  Tensor field(const BlockField &field);

private:
  Location loc() { return evaluator.loc(); }
  RankedTensorType typeOf(const BlockField &field, Type element) {
    return RankedTensorType::get({field.elements(), rows->size, blocks->size}, element);
  }
  mlir::Value constants(const BlockField &field, llvm::ArrayRef<int32_t> entries);
  mlir::Value word(const BlockField &field);
  std::vector<std::vector<Piece>> piecesOf(const BlockField &field) const;

  Evaluator &evaluator;
  OpBuilder &builder;
  const BlockLayout &layout;
  Dim rows, blocks;
  mlir::Value table;
};
} // namespace

std::vector<std::vector<Piece>> Decoder::piecesOf(const BlockField &field) const {
  std::vector<std::vector<Piece>> pieces(field.elements());
  for (auto [place, source] : llvm::enumerate(layout.sources())) {
    if (source.field != &field)
      continue;
    auto &mine = pieces[source.element];
    int64_t byte = static_cast<int64_t>(place) / 8;
    unsigned bit = place % 8;
    if (!mine.empty() && mine.back().byte == byte && mine.back().low + mine.back().width == bit &&
        mine.back().target + mine.back().width == source.bit)
      ++mine.back().width;
    else
      mine.push_back({byte, bit, 1, source.bit});
  }
  return pieces;
}

/// One number for each element, the same in all blocks.
mlir::Value Decoder::constants(const BlockField &field, llvm::ArrayRef<int32_t> entries) {
  auto type = RankedTensorType::get({field.elements()}, builder.getI32Type());
  mlir::Value list = arith::ConstantOp::create(builder, loc(), mlir::DenseElementsAttr::get(type, entries));
  return tune::broadcast(builder, loc(), list, typeOf(field, builder.getI32Type()).getShape(), {0});
}

/// The bits of each element as i32 `[elements, rows, blocks]`.
mlir::Value Decoder::word(const BlockField &field) {
  auto pieces = piecesOf(field);
  size_t most = 0;
  for (const auto &mine : pieces)
    most = std::max(most, mine.size());
  mlir::Value whole;
  for (size_t number = 0; number < most; ++number) {
    llvm::SmallVector<int32_t> byte, low, mask, target;
    for (const auto &mine : pieces) {
      Piece piece = number < mine.size() ? mine[number] : Piece{0, 0, 0, 0};
      byte.push_back(piece.byte);
      low.push_back(piece.low);
      mask.push_back((1 << piece.width) - 1);
      target.push_back(piece.target);
    }
    auto indexType = RankedTensorType::get({field.elements()}, builder.getI32Type());
    mlir::Value index =
        arith::ConstantOp::create(builder, loc(), mlir::DenseElementsAttr::get(indexType, llvm::ArrayRef(byte)));
    mlir::Value part = tune::GatherOp::create(builder, loc(), typeOf(field, builder.getI8Type()), table, index);
    part = arith::ExtUIOp::create(builder, loc(), typeOf(field, builder.getI32Type()), part);
    part = arith::ShRUIOp::create(builder, loc(), part, constants(field, low));
    part = arith::AndIOp::create(builder, loc(), part, constants(field, mask));
    part = arith::ShLIOp::create(builder, loc(), part, constants(field, target));
    whole = whole ? arith::OrIOp::create(builder, loc(), whole, part).getResult() : part;
  }
  return whole;
}

Tensor Decoder::field(const BlockField &field) {
  mlir::Value value = word(field);
  Type real = evaluator.realType();
  if (field.kind == BlockField::Kind::Float) {
    Type stored = field.bits == 32 ? Type(builder.getF32Type())
                  : field.brain    ? Type(builder.getBF16Type())
                                   : Type(builder.getF16Type());
    if (field.bits == 16)
      value = arith::TruncIOp::create(builder, loc(), typeOf(field, builder.getI16Type()), value);
    value = arith::BitcastOp::create(builder, loc(), typeOf(field, stored), value);
    value = arith::ExtFOp::create(builder, loc(), typeOf(field, real), value);
  } else {
    if (field.kind == BlockField::Kind::Signed) {
      mlir::Value shift = tune::splat(builder, loc(), typeOf(field, builder.getI32Type()), 32 - field.bits);
      value = arith::ShLIOp::create(builder, loc(), value, shift);
      value = arith::ShRSIOp::create(builder, loc(), value, shift);
    }
    value = arith::SIToFPOp::create(builder, loc(), typeOf(field, real), value);
  }
  value = tune::transpose(builder, loc(), value, {1, 2, 0});
  Tensor result;
  result.dims = {rows, blocks};
  result.dims.append(field.dims.begin(), field.dims.end());
  result.value = tune::reshape(builder, loc(), value, sizesOf(result.dims));
  return result;
}

/// The axes of `on [rows, (blocks, a, b)]`; an error at the definition for any other form.
static bool readAxes(Evaluator &evaluator, const ast::Definition &format, Scope &scope, int64_t rowCount,
                     int64_t columns, Dims &dims) {
  const auto *axes = format.site && format.site->axes ? &*format.site->axes : nullptr;
  if (!axes || axes->size() != 2 || (*axes)[0].names.size() != 1 || (*axes)[1].names.size() < 2) {
    evaluator.diags().report(Diag::ExpectedValue, format.range, "a format on [rows, (blocks, ...)]", "other axes");
    return false;
  }
  llvm::ArrayRef<ast::Name> inner = llvm::ArrayRef((*axes)[1].names).drop_front();
  int64_t blockSize = 1;
  Dims within;
  for (const ast::Name &name : inner) {
    Dim dim = evaluator.dimOf(name.text, scope, name.range);
    if (!dim)
      return false;
    blockSize *= dim->size;
    within.push_back(dim);
  }
  if (blockSize < 1 || columns % blockSize) {
    evaluator.diags().report(Diag::ExpectedValue, format.range,
                             llvm::formatv("rows of whole blocks of {0}", blockSize).str(),
                             llvm::formatv("{0} columns", columns).str());
    return false;
  }
  DimensionTable &table = evaluator.shared.dimensions();
  for (auto [name, size] : {std::pair(&(*axes)[0].names[0], rowCount), {&(*axes)[1].names[0], columns / blockSize}}) {
    dims.push_back(table.make(name->text, size));
    scope.define(name->text, elaborate::Value(dims.back()), name->range);
  }
  dims.append(within.begin(), within.end());
  return true;
}

void elaborate::defineFormat(Evaluator &evaluator, const ast::Definition &format, Scope &scope) {
  for (const ast::ItemPtr &item : format.body) {
    if (const auto *dims = llvm::dyn_cast<ast::DimsItem>(item.get()))
      evaluator.defineDims(*dims, scope);
    else if (const auto *equation = llvm::dyn_cast<ast::EquationItem>(item.get()))
      evaluator.defineEquation(equation->equation, scope);
    else if (const auto *lets = llvm::dyn_cast<ast::DeclarationsItem>(item.get());
             lets && lets->role == ast::TensorRole::Let)
      for (const ast::Declaration &let : lets->declarations)
        scope.define(let.targets.front().text, Scope::Thunk([&let, &scope](Evaluator &evaluator) {
                       elaborate::Value value = evaluator.eval(*let.value, scope);
                       return let.type ? evaluator.coerce(value, *let.type, scope, let.range) : value;
                     }),
                     let.range);
  }
}

mlir::Value elaborate::decodeBlocks(Evaluator &evaluator, const ast::Definition &format, mlir::Value bytes,
                                    int64_t columns) {
  Scope &scope = evaluator.shared.definitionScope(format);
  llvm::ArrayRef<int64_t> shape = tune::shapeOf(bytes);
  Dims dims;
  defineFormat(evaluator, format, scope);
  if (!readAxes(evaluator, format, scope, shape[0], columns, dims))
    return {};
  Dim rows = dims[0], blocks = dims[1];
  auto layout = BlockLayout::trace(evaluator, format, scope, {rows, blocks});
  if (!layout)
    return {};
  if (layout->bytes() * blocks->size != shape[1]) {
    evaluator.diags().report(Diag::ExpectedValue, format.range,
                             llvm::formatv("blocks of {0} bytes", shape[1] / blocks->size).str(),
                             llvm::formatv("a layout of {0} bytes", layout->bytes()).str());
    return {};
  }
  Decoder decoder(evaluator, *layout, bytes, rows, blocks);
  for (const auto &field : layout->fields())
    scope.define(field->name, elaborate::Value(decoder.field(*field)));
  Scope::Entry *entry = scope.findHere("value");
  elaborate::Value value = entry ? evaluator.force("value", *entry, format.range) : elaborate::Value();
  auto tensor = evaluator.fit(value, dims, scope, format.range);
  return tensor ? tune::reshape(*evaluator.builder, evaluator.loc(), tensor->value, {shape[0], columns})
                : mlir::Value();
}

//===----------------------------------------------------------------------===//
// Into a format and back
//===----------------------------------------------------------------------===//

static std::vector<const ast::Declaration *> fieldsOf(const ast::Definition &format) {
  std::vector<const ast::Declaration *> fields;
  for (const ast::ItemPtr &item : format.body)
    if (const auto *stores = llvm::dyn_cast<ast::DeclarationsItem>(item.get());
        stores && stores->role == ast::TensorRole::Store)
      for (const ast::Declaration &declaration : stores->declarations)
        fields.push_back(&declaration);
  return fields;
}

bool elaborate::canStore(const ast::Definition &format) {
  std::vector<const ast::Declaration *> fields = fieldsOf(format);
  return !fields.empty() && llvm::all_of(fields, [](const ast::Declaration *field) {
    return field->value && field->type && field->type->axes;
  });
}

/// A field as those after it and `value` see it: rounded where it is kept in f16.
static Tensor asKept(Evaluator &evaluator, const ast::Declaration &field, Tensor value) {
  const auto *element = llvm::dyn_cast_or_null<ast::NameExpr>(field.type->storedAs.get());
  if (!element || element->name != "f16")
    return value;
  mlir::OpBuilder &builder = *evaluator.builder;
  value = evaluator.toReal(value);
  mlir::RankedTensorType type = tune::typeOf(value.value);
  mlir::Value half =
      mlir::arith::TruncFOp::create(builder, evaluator.loc(), type.clone(builder.getF16Type()), value.value);
  value.value = mlir::arith::ExtFOp::create(builder, evaluator.loc(), type, half);
  return value;
}

mlir::Value elaborate::storedAndRead(Evaluator &evaluator, const ast::Definition &format, mlir::Value x) {
  Scope &scope = evaluator.shared.definitionScope(format);
  llvm::SmallVector<int64_t> shape(tune::shapeOf(x));
  Dims dims;
  defineFormat(evaluator, format, scope);
  if (!readAxes(evaluator, format, scope, shape[0], shape[1], dims))
    return {};
  evaluator.pass = evaluator.shared.nextPass();
  scope.redefineInPass("x", Tensor{tune::reshape(*evaluator.builder, evaluator.loc(), x, sizesOf(dims)), dims});
  for (const ast::Declaration *field : fieldsOf(format)) {
    elaborate::Value value = evaluator.eval(*field->value, scope);
    std::optional<Dims> own = evaluator.dimsOf(*field->type->axes, scope);
    std::optional<Tensor> fitted = own ? evaluator.fit(value, *own, scope, field->range) : std::nullopt;
    if (!fitted)
      return {};
    scope.redefineInPass(field->targets.front().text, asKept(evaluator, *field, *fitted));
  }
  Scope::Entry *entry = scope.findHere("value");
  elaborate::Value value = entry ? evaluator.force("value", *entry, format.range) : elaborate::Value();
  auto tensor = evaluator.fit(value, dims, scope, format.range);
  return tensor ? tune::reshape(*evaluator.builder, evaluator.loc(), evaluator.toReal(*tensor).value, shape)
                : mlir::Value();
}
