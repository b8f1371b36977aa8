#include "Manifest.h"

#include "Structure.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
namespace json = llvm::json;

namespace ftc::target {

namespace {
/// Writes as it goes: a document of thousands of tensors takes longer to build than to print. Keys are in order.
class ManifestWriter {
public:
  ManifestWriter(ModuleOp module, const TargetOptions &options, llvm::raw_ostream &stream)
      : module(module), options(options), out(stream) {}

  LogicalResult write();

private:
  void writeTensor(tune::TensorOp tensor);
  void writeStep(tune::StepOp step);
  void writePlan();
  void writeValue(Attribute attribute);
  void writeFields(DictionaryAttr fields);
  void writeField(NamedAttribute field);
  void writeSymbol(SymbolRefAttr symbol);

  ModuleOp module;
  const TargetOptions &options;
  json::OStream out;
  DenseMap<StringAttr, int64_t> numbers; ///< of tensors and of programs
  Operation *place = nullptr;            ///< the op whose attributes are being written
  bool failed = false;
};
} // namespace

static std::string getTypeName(Type type) {
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return name;
}

static json::Value getText(StringRef text) {
  return json::isUTF8(text) ? json::Value(text) : json::Value(json::fixUTF8(text));
}

template <typename Number> static void writeNumbers(json::OStream &out, ArrayRef<Number> numbers) {
  out.array([&] {
    for (Number number : numbers)
      out.value(number);
  });
}

void ManifestWriter::writeSymbol(SymbolRefAttr symbol) {
  auto found = numbers.find(symbol.getRootReference());
  if (found != numbers.end())
    return out.value(found->second);
  place->emitOpError("names ") << symbol << ", which is neither a tensor nor a program";
  failed = true;
  out.value(nullptr);
}

void ManifestWriter::writeField(NamedAttribute field) {
  StringRef name = field.getName();
  if (json::isUTF8(name))
    out.attributeBegin(name);
  else
    out.attributeBegin(json::fixUTF8(name));
  writeValue(field.getValue());
  out.attributeEnd();
}

void ManifestWriter::writeFields(DictionaryAttr fields) {
  out.object([&] {
    for (NamedAttribute field : fields)
      writeField(field);
  });
}

void ManifestWriter::writeValue(Attribute attribute) {
  llvm::TypeSwitch<Attribute>(attribute)
      .Case([&](DictionaryAttr fields) { writeFields(fields); })
      .Case([&](ArrayAttr entries) {
        out.array([&] {
          for (Attribute entry : entries)
            writeValue(entry);
        });
      })
      .Case([&](BoolAttr flag) { out.value(flag.getValue()); })
      .Case([&](IntegerAttr number) { out.value(number.getValue().getSExtValue()); })
      .Case([&](FloatAttr number) { out.value(number.getValueAsDouble()); })
      .Case([&](StringAttr text) { out.value(getText(text)); })
      .Case([&](DenseI64ArrayAttr numbers) { writeNumbers(out, numbers.asArrayRef()); })
      .Case([&](DenseF64ArrayAttr numbers) { writeNumbers(out, numbers.asArrayRef()); })
      .Case([&](UnitAttr) { out.value(true); })
      .Case([&](SymbolRefAttr symbol) { writeSymbol(symbol); })
      .Case([&](TypeAttr type) { out.value(getTypeName(type.getValue())); })
      .Default([&](Attribute other) {
        place->emitOpError("has an attribute that the manifest cannot hold: ") << other;
        failed = true;
        out.value(nullptr);
      });
}

void ManifestWriter::writeTensor(tune::TensorOp tensor) {
  place = tensor;
  auto type = cast<RankedTensorType>(tensor.getType());
  out.object([&] {
    out.attribute("bytes", getBytes(type));
    out.attribute("kind", tune::stringifyKind(tensor.getKind()));
    out.attribute("name", getText(tensor.getSymName()));
    out.attribute("offset", getTensorOffset(tensor));
    out.attributeBegin("shape");
    writeNumbers(out, type.getShape());
    out.attributeEnd();
    if (std::optional<DictionaryAttr> source = tensor.getSource()) {
      out.attributeBegin("source");
      writeFields(*source);
      out.attributeEnd();
    }
    out.attribute("type", getTypeName(type.getElementType()));
  });
}

/// A step's fields and, if they have none, its name.
void ManifestWriter::writeStep(tune::StepOp step) {
  place = step;
  constexpr StringLiteral key = "name";
  bool isNamed = step.getFields().contains(key);
  auto writeName = [&] {
    if (!std::exchange(isNamed, true))
      out.attribute(key, getText(step.getSymName()));
  };
  out.object([&] {
    for (NamedAttribute field : step.getFields()) {
      if (field.getName().strref() > key)
        writeName();
      writeField(field);
    }
    writeName();
  });
}

void ManifestWriter::writePlan() {
  PlanSummary summary = getPlan(module); // with the threads' memory
  out.object([&] {
    for (NamedAttribute field : module->getAttrOfType<DictionaryAttr>(kArenaAttr)) {
      StringRef name = field.getName();
      if (name == "workspace" || name == "peak")
        out.attribute(name, name == "peak" ? summary.peak : summary.workspace);
      else if (name != "thread")
        writeField(field);
    }
  });
}

LogicalResult ManifestWriter::write() {
  SmallVector<tune::TensorOp> tensors(module.getOps<tune::TensorOp>());
  SmallVector<func::FuncOp> programs = getPrograms(module);
  for (auto [index, tensor] : llvm::enumerate(tensors))
    numbers[tensor.getSymNameAttr()] = index;
  for (auto [index, program] : llvm::enumerate(programs))
    numbers[program.getSymNameAttr()] = index;
  out.object([&] {
    out.attributeObject("arena", [&] { out.attribute("bytes", getArenaBytes(module)); });
    out.attribute("folder", getText(options.folder));
    out.attributeBegin("plan");
    writePlan();
    out.attributeEnd();
    out.attributeArray("programs", [&] {
      for (func::FuncOp program : programs)
        out.value(getText(program.getSymName()));
    });
    out.attribute("recipe", getText(options.recipe));
    out.attribute("source", getText(options.source));
    out.attributeArray("steps",
                       [&] { llvm::for_each(module.getOps<tune::StepOp>(), [&](auto op) { writeStep(op); }); });
    out.attribute("target", options.kind == TargetKind::Reference ? "reference" : "cpu");
    out.attributeArray("tensors", [&] { llvm::for_each(tensors, [&](auto op) { writeTensor(op); }); });
    out.attribute("version", 1);
  });
  return failure(failed);
}

FailureOr<std::string> makeManifest(ModuleOp module, const TargetOptions &options) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (failed(ManifestWriter(module, options, stream).write()))
    return failure();
  return text;
}

} // namespace ftc::target
