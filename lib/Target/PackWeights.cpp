// A product reads its right operand in panels of columns, which it makes of a matrix at each call. A weight of the file
// that is only read may be loaded in panels instead: those of its rows for x W, those of its columns for x W^T, which
// is twice its bytes where both are wanted.

#include "PackWeights.h"

#include "Structure.h"

#include "dialects/Dnnl/IR/Dnnl.h"
#include "dialects/Tune/IR/Tune.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace ftc::target {

namespace {
/// A product that reads a weight.
struct Use {
  dnnl::MatmulOp product;
  size_t term;
  bool isLhs;
  SmallVector<tune::RowsOp> loops; ///< around the product, from the outermost
};

/// How a weight may be packed.
enum Form { Rows, Columns, Forms };

struct Weight {
  tune::TensorOp tensor;
  SmallVector<Use> uses[Forms];
  int64_t columns = 0; ///< of a panel
  int64_t calls = 0;   ///< that pack it now
  bool isReadOtherwise = false;

  int64_t countForms() const { return !uses[Rows].empty() + !uses[Columns].empty(); }
  /// Bytes that panels take more than the weight as it is.
  int64_t getCost() { return getBytes(tensor.getType()) * (countForms() - (isReadOtherwise ? 0 : 1)); }
};

class Packer {
public:
  Packer(ModuleOp module, const KernelRegistry &registry) : module(module), registry(registry) {}

  bool run(int64_t room);

private:
  void collect();
  void collectUses(Value value, SmallVector<tune::RowsOp> &loops, Weight &weight);
  tune::TensorOp makePanels(Weight &weight, Form form);
  void pack(Weight &weight, Form form);
  void eraseUnread();
  Value readIn(func::FuncOp program, tune::TensorOp panels);

  ModuleOp module;
  const KernelRegistry &registry;
  llvm::MapVector<StringRef, Weight> weights;
  DenseMap<std::pair<Operation *, Operation *>, Value> reads; ///< of panels, by program and tensor
};
} // namespace

/// Whether a tensor is a matrix of the file that the arena holds as it lies there.
static bool isPlainMatrix(tune::TensorOp tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  std::optional<DictionaryAttr> source = tensor.getSource();
  return tensor.getKind() == tune::Kind::weight && source && !source->contains("view") && !source->contains("decode") &&
         type.getRank() == 2 && type.getElementType().isF32();
}

void Packer::collectUses(Value value, SmallVector<tune::RowsOp> &loops, Weight &weight) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (auto rows = dyn_cast<tune::RowsOp>(user); rows && use.getOperandNumber() >= rows.getSliced().size()) {
      loops.push_back(rows);
      collectUses(rows.getBody()->getArgument(use.getOperandNumber()), loops, weight);
      loops.pop_back();
      continue;
    }
    auto product = dyn_cast<dnnl::MatmulOp>(user);
    const KernelGenerator *generator = product ? registry.lookup(user) : nullptr;
    int64_t columns = generator ? generator->getPanelColumns(use) : 0;
    if (!columns) {
      weight.isReadOtherwise = true;
      continue;
    }
    size_t terms = product.getNumTerms(), term = use.getOperandNumber() % terms;
    bool isLhs = use.getOperandNumber() < terms;
    dnnl::ProductShape shape = product.getTerm(term);
    weight.columns = columns;
    weight.uses[shape.n.b == 1 ? Rows : Columns].push_back({product, term, isLhs, loops});
    int64_t calls = 1;
    for (tune::RowsOp loop : loops)
      calls *= loop.getTrips();
    weight.calls += calls;
  }
}

void Packer::collect() {
  llvm::StringSet<> written;
  for (func::FuncOp program : getPrograms(module))
    for (auto write : program.getOps<tune::WriteOp>())
      written.insert(write.getTensor());
  for (auto tensor : module.getOps<tune::TensorOp>())
    if (isPlainMatrix(tensor) && !written.contains(tensor.getSymName()))
      weights[tensor.getSymName()].tensor = tensor;
  for (func::FuncOp program : getPrograms(module))
    for (auto read : program.getOps<tune::ReadOp>())
      if (auto found = weights.find(read.getTensor()); found != weights.end()) {
        SmallVector<tune::RowsOp> loops;
        collectUses(read, loops, found->second);
      }
}

/// The tensor `[n / columns, k, columns]` of the weight's file: of `[n, k]` its columns, of `[k, n]` its rows.
tune::TensorOp Packer::makePanels(Weight &weight, Form form) {
  tune::TensorOp tensor = weight.tensor;
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t n = type.getDimSize(form == Columns ? 0 : 1), k = type.getDimSize(form == Columns ? 1 : 0);
  SmallVector<int64_t> cut = form == Columns ? SmallVector<int64_t>{n / weight.columns, weight.columns, k}
                                             : SmallVector<int64_t>{k, n / weight.columns, weight.columns};
  SmallVector<int64_t> order = form == Columns ? SmallVector<int64_t>{0, 2, 1} : SmallVector<int64_t>{1, 0, 2};
  OpBuilder builder(tensor);
  NamedAttrList source(*tensor.getSource());
  if (!source.get("shape"))
    source.set("shape", builder.getI64ArrayAttr(type.getShape()));
  source.set("view", builder.getDictionaryAttr({builder.getNamedAttr("order", builder.getI64ArrayAttr(order)),
                                                builder.getNamedAttr("shape", builder.getI64ArrayAttr(cut))}));
  auto panels = cast<tune::TensorOp>(builder.clone(*tensor));
  panels.setSymName((tensor.getSymName() + (form == Columns ? ".columns" : ".rows")).str());
  panels.setType(RankedTensorType::get({n / weight.columns, k, weight.columns}, type.getElementType()));
  panels.setSourceAttr(source.getDictionary(tensor.getContext()));
  return panels;
}

Value Packer::readIn(func::FuncOp program, tune::TensorOp panels) {
  Value &read = reads[{program, panels}];
  if (!read) {
    OpBuilder builder(program.getContext());
    builder.setInsertionPointToStart(&program.getBody().front());
    read = tune::ReadOp::create(builder, panels.getLoc(), panels.getType(), panels.getSymName());
  }
  return read;
}

/// The value in the body of a loop, which gets it as a whole.
static Value passInto(tune::RowsOp loop, Value value) {
  for (auto [operand, argument] : llvm::zip_equal(loop.getShared(), loop.getSharedArguments()))
    if (operand == value)
      return argument;
  loop.getSharedMutable().append(value);
  return loop.getBody()->addArgument(value.getType(), value.getLoc());
}

void Packer::pack(Weight &weight, Form form) {
  if (weight.uses[form].empty())
    return;
  tune::TensorOp panels = makePanels(weight, form);
  for (Use &use : weight.uses[form]) {
    dnnl::MatmulOp product = use.product;
    Value value = readIn(product->getParentOfType<func::FuncOp>(), panels);
    for (tune::RowsOp loop : use.loops)
      value = passInto(loop, value);
    size_t terms = product.getNumTerms(), other = use.isLhs ? terms + use.term : use.term;
    SmallVector<Attribute> maps(product.getIndexingMaps().getValue());
    if (use.isLhs)
      std::swap(maps[3 * use.term], maps[3 * use.term + 1]);
    product->setOperand(use.term, product->getOperand(other));
    product->setOperand(terms + use.term, value);
    product.setIndexingMapsAttr(ArrayAttr::get(module.getContext(), maps));
    SmallVector<int64_t> columns(product.getPanels().value_or(SmallVector<int64_t>(terms, 0)));
    columns[use.term] = weight.columns;
    product.setPanels(columns);
  }
}

/// Removes what nothing reads any more.
void Packer::eraseUnread() {
  module.walk([](tune::RowsOp loop) {
    for (size_t i = loop.getShared().size(); i-- > 0;)
      if (BlockArgument argument = loop.getSharedArguments()[i]; argument.use_empty()) {
        loop.getSharedMutable().erase(i);
        loop.getBody()->eraseArgument(argument.getArgNumber());
      }
  });
  for (func::FuncOp program : getPrograms(module))
    for (auto read : llvm::make_early_inc_range(program.getOps<tune::ReadOp>()))
      if (read->use_empty() && weights.contains(read.getTensor()))
        read.erase();
  SymbolTableCollection tables;
  SymbolUserMap users(tables, module);
  for (auto &[name, weight] : weights)
    if (users.useEmpty(weight.tensor))
      weight.tensor.erase();
}

bool Packer::run(int64_t room) {
  collect();
  SmallVector<Weight *> order;
  for (auto &[name, weight] : weights)
    if (weight.countForms())
      order.push_back(&weight);
  llvm::stable_sort(order, [](const Weight *a, const Weight *b) { return a->calls > b->calls; });
  bool packsAny = false;
  for (Weight *weight : order) {
    if (weight->getCost() > room)
      continue;
    room -= weight->getCost();
    packsAny = true;
    for (Form form : {Rows, Columns})
      pack(*weight, form);
  }
  if (packsAny)
    eraseUnread();
  return packsAny;
}

bool packWeights(ModuleOp module, const KernelRegistry &registry, int64_t room) {
  return room > 0 && Packer(module, registry).run(room);
}

} // namespace ftc::target
