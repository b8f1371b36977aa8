// Writes the data of an object as LLVM constants, in the layout of ftc/Runtime/CPU/Program.h.

#include "Codegen.h"
#include "OffsetAssignment.h"
#include "Structure.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/Module.h"

#include <set>

using namespace mlir;

namespace ftc::target {

namespace {
class TableWriter {
public:
  explicit TableWriter(llvm::Module &module)
      : module(module), pointer(llvm::PointerType::getUnqual(module.getContext())),
        i64(llvm::Type::getInt64Ty(module.getContext())) {}

  /// Comes first: what the others write points to numbers.
  void writeNumbers(ArrayRef<CallTable> programs, const KernelSet &kernels);
  void writePrograms(ArrayRef<CallTable> programs);
  void writeNotes(ArrayRef<CallTable> programs);
  void writeSetup(ModuleOp placed, const KernelSet &kernels);
  void writeManifest(const std::string &manifest);

private:
  using Fields = ArrayRef<llvm::Constant *>;

  llvm::Constant *number(int64_t value) { return llvm::ConstantInt::getSigned(i64, value); }
  llvm::Constant *null() { return llvm::ConstantPointerNull::get(pointer); }
  llvm::Constant *record(Fields fields) { return llvm::ConstantStruct::getAnon(fields); }
  /// A private array; null if it is empty.
  llvm::Constant *array(ArrayRef<llvm::Constant *> entries);
  /// An array of numbers, which has been added to the pool; null if it is empty.
  llvm::Constant *numbers(ArrayRef<int64_t> values);
  void addNumbers(ArrayRef<int64_t> values);
  llvm::Constant *data(StringRef bytes);
  llvm::GlobalVariable *global(llvm::Constant *contents, StringRef name = {});
  llvm::Constant *getEntry(StringRef symbol);
  llvm::Constant *makeCall(const Call &call);

  llvm::Module &module;
  llvm::PointerType *pointer;
  llvm::IntegerType *i64;
  /// Arrays of numbers one after the other in one global variable: one for each of them takes longer to write.
  llvm::GlobalVariable *pool = nullptr;
  std::vector<uint64_t> pooled;
  std::map<std::vector<int64_t>, size_t> placesInPool;
};
} // namespace

llvm::GlobalVariable *TableWriter::global(llvm::Constant *contents, StringRef name) {
  auto linkage = name.empty() ? llvm::GlobalValue::PrivateLinkage : llvm::GlobalValue::ExternalLinkage;
  return new llvm::GlobalVariable(module, contents->getType(), /*isConstant=*/true, linkage, contents, name);
}

llvm::Constant *TableWriter::array(ArrayRef<llvm::Constant *> entries) {
  if (entries.empty())
    return null();
  return global(llvm::ConstantArray::get(llvm::ArrayType::get(entries.front()->getType(), entries.size()), entries));
}

void TableWriter::addNumbers(ArrayRef<int64_t> values) {
  if (!values.empty() && placesInPool.try_emplace(values.vec(), pooled.size()).second)
    pooled.insert(pooled.end(), values.begin(), values.end());
}

void TableWriter::writeNumbers(ArrayRef<CallTable> programs, const KernelSet &kernels) {
  for (const CallTable &program : programs)
    for (const Call &call : program.calls)
      for (ArrayRef<int64_t> values : {ArrayRef(call.offsets), ArrayRef(call.strides), ArrayRef(call.immediates)})
        addNumbers(values);
  for (const LibraryPlan &plan : kernels.getPlans())
    addNumbers(plan.arguments);
  pool = global(llvm::ConstantDataArray::get(module.getContext(), pooled));
}

llvm::Constant *TableWriter::numbers(ArrayRef<int64_t> values) {
  if (values.empty())
    return null();
  return llvm::ConstantExpr::getInBoundsGetElementPtr(i64, pool, number(int64_t(placesInPool.at(values.vec()))));
}

llvm::Constant *TableWriter::data(StringRef bytes) {
  llvm::GlobalVariable *variable =
      global(llvm::ConstantDataArray::getString(module.getContext(), bytes, /*AddNull=*/false));
  variable->setAlignment(llvm::Align(8));
  return variable;
}

/// The address that a call uses for a kernel: of this module, of another of the program, or of the runtime.
llvm::Constant *TableWriter::getEntry(StringRef symbol) {
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(module.getContext()), false);
  return cast<llvm::Constant>(module.getOrInsertFunction(symbol, type).getCallee());
}

llvm::Constant *TableWriter::makeCall(const Call &call) {
  return record({getEntry(call.symbol), number(call.items), number(call.grain), numbers(call.offsets),
                 numbers(call.strides), numbers(call.immediates), number(call.offsets.size())});
}

void TableWriter::writePrograms(ArrayRef<CallTable> programs) {
  SmallVector<llvm::Constant *> records;
  for (const CallTable &program : programs) {
    SmallVector<llvm::Constant *> calls, loops, choices;
    for (const Call &call : program.calls)
      calls.push_back(makeCall(call));
    for (const Loop &loop : program.loops)
      loops.push_back(record({number(loop.first), number(loop.count), number(loop.times)}));
    for (const Choice &choice : program.choices)
      choices.push_back(
          record({number(choice.first), number(choice.yes), number(choice.no), number(choice.condition)}));
    records.push_back(record({array(calls), number(calls.size()), array(loops), number(loops.size()), array(choices),
                              number(choices.size())}));
  }
  llvm::Constant *zero = number(0);
  if (records.empty()) // so that the symbol exists
    records.push_back(record({null(), zero, null(), zero, null(), zero}));
  global(llvm::ConstantArray::get(llvm::ArrayType::get(records.front()->getType(), records.size()), records),
         "ftc_programs");
  writeNotes(programs);
}

/// What the profile says about each call (ftc/Runtime/CPU/Profile.h).
void TableWriter::writeNotes(ArrayRef<CallTable> programs) {
  llvm::StringMap<llvm::Constant *> texts;
  SmallVector<llvm::Constant *> tables;
  for (const CallTable &program : programs) {
    SmallVector<llvm::Constant *> notes;
    for (const Call &call : program.calls) {
      llvm::Constant *&text = texts[call.what];
      if (!text)
        text = global(llvm::ConstantDataArray::getString(module.getContext(), call.what));
      notes.push_back(record({text, number(call.flops), number(call.bytes)}));
    }
    notes.push_back(record({null(), number(0), number(0)})); // never an empty array
    tables.push_back(array(notes));
  }
  tables.push_back(null());
  global(llvm::ConstantArray::get(llvm::ArrayType::get(pointer, tables.size()), tables), "ftc_program_notes");
}

/// The bytes of a constant in the arena, or of the one element that is repeated.
static std::string getData(Attribute contents) {
  auto append = [](std::string &bytes, const llvm::APInt &bits) {
    for (unsigned i = 0; i < (bits.getBitWidth() + 7) / 8; ++i)
      bytes.push_back(char(bits.extractBitsAsZExtValue(std::min(8u, bits.getBitWidth() - 8 * i), 8 * i)));
  };
  std::string bytes;
  if (auto number = dyn_cast<FloatAttr>(contents)) {
    append(bytes, number.getValue().bitcastToAPInt());
  } else if (auto number = dyn_cast<IntegerAttr>(contents)) {
    append(bytes, number.getValue());
  } else if (auto elements = dyn_cast<DenseResourceElementsAttr>(contents)) {
    ArrayRef<char> raw = elements.getData();
    bytes.assign(raw.begin(), raw.end());
  } else if (auto elements = cast<DenseElementsAttr>(contents); elements.getElementType().isInteger(1)) {
    for (bool bit : elements.getValues<bool>())
      bytes.push_back(char(bit));
  } else {
    bytes.assign(elements.getRawData().begin(), elements.getRawData().end());
  }
  return bytes;
}

void TableWriter::writeSetup(ModuleOp placed, const KernelSet &kernels) {
  SmallVector<llvm::Constant *> constants, planRecords;
  std::set<int64_t> known;
  auto add = [&](Operation *op) {
    if (getRole(op) != Role::Constant || !op->hasAttr(kOffsetsAttr))
      return;
    Value value = op->getResult(0);
    int64_t offset = getLocation(value).offset;
    if (!known.insert(offset).second)
      return;
    TypedAttr splat = getSplat(value);
    std::string bytes = getData(splat ? splat : cast<arith::ConstantOp>(op).getValue());
    constants.push_back(record({data(bytes), number(bytes.size()), number(offset), number(getBytes(value.getType()))}));
  };
  for (func::FuncOp program : getPrograms(placed))
    forEachOp(program, add);
  for (const LibraryPlan &plan : kernels.getPlans())
    planRecords.push_back(record({getEntry(plan.symbol), numbers(plan.arguments)}));
  global(record({array(constants), number(constants.size()), array(planRecords), number(planRecords.size()),
                 number(kernels.getScratch())}),
         "ftc_program_setup");
}

void TableWriter::writeManifest(const std::string &manifest) {
  global(llvm::ConstantDataArray::getString(module.getContext(), manifest), "ftc_manifest");
  global(number(manifest.size()), "ftc_manifest_size");
}

void writeTables(llvm::Module &module, const KernelSet &kernels, const ObjectContents &contents) {
  TableWriter writer(module);
  writer.writeNumbers(contents.programs, kernels);
  writer.writePrograms(contents.programs);
  writer.writeSetup(contents.placed, kernels);
  writer.writeManifest(contents.manifest);
}

} // namespace ftc::target
