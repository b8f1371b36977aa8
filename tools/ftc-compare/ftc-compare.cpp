//===- ftc-compare.cpp - results against reference data -------------------===//
//
// For tests:
//   ftc-compare tensors OURS GOLDEN --bound 1e-5 [--only NAME] [--prefix TEXT]
//     every floating-point tensor of GOLDEN (or NAME alone) is in OURS under the same name, with the same shape, and
//     its largest difference is at most the bound times its largest entry. --prefix: text put before GOLDEN's names.
//   ftc-compare losses METRICS GOLDEN [KEY] --bound 1e-6 [--field lr] [--first 100]
//     the losses (or another field of every update) of a metrics.jsonl and the list KEY (its first entries) of a JSON
//     object (`a/b`: of the object a; without KEY: another metrics.jsonl's), relative to each that is not 0.
// Prints the worst difference; exits 1 if it is beyond the bound, or anything is missing.
//
//===----------------------------------------------------------------------===//

#include "ftc/Runtime/Core/Float.h"
#include "ftc/Runtime/IO/Json.h"
#include "ftc/Runtime/IO/Safetensors.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <fstream>

using namespace ftc::runtime;

namespace {
/// Whether `found` is worse than all differences before, of which `worst` is the largest: nothing is worse than NaN.
bool isWorse(double found, double worst) { return !std::isnan(worst) && !(found <= worst); }

/// The largest difference met, and where.
struct Worst {
  double difference = 0;
  std::string place = "nothing";

  void add(double found, const std::string &where) {
    if (place == "nothing" || isWorse(found, difference)) {
      difference = found;
      place = where;
    }
  }

  int report(double bound) const {
    bool good = difference <= bound && place != "nothing";
    fmt::print("{}: worst {:.3e} ({}), bound {:.0e}\n", good ? "equal" : "different", difference, place, bound);
    return good ? 0 : 1;
  }
};
} // namespace

static int fail(const std::string &message) {
  fmt::print("different: {}\n", message);
  return 1;
}

static std::vector<double> valuesOf(const StoredTensor &tensor) {
  std::vector<double> values(tensor.elements());
  convertFloats(*tensor.format.element, tensor.bytes.data(), ElementType::F64, values.data(), values.size());
  return values;
}

/// Infinities and NaN are equal where both sides have them.
static double distance(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)) ? 0 : std::abs(a - b); }

/// Largest difference relative to the largest entry of `golden` that is a number.
static double differenceOf(const StoredTensor &ours, const StoredTensor &golden) {
  std::vector<double> a = valuesOf(ours), b = valuesOf(golden);
  double largest = 0, difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isfinite(b[i]))
      largest = std::max(largest, std::abs(b[i]));
    if (double found = distance(a[i], b[i]); isWorse(found, difference))
      difference = found;
  }
  return largest > 0 ? difference / largest : difference;
}

static int compareTensors(const std::string &ours, const std::string &golden, const std::string &only,
                          const std::string &prefix, double bound) {
  auto left = SafetensorsFile::open(ours), right = SafetensorsFile::open(golden);
  if (!left || !right)
    return fail(left ? right.error().message : left.error().message);
  Worst worst;
  for (const StoredTensor &tensor : right->tensors()) {
    if ((!only.empty() && tensor.name != only) || !isFloat(*tensor.format.element))
      continue;
    const StoredTensor *mine = left->find(prefix + tensor.name);
    if (!mine)
      return fail(fmt::format("{} has no tensor '{}'", ours, prefix + tensor.name));
    if (mine->shape != tensor.shape)
      return fail(fmt::format("'{}' is {}, expected {}", tensor.name, shapeText(mine->shape), shapeText(tensor.shape)));
    worst.add(differenceOf(*mine, tensor), tensor.name);
  }
  return worst.report(bound);
}

/// The losses (or another field) of all updates in a metrics.jsonl.
static Expected<std::vector<double>> lossesOf(const std::string &metrics, const std::string &field) {
  std::ifstream file(metrics);
  std::vector<double> losses;
  for (std::string line; std::getline(file, line);) {
    auto entry = json::parse(line, {.file = metrics});
    if (!entry)
      return entry.error();
    if (const json::Value *loss = entry->find("step") ? entry->find(field) : nullptr)
      losses.push_back(loss->asNumber().value_or(NAN));
  }
  return losses;
}

/// The list `key` of a JSON object; of a metrics.jsonl its losses.
static Expected<std::vector<double>> goldenLosses(const std::string &golden, const std::string &key,
                                                  const std::string &field) {
  if (key.empty())
    return lossesOf(golden, field);
  auto object = json::parseFile(golden);
  if (!object)
    return object.error();
  size_t slash = key.find('/');
  const json::Value *list = object->find(key.substr(0, slash));
  if (list && slash != std::string::npos)
    list = list->find(key.substr(slash + 1));
  if (!list || !list->asArray())
    return makeError(ExitStatus::Input, "{} has no list '{}'", golden, key);
  std::vector<double> losses;
  for (const json::Value &loss : *list->asArray())
    losses.push_back(loss.asNumber().value_or(NAN));
  return losses;
}

static int compareLosses(const std::string &metrics, const std::string &golden, const std::string &key,
                         const std::string &field, std::optional<size_t> first, double bound) {
  auto losses = lossesOf(metrics, field), truth = goldenLosses(golden, key, field);
  if (!losses || !truth)
    return fail((losses ? truth : losses).error().message);
  if (first && *first < truth->size())
    truth->resize(*first);
  if (losses->size() != truth->size())
    return fail(fmt::format("{} losses, expected {}", losses->size(), truth->size()));
  Worst worst;
  for (size_t i = 0; i < losses->size(); ++i)
    worst.add(std::abs((*losses)[i] - (*truth)[i]) / ((*truth)[i] == 0 ? 1 : std::abs((*truth)[i])),
              fmt::format("step {}", i + 1));
  return worst.report(bound);
}

int main(int argc, char **argv) {
  CLI::App app("Compares results with reference data");
  app.require_subcommand(1);
  std::string ours, golden, only, prefix, key, field = "loss";
  std::optional<size_t> first;
  double bound = 0;
  CLI::App *tensors = app.add_subcommand("tensors", "Tensors of two safetensors files");
  CLI::App *losses = app.add_subcommand("losses", "Losses of a metrics.jsonl and a list in a JSON file");
  for (CLI::App *command : {tensors, losses}) {
    command->add_option("ours", ours)->required();
    command->add_option("golden", golden)->required();
    command->add_option("--bound", bound)->required();
  }
  tensors->add_option("--only", only);
  tensors->add_option("--prefix", prefix);
  losses->add_option("key", key);
  losses->add_option("--field", field);
  losses->add_option("--first", first);
  CLI11_PARSE(app, argc, argv);
  return *tensors ? compareTensors(ours, golden, only, prefix, bound)
                  : compareLosses(ours, golden, key, field, first, bound);
}
