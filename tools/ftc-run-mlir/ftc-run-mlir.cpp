//===- ftc-run-mlir.cpp - Runs the programs of a tune module ---------------------===//
//
// For tests of ops, passes and targets: fills the tensors of a module, runs its programs in order, prints the outputs.
// A tensor begins as its attribute says: {test.values = dense<...>}, or {test.random = [low, high]} (uniform; integers
// below high), seeded by its name; without either, inputs, weights and trained tensors are random on [-1, 1], all
// others are 0.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tune/Transforms/Differentiation.h"
#include "dialects/Tune/Transforms/Passes.h"
#include "ftc/Runtime/Core/Philox.h"
#include "ftc/Target/Image.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/xxhash.h"

#include <cmath>

using namespace mlir;
namespace cl = llvm::cl;
using ftc::Image;
using ftc::target::TargetKind;

namespace {
struct Options {
  cl::opt<std::string> input{cl::Positional, cl::desc("<module>"), cl::init("-")};
  cl::opt<TargetKind> target{"target", cl::desc("the target"), cl::init(TargetKind::Reference),
                             cl::values(clEnumValN(TargetKind::Reference, "reference", "naive, one thread"),
                                        clEnumValN(TargetKind::CPU, "cpu", "optimised"))};
  cl::opt<std::string> processor{"cpu", cl::desc("the processor that --target=cpu is compiled for, this one if empty")};
  cl::opt<std::string> passes{"passes", cl::desc("a pipeline to run first, e.g. tune-differentiate,tune-simplify")};
  cl::opt<std::string> targetPasses{"target-passes",
                                    cl::desc("a pipeline to run for --target only, not for the judge")};
  cl::opt<std::string> output{"o", cl::desc("write the executable of the module instead of running it")};
  cl::opt<bool> printLLVM{"print-llvm", cl::desc("print the LLVM IR of the module instead of running it")};
  cl::opt<int> threads{"num-threads", cl::desc("number of threads"), cl::init(1)};
  cl::opt<bool> alone{"alone", cl::desc("run blocks of items one by one, the last first, in memory of NaN")};
  cl::opt<int> digits{"digits", cl::desc("digits printed"), cl::init(6)};
  cl::opt<int> repeat{"repeat", cl::desc("how often the programs are run, one after another"), cl::init(1)};
  cl::opt<double> judge{"judge",
                        cl::desc("compare every output with the reference target's, relative to its largest element")};
  cl::list<std::string> gradients{"check-gradient",
                                  cl::desc("loss:input:gradient, names of tensors: compare with central differences")};
  cl::opt<double> tolerance{"tolerance", cl::desc("of --check-gradient"), cl::init(1e-6)};
};
} // namespace

//===----------------------------------------------------------------------===//
// First contents
//===----------------------------------------------------------------------===//

static double toDouble(Attribute element) {
  if (auto real = dyn_cast<FloatAttr>(element))
    return real.getValueAsDouble();
  auto number = cast<IntegerAttr>(element);
  return number.getType().isInteger(1) ? double(number.getValue().getZExtValue()) : double(number.getInt());
}

static std::vector<double> makeRandom(ftc::tune::TensorOp tensor, double low, double high) {
  auto type = cast<RankedTensorType>(tensor.getType());
  std::vector<double> values(type.getNumElements());
  uint64_t key = llvm::xxh3_64bits(tensor.getSymName());
  for (auto [index, value] : llvm::enumerate(values)) {
    value = low + (high - low) * ftc::randomUniform(key, 0, index);
    if (type.getElementType().isInteger())
      value = std::floor(value);
    if (type.getElementType().isF32())
      value = float(value);
  }
  return values;
}

static FailureOr<std::vector<double>> getFirstContents(ftc::tune::TensorOp tensor) {
  using ftc::tune::Kind;
  auto type = cast<RankedTensorType>(tensor.getType());
  if (auto values = tensor->getAttrOfType<DenseElementsAttr>("test.values")) {
    if (values.getNumElements() != type.getNumElements())
      return tensor.emitOpError("has values of another number of elements");
    std::vector<double> numbers;
    for (Attribute element : values.getValues<Attribute>())
      numbers.push_back(toDouble(element));
    return numbers;
  }
  if (auto range = tensor->getAttrOfType<ArrayAttr>("test.random"); range && range.size() == 2)
    return makeRandom(tensor, toDouble(range[0]), toDouble(range[1]));
  bool isRandom = llvm::is_contained({Kind::input, Kind::weight, Kind::trained, Kind::frozen}, tensor.getKind());
  if (isRandom && isa<FloatType>(type.getElementType()))
    return makeRandom(tensor, -1, 1);
  return std::vector<double>(type.getNumElements(), 0.0);
}

static LogicalResult fill(Image &image) {
  for (auto tensor : image.getModule().getOps<ftc::tune::TensorOp>()) {
    FailureOr<std::vector<double>> values = getFirstContents(tensor);
    if (failed(values))
      return failure();
    image.set(tensor.getSymName(), *values);
  }
  return success();
}

static void runAll(Image &image, int times = 1, bool alone = false) {
  unsigned programs = llvm::range_size(image.getModule().getOps<func::FuncOp>());
  for (int time = 0; time < times; ++time)
    for (unsigned program = 0; program < programs; ++program)
      alone ? image.runBlocksAlone(program) : image.run(program);
}

//===----------------------------------------------------------------------===//
// What is done with the results
//===----------------------------------------------------------------------===//

static void print(Image &image, int digits) {
  for (auto tensor : image.getModule().getOps<ftc::tune::TensorOp>()) {
    if (tensor.getKind() != ftc::tune::Kind::output)
      continue;
    llvm::outs() << tensor.getSymName() << " =";
    for (double value : image.get(tensor.getSymName()))
      llvm::outs() << " " << llvm::format("%.*g", digits, std::isnan(value) ? std::fabs(value) : value);
    llvm::outs() << "\n";
  }
}

/// The largest difference, relative to the largest finite element of `truth`; infinite if one has a NaN or an infinity
/// where the other has none or another.
static double getError(ArrayRef<double> values, ArrayRef<double> truth) {
  double largest = 0, difference = 0;
  for (auto [value, expected] : llvm::zip(values, truth)) {
    if (!std::isfinite(expected) || !std::isfinite(value)) {
      if (!(value == expected || (std::isnan(value) && std::isnan(expected))))
        return INFINITY;
      continue;
    }
    largest = std::max(largest, std::fabs(expected));
    difference = std::max(difference, std::fabs(value - expected));
  }
  return difference == 0 ? 0 : difference / std::max(largest, 1e-300);
}

static LogicalResult judge(Image &image, Image &reference, double tolerance) {
  bool good = true;
  for (auto tensor : image.getModule().getOps<ftc::tune::TensorOp>()) {
    double error = getError(image.get(tensor.getSymName()), reference.get(tensor.getSymName()));
    bool isGood = error <= tolerance;
    good &= isGood;
    if (!isGood || tensor.getKind() == ftc::tune::Kind::output)
      llvm::outs() << tensor.getSymName() << ": " << (isGood ? "equal" : "DIFFERENT") << ", error "
                   << llvm::format("%.2g", error) << "\n";
  }
  return success(good);
}

/// Compares the gradient that the programs gave with (loss(x + h) - loss(x - h)) / 2h, at every element.
static LogicalResult checkGradient(Image &image, StringRef names, double tolerance) {
  SmallVector<StringRef> parts;
  names.split(parts, ':');
  if (parts.size() != 3 || !llvm::all_of(parts, [&](StringRef name) { return image.getModule().lookupSymbol(name); }))
    return image.getModule().emitError() << "'" << names << "' does not name three tensors";
  std::vector<double> point = image.get(parts[1]), differences(point.size());
  auto getLoss = [&](size_t element, double step) {
    if (failed(fill(image)))
      return 0.0;
    std::vector<double> moved = point;
    moved[element] += step;
    image.set(parts[1], moved);
    runAll(image);
    return image.get(parts[0]).front();
  };
  for (size_t i = 0; i < point.size(); ++i) {
    double step = 1e-4 * std::max(1.0, std::fabs(point[i])); // the fourth-order formula: its error is about 1e-13
    differences[i] =
        (8 * (getLoss(i, step) - getLoss(i, -step)) - (getLoss(i, 2 * step) - getLoss(i, -2 * step))) / (12 * step);
  }
  if (failed(fill(image)))
    return failure();
  runAll(image);
  double error = getError(image.get(parts[2]), differences);
  llvm::outs() << parts[2] << ": " << (error <= tolerance ? "equal" : "DIFFERENT") << ", error "
               << llvm::format("%.2g", error) << "\n";
  return success(error <= tolerance);
}

//===----------------------------------------------------------------------===//
// main
//===----------------------------------------------------------------------===//

static LogicalResult runPipeline(ModuleOp module, const std::string &text) {
  if (text.empty())
    return success();
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  if (failed(parsePassPipeline(text, manager)))
    return failure();
  return manager.run(module);
}

static FailureOr<Image> load(ModuleOp module, const Options &options, TargetKind kind) {
  OwningOpRef<ModuleOp> copy = module.clone();
  if (kind == options.target && failed(runPipeline(*copy, options.targetPasses)))
    return failure();
  ftc::target::TargetOptions targetOptions;
  targetOptions.kind = kind;
  targetOptions.processor = options.processor;
  FailureOr<Image> image = Image::load(std::move(copy), targetOptions);
  if (failed(image) || failed(fill(*image)))
    return failure();
  return image;
}

/// What is made instead of a run: the executable or the LLVM IR.
static LogicalResult emit(ModuleOp module, const Options &options) {
  if (failed(runPipeline(module, options.targetPasses)))
    return failure();
  ftc::target::TargetOptions targetOptions;
  targetOptions.kind = options.target;
  targetOptions.processor = options.processor;
  if (failed(ftc::target::lowerToPlaced(module, targetOptions)))
    return failure();
  if (options.printLLVM) {
    FailureOr<std::string> text = ftc::target::emitLLVM(module, targetOptions);
    if (succeeded(text))
      llvm::outs() << *text;
    return text;
  }
  return ftc::target::compileToExecutable(module, targetOptions, options.output);
}

static LogicalResult run(ModuleOp module, const Options &options) {
  if (failed(runPipeline(module, options.passes)))
    return failure();
  if (options.printLLVM || !options.output.empty())
    return emit(module, options);
  FailureOr<Image> image = load(module, options, options.target);
  if (failed(image))
    return failure();
  ftc_set_threads(options.threads);
  runAll(*image, options.repeat, options.alone);
  for (const std::string &names : options.gradients)
    if (failed(checkGradient(*image, names, options.tolerance)))
      return failure();
  if (options.judge.getNumOccurrences()) {
    FailureOr<Image> reference = load(module, options, TargetKind::Reference);
    if (failed(reference))
      return failure();
    runAll(*reference, options.repeat);
    return judge(*image, *reference, options.judge);
  }
  if (options.gradients.empty())
    print(*image, options.digits);
  return success();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  ftc::tune::registerTunePasses();
  ftc::target::registerTargetPasses();
  Options options;
  cl::ParseCommandLineOptions(argc, argv, "runs the programs of a tune module\n");
  DialectRegistry registry;
  registry.insert<ftc::tune::TuneDialect, arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect,
                  math::MathDialect, tensor::TensorDialect>();
  ftc::tune::registerAdjoints(registry);
  MLIRContext context(registry);
  context.allowUnregisteredDialects(); // for the test attributes
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(options.input, sources, &context);
  return module && succeeded(run(*module, options)) ? 0 : 1;
}
