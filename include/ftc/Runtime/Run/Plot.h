//===- Plot.h - curves as SVG ------------------------------------------------===//
//
// A picture of panels side by side, each with curves over steps. It is a function of what it shows alone: a resumed run
// leaves the same bytes.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <span>
#include <string>
#include <vector>

namespace ftc::run {

/// y over x, x increasing, all finite; `name` stands in the legend where a panel has several.
struct Curve {
  std::string name;
  std::vector<double> x, y;
};

/// A value of its own beside a curve, such as an evaluation's.
struct Mark {
  std::string name;
  double x = 0, y = 0;
  size_t curve = 0; ///< number of the curve that it belongs to
};

struct Panel {
  std::string title;
  std::vector<Curve> curves;
  std::vector<Mark> marks;
};

/// The picture; empty if no panel has a curve with a point. A long curve is drawn as the means of equal parts of it, in
/// a band from their least to their largest value. Where values span a factor of 8 or more, the vertical axis is
/// logarithmic.
std::string drawPanels(std::span<const Panel> panels);

} // namespace ftc::run
