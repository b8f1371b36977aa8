//===- SweepReport.cpp - what the points of a sweep have come to -----------===//

#include "SweepReport.h"

#include "Command.h"

#include "ftc/Runtime/Core/File.h"
#include "ftc/Runtime/Run/Console.h"
#include "ftc/Runtime/Run/Curves.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

#include <limits>

using namespace ftc;
namespace json = ftc::runtime::json;

std::string SweepPoint::label(llvm::StringRef separator) const {
  std::string text;
  for (const auto &[name, value] : inputs)
    text += (text.empty() ? "" : separator.str()) + name + "=" + value;
  return text;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static double secondsOf(llvm::StringRef metrics) {
  double sum = 0;
  for (llvm::StringRef line : llvm::split(metrics, '\n'))
    if (auto value = json::parse(line, {}))
      if (const json::Value *seconds = value->find("seconds"))
        sum += seconds->asNumber().value_or(0);
  return sum;
}

SweepReport::Result SweepReport::read(const SweepPoint &point) {
  Result result;
  auto metrics = runtime::readFile(point.folder + "/metrics.jsonl", std::numeric_limits<uint64_t>::max());
  if (!metrics)
    return result; // it has not come that far
  result.panels = run::panelsOf(*metrics);
  for (const run::Panel &panel : result.panels) {
    result.losses[panel.title] = panel.curves[0].y.back();
    for (const run::Mark &mark : panel.marks)
      result.evaluations[mark.name] = mark.y;
  }
  result.seconds = secondsOf(*metrics);
  return result;
}

SweepReport::SweepReport(std::string recipe, std::vector<SweepPoint> points)
    : recipe(std::move(recipe)), points(std::move(points)) {
  for (const SweepPoint &point : this->points)
    results.push_back(read(point));
}

/// The names that any point has, in the order of the first that has them.
std::vector<std::string> SweepReport::names(std::map<std::string, double> Result::*of) const {
  std::vector<std::string> all;
  for (const Result &result : results)
    for (const auto &[name, value] : result.*of)
      if (!llvm::is_contained(all, name))
        all.push_back(name);
  return all;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

int SweepReport::write(const std::string &folder) const {
  std::vector<std::pair<std::string, std::vector<run::Panel>>> runs;
  for (auto [point, result] : llvm::zip_equal(points, results))
    runs.emplace_back(point.label(" "), result.panels);
  std::string picture = run::drawPanels(run::overlay(runs));
  runtime::Status status = runtime::writeFileAtomically(folder + "/sweep.json", json());
  if (status && !picture.empty())
    status = runtime::writeFileAtomically(folder + "/sweep.svg", picture);
  if (status)
    return Success;
  llvm::errs() << "ftc: error: " << status.error().message << "\n";
  return int(status.error().status);
}

/// A value as it was written: a number or a truth value as such, anything else as text.
static json::Value valueOf(const std::string &text) {
  auto value = json::parse(text, {});
  return value && (value->asNumber() || value->asBool()) ? *value : json::Value(text);
}

std::string SweepReport::json() const {
  json::Array entries;
  for (auto [point, result] : llvm::zip_equal(points, results)) {
    json::Object inputs, losses, evaluations;
    for (const auto &[name, value] : point.inputs)
      inputs.push_back({name, valueOf(value)});
    for (const auto &[name, value] : result.losses)
      losses.push_back({name, value});
    for (const auto &[name, value] : result.evaluations)
      evaluations.push_back({name, value});
    entries.push_back(json::Object{{"inputs", std::move(inputs)},
                                   {"folder", point.folder},
                                   {"status", point.status},
                                   {"trained", point.trained},
                                   {"losses", std::move(losses)},
                                   {"evaluations", std::move(evaluations)},
                                   {"seconds", result.seconds}});
  }
  return json::dump(json::Value(json::Object{{"recipe", recipe}, {"points", std::move(entries)}}), 2) + "\n";
}

static std::string lossText(const std::map<std::string, double> &values, const std::string &name) {
  auto found = values.find(name);
  std::string text;
  if (found != values.end())
    llvm::raw_string_ostream(text) << llvm::format("%.4f", found->second);
  return found == values.end() ? "-" : text;
}

/// Rows of cells as lines, every column as wide as it needs.
static std::string aligned(const std::vector<std::vector<std::string>> &rows) {
  std::string text;
  for (const auto &row : rows) {
    std::string line;
    for (auto [column, cell] : llvm::enumerate(row)) {
      size_t width = 0;
      for (const auto &other : rows)
        width = std::max(width, other[column].size());
      line += (line.empty() ? "" : "  ") + std::string(width - cell.size(), ' ') + cell;
    }
    text += line + "\n";
  }
  return text;
}

std::string SweepReport::table() const {
  std::vector<std::string> trainings = names(&Result::losses), evaluations = names(&Result::evaluations);
  std::vector<std::vector<std::string>> rows(1);
  for (const auto &[name, value] : points.front().inputs)
    rows[0].push_back(name);
  for (const std::string &name : trainings)
    rows[0].push_back(name + ": loss");
  rows[0].insert(rows[0].end(), evaluations.begin(), evaluations.end());
  for (const char *name : {"trained", "time", ""})
    rows[0].push_back(name);
  for (auto [point, result] : llvm::zip_equal(points, results)) {
    auto &row = rows.emplace_back();
    for (const auto &[name, value] : point.inputs)
      row.push_back(value);
    for (const std::string &name : trainings)
      row.push_back(lossText(result.losses, name));
    for (const std::string &name : evaluations)
      row.push_back(lossText(result.evaluations, name));
    row.push_back(std::to_string(point.trained));
    row.push_back(run::durationText(result.seconds));
    row.push_back(point.status == Success ? "" : "failed (" + std::to_string(point.status) + ")");
  }
  if (llvm::all_of(points, [](const SweepPoint &point) { return point.status == Success; }))
    for (auto &row : rows)
      row.pop_back();
  return aligned(rows);
}
