//===- Curves.cpp - what metrics.jsonl shows ---------------------------------===//

#include "ftc/Runtime/Run/Curves.h"

#include "ftc/Runtime/IO/Json.h"

#include <algorithm>

namespace ftc::run {

using namespace runtime; // its statuses, files and element types

static std::vector<Panel>::iterator findPanel(std::vector<Panel> &panels, std::string_view title) {
  return std::find_if(panels.begin(), panels.end(), [&](const Panel &panel) { return panel.title == title; });
}

/// Adds what one line says.
static void addLine(const json::Value &line, std::vector<Panel> &panels) {
  const json::Value *train = line.find("train"), *evaluate = line.find("evaluate");
  const json::Value *step = line.find("step"), *loss = line.find("loss");
  std::optional<double> y = loss ? loss->asNumber() : std::nullopt;
  if (!y)
    return;
  if (train && train->asString() && step && step->asNumber()) {
    auto panel = findPanel(panels, *train->asString());
    if (panel == panels.end())
      panel = panels.insert(panel, Panel{*train->asString(), {Curve{*train->asString(), {}, {}}}, {}});
    Curve &curve = panel->curves[0];
    if (!curve.x.empty() && curve.x.back() >= *step->asNumber()) { // it has been trained anew
      curve.x.clear();
      curve.y.clear();
      panel->marks.clear();
    }
    curve.x.push_back(*step->asNumber());
    curve.y.push_back(*y);
  } else if (evaluate && evaluate->asString() && !panels.empty()) {
    panels.back().marks.push_back({*evaluate->asString(), panels.back().curves[0].x.back(), *y, 0});
  }
}

std::vector<Panel> panelsOf(std::string_view metrics) {
  std::vector<Panel> panels;
  json::Parser parser;
  while (!metrics.empty()) {
    size_t end = std::min(metrics.find('\n'), metrics.size());
    if (Expected<json::Value> line = parser.parse(metrics.substr(0, end), {}))
      addLine(*line, panels);
    metrics.remove_prefix(std::min(end + 1, metrics.size()));
  }
  return panels;
}

std::vector<Panel> overlay(std::span<const std::pair<std::string, std::vector<Panel>>> runs) {
  std::vector<Panel> all;
  for (const auto &[name, panels] : runs)
    for (const Panel &own : panels) {
      auto panel = findPanel(all, own.title);
      if (panel == all.end())
        panel = all.insert(panel, Panel{own.title, {}, {}});
      for (const Mark &mark : own.marks)
        panel->marks.push_back({mark.name, mark.x, mark.y, panel->curves.size()});
      panel->curves.push_back(own.curves[0]);
      panel->curves.back().name = name;
    }
  return all;
}

} // namespace ftc::run
