#include "Manifest.h"

#include "Structure.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
namespace json = llvm::json;

namespace ftc::target {

namespace {
class ManifestWriter {
public:
  ManifestWriter(ModuleOp module, const TargetOptions &options) : module(module), options(options) {}

  FailureOr<std::string> write();

private:
  json::Object getTensor(tune::TensorOp tensor);
  json::Value getValue(Attribute attribute);
  json::Object getFields(DictionaryAttr fields);
  json::Value getSymbol(SymbolRefAttr symbol);

  ModuleOp module;
  const TargetOptions &options;
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

json::Value ManifestWriter::getSymbol(SymbolRefAttr symbol) {
  auto found = numbers.find(symbol.getRootReference());
  if (found != numbers.end())
    return found->second;
  place->emitOpError("names ") << symbol << ", which is neither a tensor nor a program";
  failed = true;
  return nullptr;
}

json::Object ManifestWriter::getFields(DictionaryAttr fields) {
  json::Object object;
  for (NamedAttribute field : fields)
    object[json::fixUTF8(field.getName())] = getValue(field.getValue());
  return object;
}

json::Value ManifestWriter::getValue(Attribute attribute) {
  auto makeArray = [](auto range) {
    json::Array array;
    for (auto entry : range)
      array.push_back(entry);
    return json::Value(std::move(array));
  };
  return llvm::TypeSwitch<Attribute, json::Value>(attribute)
      .Case([&](DictionaryAttr fields) { return json::Value(getFields(fields)); })
      .Case([&](ArrayAttr entries) {
        json::Array array;
        for (Attribute entry : entries)
          array.push_back(getValue(entry));
        return json::Value(std::move(array));
      })
      .Case([](BoolAttr flag) { return json::Value(flag.getValue()); })
      .Case([](IntegerAttr number) { return json::Value(number.getValue().getSExtValue()); })
      .Case([](FloatAttr number) { return json::Value(number.getValueAsDouble()); })
      .Case([](StringAttr text) { return json::Value(json::fixUTF8(text.getValue())); })
      .Case([&](DenseI64ArrayAttr numbers) { return makeArray(numbers.asArrayRef()); })
      .Case([&](DenseF64ArrayAttr numbers) { return makeArray(numbers.asArrayRef()); })
      .Case([](UnitAttr) { return json::Value(true); })
      .Case([&](SymbolRefAttr symbol) { return getSymbol(symbol); })
      .Case([](TypeAttr type) { return json::Value(getTypeName(type.getValue())); })
      .Default([&](Attribute other) {
        place->emitOpError("has an attribute that the manifest cannot hold: ") << other;
        failed = true;
        return json::Value(nullptr);
      });
}

json::Object ManifestWriter::getTensor(tune::TensorOp tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  json::Object object{{"name", json::fixUTF8(tensor.getSymName())}, {"kind", tune::stringifyKind(tensor.getKind())},
                      {"type", getTypeName(type.getElementType())}, {"shape", json::Array(type.getShape())},
                      {"offset", getTensorOffset(tensor)},          {"bytes", getBytes(type)}};
  if (std::optional<DictionaryAttr> source = tensor.getSource())
    object["source"] = getFields(*source);
  return object;
}

FailureOr<std::string> ManifestWriter::write() {
  json::Array tensors, programs, steps;
  SmallVector<tune::TensorOp> tensorOps(module.getOps<tune::TensorOp>());
  for (auto [index, tensor] : llvm::enumerate(tensorOps))
    numbers[tensor.getSymNameAttr()] = index;
  for (auto [index, program] : llvm::enumerate(getPrograms(module))) {
    numbers[program.getSymNameAttr()] = index;
    programs.push_back(json::fixUTF8(program.getSymName()));
  }
  for (tune::TensorOp tensor : tensorOps) {
    place = tensor;
    tensors.push_back(getTensor(tensor));
  }
  for (auto step : module.getOps<tune::StepOp>()) {
    place = step;
    json::Object object = getFields(step.getFields());
    object.try_emplace("name", json::fixUTF8(step.getSymName()));
    steps.push_back(std::move(object));
  }
  if (failed)
    return failure();

  auto arena = module->getAttrOfType<DictionaryAttr>(kArenaAttr);
  json::Object plan = getFields(arena);
  plan.erase("thread");
  PlanSummary summary = getPlan(module); // with the threads' memory
  plan["workspace"] = summary.workspace;
  plan["peak"] = summary.peak;
  json::Object manifest{{"version", 1},
                        {"recipe", json::fixUTF8(options.recipe)},
                        {"source", json::fixUTF8(options.source)},
                        {"folder", json::fixUTF8(options.folder)},
                        {"target", options.kind == TargetKind::Reference ? "reference" : "cpu"},
                        {"arena", json::Object{{"bytes", getArenaBytes(module)}}},
                        {"plan", std::move(plan)},
                        {"programs", std::move(programs)},
                        {"tensors", std::move(tensors)},
                        {"steps", std::move(steps)}};
  std::string text;
  llvm::raw_string_ostream(text) << json::Value(std::move(manifest));
  return text;
}

FailureOr<std::string> makeManifest(ModuleOp module, const TargetOptions &options) {
  return ManifestWriter(module, options).write();
}

} // namespace ftc::target
