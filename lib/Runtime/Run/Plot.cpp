//===- Plot.cpp - curves as SVG ----------------------------------------------===//

#include "ftc/Runtime/Run/Plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace ftc::run {
namespace {

/// Colours that stay apart for the colour-blind (Okabe and Ito 2008), then again with dashes.
constexpr std::string_view colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555"};
constexpr std::string_view dashes[] = {"none", "6 3", "2 2", "8 3 2 3"};
constexpr std::string_view ink = "#333333", faint = "#e3e3e3";

/// Parts that a curve is cut into where it has more points.
constexpr size_t longestPath = 150;
/// Values that span at least this factor get a logarithmic axis.
constexpr double logarithmicFrom = 8;
/// Values that differ by less than this share are drawn as equal ones: between them there may be no other numbers.
constexpr double leastRange = 1e-9;
/// Sizes in pixels: of a lone panel and of one among several, and of what is around its axes.
constexpr double loneWidth = 720, loneHeight = 420, width = 480, height = 320;
constexpr double left = 62, right = 18, top = 44, bottom = 46, lineHeight = 16;
constexpr size_t widestRow = 3;

std::string escape(std::string_view text) {
  std::string result;
  for (char c : text)
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (static_cast<unsigned char>(c) < ' ')
      result += ' '; // XML has no control characters
    else
      result += c;
  return result;
}

/// A range of values, and where its numbers are written.
struct Axis {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  bool logarithmic = false;
  std::vector<double> ticks;

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  double scaled(double value) const { return logarithmic ? std::log10(value) : value; }
  /// 0 at the low end, 1 at the high one.
  double place(double value) const { return (scaled(value) - scaled(low)) / (scaled(high) - scaled(low)); }
  /// Room beside the values: a share of the range.
  void widen(double below, double above);
  void setTicks(size_t wanted);
};

void Axis::widen(double below, double above) {
  double from = scaled(low), to = scaled(high);
  double size = std::max(std::abs(from), std::abs(to)), range = to - from;
  if (range <= std::max(leastRange * size, std::numeric_limits<double>::min()))
    range = std::max(1e-3, size * 0.1);
  from -= below * range;
  to += above * range;
  low = logarithmic ? std::pow(10, from) : from;
  high = logarithmic ? std::pow(10, to) : to;
}

/// Multiples of 1, 2 or 5 times a power of ten; on a logarithmic axis these numbers themselves, or the first two or one
/// of them where the range is long.
void Axis::setTicks(size_t wanted) {
  constexpr double steps[] = {1, 2, 5};
  double decades = logarithmic ? std::log10(high / low) : 0;
  if (logarithmic && decades >= 1) {
    size_t each = decades > 5 ? 1 : decades > 3 ? 2 : 3;
    for (double power = std::floor(std::log10(low)); power <= std::log10(high); ++power)
      for (size_t i = 0; i < each; ++i)
        if (double tick = steps[i] * std::pow(10, power); tick >= low && tick <= high)
          ticks.push_back(tick);
    return;
  }
  double step = std::pow(10, std::floor(std::log10((high - low) / static_cast<double>(wanted))));
  for (double factor : {2.0, 2.5, 2.0}) // 1, 2, 5, 10
    if ((high - low) / step > static_cast<double>(wanted))
      step *= factor;
  for (double count = std::ceil(low / step); count * step <= high; ++count)
    ticks.push_back(count * step);
}

/// Numbers as short as they can be told apart.
std::string tickText(double tick, const Axis &axis) {
  double step = axis.logarithmic || axis.ticks.size() < 2 ? tick : axis.ticks[1] - axis.ticks[0];
  if (std::abs(tick) >= 1e6 || (std::abs(tick) < 1e-4 && tick != 0))
    return fmt::format("{:g}", tick);
  int digits = step == 0 ? 0 : std::max(0, static_cast<int>(-std::floor(std::log10(std::abs(step)) + 1e-9)));
  return fmt::format("{:.{}f}", tick == 0 ? 0 : tick, digits);
}

/// A curve as it is drawn.
struct Path {
  std::vector<double> x, mean, least, most;
};

Path pathOf(const Curve &curve) {
  Path path;
  size_t count = curve.x.size(), parts = std::min(count, longestPath);
  for (size_t part = 0; part < parts; ++part) {
    size_t begin = part * count / parts, end = (part + 1) * count / parts;
    double x = 0, mean = 0, least = curve.y[begin], most = least;
    for (size_t i = begin; i < end; ++i) {
      x += curve.x[i];
      mean += curve.y[i];
      least = std::min(least, curve.y[i]);
      most = std::max(most, curve.y[i]);
    }
    path.x.push_back(x / static_cast<double>(end - begin));
    path.mean.push_back(mean / static_cast<double>(end - begin));
    path.least.push_back(least);
    path.most.push_back(most);
  }
  return path;
}

class PanelWriter {
public:
  PanelWriter(const Panel &panel, double panelWidth, double panelHeight)
      : panel(panel), plotWidth(panelWidth - left - right), plotHeight(panelHeight - top - bottom) {
    for (const Curve &curve : panel.curves)
      paths.push_back(pathOf(curve));
    setAxes();
  }

  /// The panel's elements, its upper left corner at the origin.
  std::string write();

private:
  void setAxes();
  double atX(double value) const { return left + plotWidth * x.place(value); }
  double atY(double value) const { return top + plotHeight * (1 - y.place(value)); }
  template <typename... T> void add(fmt::format_string<T...> text, T &&...values) {
    fmt::format_to(std::back_inserter(out), text, std::forward<T>(values)...);
  }
  void writeTitle();
  void writeAxes();
  void writeCurve(size_t number);
  void writeMarks();
  void writeLegend();

  const Panel &panel;
  double plotWidth, plotHeight;
  std::vector<Path> paths;
  Axis x, y;
  std::string out;
};

void PanelWriter::setAxes() {
  for (const Path &path : paths)
    for (size_t i = 0; i < path.x.size(); ++i) {
      x.add(path.x[i]);
      y.add(path.least[i]);
      y.add(path.most[i]);
    }
  for (const Mark &mark : panel.marks) {
    x.add(mark.x);
    y.add(mark.y);
  }
  y.logarithmic = y.low > 0 && y.high >= logarithmicFrom * y.low;
  x.widen(0.01, 0.02);
  y.widen(0.05, 0.08);
  x.setTicks(plotWidth > width ? 8 : 5);
  y.setTicks(6);
}

/// The name, and where the only curve begins and ends.
void PanelWriter::writeTitle() {
  std::string range;
  if (panel.curves.size() == 1 && !panel.curves[0].x.empty())
    range = fmt::format("{:.4g} to {:.4g} in {:g} steps", panel.curves[0].y.front(), panel.curves[0].y.back(),
                        panel.curves[0].x.back());
  add("<text x=\"{}\" y=\"24\" font-size=\"15\" font-weight=\"bold\">{}</text>\n", left, escape(panel.title));
  add("<text x=\"{:.1f}\" y=\"24\" text-anchor=\"end\">{}</text>\n", left + plotWidth, range);
}

void PanelWriter::writeAxes() {
  double base = top + plotHeight;
  for (double tick : y.ticks) {
    add("<line x1=\"{}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", left, atY(tick),
        left + plotWidth, atY(tick), faint);
    add("<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", left - 8, atY(tick) + 4, tickText(tick, y));
  }
  for (double tick : x.ticks) {
    if (tick != std::round(tick))
      continue; // there are no halves of steps
    add("<line x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\" stroke=\"{3}\"/>\n", atX(tick), base, base + 4, ink);
    add("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", atX(tick), base + 18, tickText(tick, x));
  }
  add("<path d=\"M{0},{1}V{2}H{3:.1f}\" fill=\"none\" stroke=\"{4}\"/>\n", left, top, base, left + plotWidth, ink);
  add("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">step (updates)</text>\n", left + plotWidth / 2, base + 36);
  add("<text transform=\"translate(16,{:.1f}) rotate(-90)\" text-anchor=\"middle\">loss{}</text>\n",
      top + plotHeight / 2, y.logarithmic ? " (logarithmic)" : "");
}

void PanelWriter::writeCurve(size_t number) {
  const Path &path = paths[number];
  std::string_view colour = colours[number % std::size(colours)];
  std::string_view dash = dashes[number / std::size(colours) % std::size(dashes)];
  if (path.x.size() < panel.curves[number].x.size()) {
    add("<polygon fill=\"{}\" fill-opacity=\"0.18\" points=\"", colour);
    for (size_t i = 0; i < path.x.size(); ++i)
      add("{:.1f},{:.1f} ", atX(path.x[i]), atY(path.most[i]));
    for (size_t i = path.x.size(); i-- > 0;)
      add("{:.1f},{:.1f} ", atX(path.x[i]), atY(path.least[i]));
    add("\"/>\n");
  }
  if (path.x.size() == 1)
    return add("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n", atX(path.x[0]), atY(path.mean[0]),
               colour);
  add("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\" stroke-linejoin=\"round\" stroke-dasharray=\"{}\" "
      "points=\"",
      colour, dash);
  for (size_t i = 0; i < path.x.size(); ++i)
    add("{:.1f},{:.1f} ", atX(path.x[i]), atY(path.mean[i]));
  add("\"/>\n");
}

/// Diamonds; named where there is one curve only.
void PanelWriter::writeMarks() {
  for (const Mark &mark : panel.marks) {
    double px = atX(mark.x), py = atY(mark.y);
    add("<path d=\"M{:.1f},{:.1f}l5,5l-5,5l-5,-5z\" fill=\"white\" stroke=\"{}\" stroke-width=\"1.6\"/>\n", px, py - 5,
        colours[mark.curve % std::size(colours)]);
    if (panel.curves.size() == 1)
      add("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\" stroke=\"white\" stroke-width=\"3\" "
          "paint-order=\"stroke\">{} "
          "{:.4g}</text>\n",
          px - 9, py + 4, escape(mark.name), mark.y);
  }
}

/// In the upper right corner, which falling curves leave empty: names, last values, and what the diamonds are.
void PanelWriter::writeLegend() {
  constexpr std::string_view halo = "stroke=\"white\" stroke-width=\"3\" paint-order=\"stroke\"";
  constexpr double sample = 22, gap = 6, value = 48;
  double edge = left + plotWidth - gap, line = top + 10;
  for (size_t i = 0; i < panel.curves.size(); ++i, line += lineHeight) {
    const Curve &curve = panel.curves[i];
    add("<line x1=\"{:.1f}\" y1=\"{}\" x2=\"{:.1f}\" y2=\"{}\" stroke=\"{}\" stroke-width=\"2.5\" "
        "stroke-dasharray=\"{}\"/>\n",
        edge - sample, line, edge, line, colours[i % std::size(colours)],
        dashes[i / std::size(colours) % std::size(dashes)]);
    if (!curve.y.empty())
      add("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"end\" {}>{:.4g}</text>\n", edge - sample - gap, line + 4, halo,
          curve.y.back());
    add("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"end\" {}>{}</text>\n", edge - sample - gap - value, line + 4, halo,
        escape(curve.name));
  }
  std::vector<std::string> named;
  for (const Mark &mark : panel.marks)
    if (std::find(named.begin(), named.end(), mark.name) == named.end())
      named.push_back(mark.name);
  for (size_t i = 0; i < named.size(); ++i)
    add("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"end\" {}>\u25c7 {}</text>\n", edge - gap,
        line + 4 + lineHeight * static_cast<double>(i), halo, escape(named[i]));
}

std::string PanelWriter::write() {
  writeTitle();
  writeAxes();
  for (size_t i = 0; i < paths.size(); ++i)
    if (!paths[i].x.empty())
      writeCurve(i);
  writeMarks();
  if (panel.curves.size() > 1)
    writeLegend();
  return std::move(out);
}

bool isEmpty(const Panel &panel) {
  return std::all_of(panel.curves.begin(), panel.curves.end(), [](const Curve &curve) { return curve.x.empty(); });
}

} // namespace

std::string drawPanels(std::span<const Panel> panels) {
  std::vector<const Panel *> shown;
  for (const Panel &panel : panels)
    if (!isEmpty(panel))
      shown.push_back(&panel);
  if (shown.empty())
    return "";
  bool isLone = shown.size() == 1;
  double panelWidth = isLone ? loneWidth : width, panelHeight = isLone ? loneHeight : height;
  size_t columns = shown.size() == 4 ? 2 : std::min(shown.size(), widestRow);
  size_t rows = (shown.size() + columns - 1) / columns;
  std::string picture =
      fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
                  "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"{2}\">\n"
                  "<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
                  panelWidth * static_cast<double>(columns), panelHeight * static_cast<double>(rows), ink);
  for (size_t i = 0; i < shown.size(); ++i)
    picture += fmt::format(
        "<g transform=\"translate({},{})\">\n{}</g>\n", panelWidth * static_cast<double>(i % columns),
        panelHeight * static_cast<double>(i / columns), PanelWriter(*shown[i], panelWidth, panelHeight).write());
  return picture + "</svg>\n";
}

} // namespace ftc::run
