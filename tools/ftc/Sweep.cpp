//===- Sweep.cpp - a recipe run for many values of its inputs --------------===//

#include "Sweep.h"

#include "Executable.h"
#include "SweepReport.h"

#include "dialects/Tune/IR/Tune.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace ftc;
using namespace llvm;

//===----------------------------------------------------------------------===//
// What is swept
//===----------------------------------------------------------------------===//

static std::nullopt_t refuse(const Twine &text) {
  errs() << "ftc: error: " << text << "\n";
  return std::nullopt;
}

std::optional<std::vector<SweptInput>> ftc::readSweep(ArrayRef<std::string> written, const CompileOptions &chosen) {
  std::vector<SweptInput> inputs;
  for (StringRef text : written) {
    auto [name, list] = text.split('=');
    SmallVector<StringRef> values;
    list.split(values, ',');
    if (name.empty() || !text.contains('=') || is_contained(values, ""))
      return refuse("expected '--sweep name=value,value,...', got '--sweep " + text + "'");
    for (auto [index, value] : enumerate(values))
      if (is_contained(ArrayRef(values).take_front(index), value))
        return refuse("'--sweep " + text + "' has the value '" + value + "' twice");
    if (chosen.defines.count(name.str()))
      return refuse("the input '" + name + "' is given by '-D' and by '--sweep'");
    if (any_of(inputs, [&, name = name](const SweptInput &input) { return input.name == name; }))
      return refuse("the input '" + name + "' is swept twice; write all its values in one '--sweep'");
    inputs.push_back({name.str(), std::vector<std::string>(values.begin(), values.end())});
  }
  return inputs;
}

/// All combinations, the last input varying fastest.
static std::vector<SweepPoint> pointsOf(const Sweep &sweep) {
  std::vector<SweepPoint> points = {SweepPoint()};
  for (const SweptInput &input : sweep.inputs) {
    std::vector<SweepPoint> longer;
    for (const SweepPoint &point : points)
      for (const std::string &value : input.values) {
        longer.push_back(point);
        longer.back().inputs.emplace_back(input.name, value);
      }
    points = std::move(longer);
  }
  return points;
}

/// `rank=4,lr=1e-3`; what a path cannot be made of is replaced, and a number keeps such names apart.
static std::string folderName(const SweepPoint &point, size_t number) {
  std::string name = point.label(",");
  bool plain = all_of(name, [](char c) { return isAlnum(c) || StringRef("=,.+-_").contains(c); });
  if (plain && name.size() <= 100)
    return name;
  return "point-" + utostr(number + 1);
}

//===----------------------------------------------------------------------===//
// Compiling and running
//===----------------------------------------------------------------------===//

/// Elements of all tensors that the recipe trains.
static int64_t trainedParameters(mlir::ModuleOp module) {
  int64_t count = 0;
  for (auto tensor : module.getOps<tune::TensorOp>())
    if (tensor.getKind() == tune::Kind::trained)
      count += cast<mlir::ShapedType>(tensor.getType()).getNumElements();
  return count;
}

/// Compiles a point; false after errors, which are the point's status.
static bool compilePoint(const Sweep &sweep, SweepPoint &point, const char *argv0) {
  CompileOptions chosen = sweep.chosen;
  for (const auto &[name, value] : point.inputs)
    chosen.defines[name] = value;
  Compilation compilation(chosen, argv0);
  point.executable = makeExecutable(compilation, chosen, argv0, point.status);
  if (point.executable.empty())
    return false;
  point.trained = trainedParameters(compilation.module());
  return true;
}

/// The options of the executables without `--out`, which is taken to `folder`.
static std::vector<std::string> wordsWithoutFolder(ArrayRef<char *> words, std::string &folder) {
  std::vector<std::string> rest;
  for (size_t i = 0; i < words.size(); ++i) {
    StringRef word = words[i];
    if (word.consume_front("--out="))
      folder = word.str();
    else if (word == "--out" && i + 1 < words.size())
      folder = words[++i];
    else
      rest.push_back(word.str());
  }
  return rest;
}

int ftc::runSweep(const Sweep &sweep, const char *argv0, ArrayRef<char *> words) {
  constexpr int interrupted = 130;
  std::string folder = ("runs/" + sys::path::stem(sweep.chosen.recipe)).str();
  std::vector<std::string> rest = wordsWithoutFolder(words, folder);
  if (sweep.json)
    rest.push_back("--quiet");
  std::vector<SweepPoint> points = pointsOf(sweep);
  for (auto [number, point] : enumerate(points)) {
    point.folder = folder + "/" + folderName(point, number);
    if (compilePoint(sweep, point, argv0))
      continue;
    errs() << "ftc: the point " << point.label(" ") << " cannot be compiled; nothing has been run\n";
    return point.status;
  }
  int status = Success;
  for (auto [number, point] : enumerate(points)) {
    if (!sweep.json)
      outs() << "[" << number + 1 << "/" << points.size() << "] " << point.label("  ") << "\n";
    outs().flush();
    std::vector<std::string> own = {"--out", point.folder, "--outputs", point.folder};
    own.insert(own.end(), rest.begin(), rest.end());
    point.status = runChild(point.executable, own);
    if (point.status == interrupted) {
      errs() << "sweep: stopped at point " << number + 1 << " of " << points.size() << "; started again, it goes on\n";
      return interrupted;
    }
    if (status == Success)
      status = point.status;
  }
  SweepReport report(sys::path::stem(sweep.chosen.recipe).str(), std::move(points));
  if (int failure = report.write(folder))
    return failure;
  outs() << (sweep.json ? report.json() : report.table());
  return status;
}
