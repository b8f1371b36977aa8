//===- BlockLayout.cpp - where the bits of a block are --------------------===//

#include "BlockLayout.h"

using namespace ftc;
using namespace ftc::elaborate;

static int64_t productOf(llvm::ArrayRef<Dim> dims) {
  int64_t product = 1;
  for (Dim dim : dims)
    product *= dim->size;
  return product;
}

int64_t BlockField::elements() const { return productOf(dims); }

namespace {
/// An array whose entries are lists of bits, the lowest first.
struct Traced {
  Dims dims;
  std::vector<llvm::SmallVector<BitSource, 8>> entries; ///< row-major
};

class Tracer {
public:
  Tracer(Evaluator &evaluator, Scope &scope, const std::vector<std::unique_ptr<BlockField>> &fields)
      : evaluator(evaluator), scope(scope), fields(fields) {}

  std::optional<Traced> trace(const ast::Expr &expr);

private:
  std::optional<Traced> call(const ast::CallExpr &call, llvm::StringRef name);
  std::optional<Traced> reshape(const ast::CallExpr &call, bool split);
  std::optional<Traced> bits(const ast::CallExpr &call);
  std::optional<Traced> pack(const ast::CallExpr &call);
  std::optional<Traced> packOver(Traced traced, int64_t width, Dim over);
  std::optional<Traced> pick(const ast::IndexExpr &index);
  Traced permuted(const Traced &traced, llvm::ArrayRef<Dim> order);
  std::nullopt_t refuse(llvm::SMRange range, llvm::StringRef expected) {
    evaluator.diags().report(Diag::ExpectedValue, range, expected, "something else");
    return std::nullopt;
  }

  Evaluator &evaluator;
  Scope &scope;
  const std::vector<std::unique_ptr<BlockField>> &fields;
};
} // namespace

std::optional<Traced> Tracer::trace(const ast::Expr &expr) {
  if (const auto *name = llvm::dyn_cast<ast::NameExpr>(&expr)) {
    for (const auto &field : fields)
      if (field->name == name->name) {
        Traced traced{field->dims, {}};
        for (int64_t element = 0; element < field->elements(); ++element) {
          auto &bits = traced.entries.emplace_back();
          for (unsigned bit = 0; bit < field->bits; ++bit)
            bits.push_back({field.get(), element, bit});
        }
        return traced;
      }
    return refuse(expr.range, "a stored field");
  }
  if (const auto *index = llvm::dyn_cast<ast::IndexExpr>(&expr))
    return pick(*index);
  if (const auto *called = llvm::dyn_cast<ast::CallExpr>(&expr))
    if (const auto *callee = llvm::dyn_cast<ast::NameExpr>(called->callee.get()))
      return call(*called, callee->name);
  return refuse(expr.range, "a field, or split, join, bits or pack of fields");
}

std::optional<Traced> Tracer::call(const ast::CallExpr &expr, llvm::StringRef name) {
  if (expr.arguments.size() >= 2) {
    if (name == "split" || name == "join")
      return reshape(expr, name == "split");
    if (name == "bits")
      return bits(expr);
    if (name == "pack")
      return pack(expr);
  }
  return refuse(expr.range, "split, join, bits or pack");
}

/// `split(x, d -> (a, b))` and `join(x, (a, b) -> d)`; products only.
std::optional<Traced> Tracer::reshape(const ast::CallExpr &expr, bool split) {
  auto traced = trace(*expr.arguments[0].value);
  const auto *arrow = llvm::dyn_cast<ast::ArrowExpr>(expr.arguments[1].value.get());
  if (!traced || !arrow)
    return traced ? refuse(expr.range, "an arrow, as in 'd -> (a, b)'") : std::nullopt;
  auto from = evaluator.dimsOf(*arrow->from, scope, traced->dims);
  auto to = evaluator.dimsOf(*arrow->to, scope, traced->dims);
  if (!from || !to)
    return std::nullopt;
  if (productOf(*from) != productOf(*to) || (split ? from : to)->size() != 1)
    return refuse(expr.range, "dimensions of equal product on both sides");
  // The parts are brought together at the place of the first, then renamed.
  Dims order;
  size_t place = 0;
  for (Dim dim : traced->dims) {
    if (dim == from->front()) {
      place = order.size();
      order.append(from->begin(), from->end());
    } else if (!llvm::is_contained(*from, dim)) {
      order.push_back(dim);
    }
  }
  if (order.size() != traced->dims.size())
    return refuse(expr.range, "dimensions of the field");
  Traced result = permuted(*traced, order);
  result.dims.erase(result.dims.begin() + place, result.dims.begin() + place + from->size());
  result.dims.insert(result.dims.begin() + place, to->begin(), to->end());
  return result;
}

Traced Tracer::permuted(const Traced &traced, llvm::ArrayRef<Dim> order) {
  Traced result{Dims(order), {}};
  llvm::SmallVector<int64_t> strides(order.size());
  for (auto [place, dim] : llvm::enumerate(order))
    strides[place] = productOf(llvm::ArrayRef(traced.dims).drop_front(indexOf(traced.dims, dim) + 1));
  for (int64_t entry = 0; entry < static_cast<int64_t>(traced.entries.size()); ++entry) {
    int64_t rest = entry, from = 0;
    for (size_t place = order.size(); place-- > 0; rest /= order[place]->size)
      from += rest % order[place]->size * strides[place];
    result.entries.push_back(traced.entries[from]);
  }
  return result;
}

/// `bits(x, low..high)`
std::optional<Traced> Tracer::bits(const ast::CallExpr &expr) {
  auto traced = trace(*expr.arguments[0].value);
  const auto *range = llvm::dyn_cast<ast::RangeExpr>(expr.arguments[1].value.get());
  if (!traced || !range)
    return traced ? refuse(expr.range, "a range of bits, as in '4..5'") : std::nullopt;
  auto low = evaluator.evalInteger(*range->from, scope), high = evaluator.evalInteger(*range->to, scope);
  if (!low || !high)
    return std::nullopt;
  for (auto &entry : traced->entries) {
    if (*low < 0 || *high < *low || *high >= static_cast<int64_t>(entry.size()))
      return refuse(expr.range, "bits that the field has");
    entry = llvm::SmallVector<BitSource, 8>(llvm::ArrayRef(entry).slice(*low, *high - *low + 1));
  }
  return traced;
}

/// `pack(a, 4, b, 4)`: entry by entry, or `pack(a, 1, over: bit)`: along a dimension; low bits first.
std::optional<Traced> Tracer::pack(const ast::CallExpr &expr) {
  const ast::Argument &last = expr.arguments.back();
  if (last.name.text == "over" && expr.arguments.size() == 3) {
    auto traced = trace(*expr.arguments[0].value);
    auto width = evaluator.evalInteger(*expr.arguments[1].value, scope);
    auto over = traced ? evaluator.dimsOf(*last.value, scope, traced->dims) : std::nullopt;
    if (!traced || !width || !over || over->size() != 1)
      return std::nullopt;
    return packOver(std::move(*traced), *width, over->front());
  }
  std::optional<Traced> result;
  for (size_t place = 0; place + 1 < expr.arguments.size(); place += 2) {
    auto part = trace(*expr.arguments[place].value);
    auto width = evaluator.evalInteger(*expr.arguments[place + 1].value, scope);
    if (!part || !width)
      return std::nullopt;
    if (result && !(result->dims == part->dims))
      return refuse(expr.range, "fields of equal dimensions");
    for (auto [entry, bits] : llvm::enumerate(part->entries)) {
      if (*width != static_cast<int64_t>(bits.size()))
        return refuse(expr.arguments[place + 1].range, "the number of bits of the field");
      if (result)
        result->entries[entry].append(bits.begin(), bits.end());
    }
    if (!result)
      result = std::move(part);
  }
  return result;
}

std::optional<Traced> Tracer::packOver(Traced traced, int64_t width, Dim over) {
  Dims order;
  for (Dim dim : traced.dims)
    if (dim != over)
      order.push_back(dim);
  order.push_back(over);
  Traced inner = permuted(traced, order), result{Dims(llvm::ArrayRef(order).drop_back()), {}};
  for (size_t entry = 0; entry < inner.entries.size(); ++entry) {
    if (entry % over->size == 0)
      result.entries.emplace_back();
    llvm::ArrayRef<BitSource> bits = inner.entries[entry];
    auto low = bits.take_front(width);
    result.entries.back().append(low.begin(), low.end());
  }
  return result;
}

/// `x[dim: i]`
std::optional<Traced> Tracer::pick(const ast::IndexExpr &index) {
  auto traced = trace(*index.base);
  for (const ast::Argument &argument : index.indices) {
    Dim dim = traced ? evaluator.dimOf(argument.name.text, scope, argument.range, traced->dims) : nullptr;
    auto place = dim ? evaluator.evalInteger(*argument.value, scope) : std::nullopt;
    if (!place)
      return std::nullopt;
    if (*place < 0 || *place >= dim->size)
      return refuse(argument.range, "an index of the dimension");
    Dims order = {dim};
    for (Dim other : traced->dims)
      if (other != dim)
        order.push_back(other);
    Traced whole = permuted(*traced, order);
    int64_t rest = productOf(llvm::ArrayRef(order).drop_front());
    auto first = whole.entries.begin() + *place * rest;
    traced = Traced{Dims(llvm::ArrayRef(order).drop_front()), {first, first + rest}};
  }
  return traced;
}

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

/// Kind and width of `u4`, `i8`, and of reals stored `as f16`.
static bool readFieldType(const ast::Type &type, BlockField &field) {
  llvm::StringRef word = type.element.text;
  if (word.empty()) {
    const auto *stored = llvm::dyn_cast_or_null<ast::NameExpr>(type.storedAs.get());
    field.kind = BlockField::Kind::Float;
    field.bits = stored && stored->name == "f32" ? 32 : 16;
    field.brain = stored && stored->name == "bf16";
    return stored && (stored->name == "f16" || stored->name == "bf16" || stored->name == "f32");
  }
  field.kind = word.front() == 'i' ? BlockField::Kind::Signed : BlockField::Kind::Unsigned;
  return (word.front() == 'i' || word.front() == 'u') && !word.drop_front().getAsInteger(10, field.bits) &&
         field.bits >= 1 && field.bits <= 16;
}

std::optional<BlockLayout> BlockLayout::trace(Evaluator &evaluator, const ast::Definition &format, Scope &scope,
                                              llvm::ArrayRef<Dim> outer) {
  BlockLayout result;
  const ast::Expr *layout = nullptr;
  for (const ast::ItemPtr &item : format.body) {
    if (const auto *equation = llvm::dyn_cast<ast::EquationItem>(item.get()))
      if (equation->equation.targets.front().text == "layout")
        layout = equation->equation.value.get();
    const auto *stores = llvm::dyn_cast<ast::DeclarationsItem>(item.get());
    if (!stores || stores->role != ast::TensorRole::Store)
      continue;
    for (const ast::Declaration &declaration : stores->declarations) {
      auto field = std::make_unique<BlockField>();
      field->name = declaration.targets.front().text;
      auto dims = declaration.type && declaration.type->axes ? evaluator.dimsOf(*declaration.type->axes, scope)
                                                             : std::optional<Dims>();
      if (!dims || !readFieldType(*declaration.type, *field)) {
        evaluator.diags().report(Diag::ExpectedValue, declaration.range, "a stored type, as in 'u4[rows, blocks, n]'",
                                 "another type");
        return std::nullopt;
      }
      for (Dim dim : *dims)
        if (!llvm::is_contained(outer, dim))
          field->dims.push_back(dim);
      result.allFields.push_back(std::move(field));
    }
  }
  if (!layout) {
    evaluator.diags().report(Diag::ExpectedValue, format.range, "a layout", "none");
    return std::nullopt;
  }
  Tracer tracer(evaluator, scope, result.allFields);
  std::vector<const ast::Expr *> parts = {layout};
  if (const auto *tuple = llvm::dyn_cast<ast::TupleExpr>(layout)) {
    parts.clear();
    for (const ast::ExprPtr &part : tuple->values)
      parts.push_back(part.get());
  }
  for (const ast::Expr *part : parts) {
    auto traced = tracer.trace(*part);
    if (!traced)
      return std::nullopt;
    for (const auto &entry : traced->entries)
      result.bits.insert(result.bits.end(), entry.begin(), entry.end());
  }
  if (result.bits.size() % 8) {
    evaluator.diags().report(Diag::ExpectedValue, layout->range, "whole bytes",
                             llvm::formatv("{0} bits", result.bits.size()).str());
    return std::nullopt;
  }
  return result;
}
