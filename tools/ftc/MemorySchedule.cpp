//===- MemorySchedule.cpp - memory over a step ----------------------------===//

#include "MemorySchedule.h"

#include "ftc/Pipelines/Bytes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <numeric>

using namespace ftc;
using llvm::formatv;
using target::Moment;
using target::ProgramSchedule;

/// Colours that stay apart for the colour-blind (Okabe and Ito 2008).
const MemorySchedule::Kind MemorySchedule::kinds[kindCount] = {
    {"weights", "#0072b2"},          {"trained tensors", "#d55e00"}, {"gradients", "#cc79a7"},
    {"optimizer states", "#e69f00"}, {"activations", "#009e73"},     {"workspace", "#888888"}};

double MemorySchedule::Amounts::upTo(size_t kind) const { return std::accumulate(begin(), begin() + kind, 0.0); }

MemorySchedule::MemorySchedule(const run::Manifest &manifest, llvm::ArrayRef<ProgramSchedule> programs)
    : plan(manifest.plan) {
  int64_t shared = 0; // of the region that programs share, without what lies unused between values
  int64_t values = 0;
  gradientsAlways = int64_t(plan.gradients);
  for (const ProgramSchedule &program : programs)
    for (const Moment &moment : program.moments) {
      shared = std::max(shared, moment.activations + moment.gradients + moment.workspace);
      if (moment.activations + moment.gradients > values) {
        values = moment.activations + moment.gradients;
        gradientsAlways = int64_t(plan.gradients) - moment.gradients;
      }
    }
  fixed =
      std::max<int64_t>(0, int64_t(plan.peak - plan.weights - plan.trained - plan.states) - gradientsAlways - shared);
  for (const run::Step &step : manifest.steps) {
    const auto *train = std::get_if<run::TrainStep>(&step.detail);
    if (!train)
      continue;
    Training &training = trainings.emplace_back(Training{step.name, {}});
    for (const run::ProgramRef &program : {train->micro, train->update})
      for (const ProgramSchedule &known : programs)
        if (program && known.program == manifest.programs[*program] && !known.moments.empty())
          training.programs.push_back(&known);
  }
}

MemorySchedule::Amounts MemorySchedule::at(const Moment &moment) const {
  return {{double(plan.weights), double(plan.trained), double(gradientsAlways + moment.gradients), double(plan.states),
           double(moment.activations), double(fixed + moment.workspace)}};
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

std::string MemorySchedule::table(llvm::StringRef training) const {
  constexpr size_t mostParts = 10;
  std::string text;
  llvm::raw_string_ostream stream(text);
  auto line = [&](llvm::StringRef calls, std::initializer_list<std::string> amounts) {
    stream << "  " << llvm::left_justify(calls, 30);
    for (const std::string &amount : amounts)
      stream << llvm::right_justify(amount, 12);
    stream << "  ";
  };
  line("calls", {"activations", "gradients", "workspace", "all"});
  stream << "the call that needs most\n";
  const Training &found = *llvm::find_if(trainings, [&](const Training &each) { return each.name == training; });
  for (const ProgramSchedule *program : found.programs) {
    size_t count = program->moments.size(), parts = std::min(count, mostParts);
    for (size_t part = 0; part < parts; ++part) {
      auto begin = program->moments.begin() + part * count / parts,
           end = program->moments.begin() + (part + 1) * count / parts;
      const Moment &most = *std::max_element(
          begin, end, [&](const Moment &a, const Moment &b) { return at(a).total() < at(b).total(); });
      Amounts amounts = at(most);
      line(formatv("{0} {1} to {2}", program->program, part * count / parts + 1, (part + 1) * count / parts).str(),
           {bytesText(amounts[activations]), bytesText(amounts[gradients]), bytesText(amounts[workspace]),
            bytesText(amounts.total())});
      stream << most.what << "\n";
    }
  }
  return text;
}

//===----------------------------------------------------------------------===//
// The picture
//===----------------------------------------------------------------------===//

class MemorySchedule::Picture {
public:
  explicit Picture(const MemorySchedule &schedule);
  std::string text;

private:
  /// Neighbouring calls, by the one that needs most.
  struct Column {
    double from, to; ///< calls
    Amounts amounts;
  };
  static constexpr size_t mostColumns = 200;
  static constexpr double width = 900, panelHeight = 340, left = 70, right = 16, top = 64, bottom = 40;

  std::vector<Column> columnsOf(const Training &training) const;
  void drawPanel(const Training &training, double y);
  void drawArea(llvm::ArrayRef<Column> columns, size_t kind);
  void drawAxes();

  double placeX(double call) const { return left + call / calls * (width - left - right); }
  double placeY(double bytes) const { return base - bytes / high * (panelHeight - top - bottom); }

  const MemorySchedule &schedule;
  llvm::raw_string_ostream stream{text};
  double calls = 0, high = 0, base = 0; ///< of the panel
};

MemorySchedule::Picture::Picture(const MemorySchedule &schedule) : schedule(schedule) {
  double height = panelHeight * double(schedule.trainings.size());
  stream << formatv("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
                    "font-family=\"sans-serif\" font-size=\"12\" fill=\"#333333\">\n"
                    "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n",
                    width, height);
  for (auto [index, training] : llvm::enumerate(schedule.trainings))
    drawPanel(training, panelHeight * double(index));
  stream << "</svg>\n";
}

std::vector<MemorySchedule::Picture::Column> MemorySchedule::Picture::columnsOf(const Training &training) const {
  std::vector<Amounts> moments;
  for (const ProgramSchedule *program : training.programs)
    for (const Moment &moment : program->moments)
      moments.push_back(schedule.at(moment));
  std::vector<Column> columns;
  size_t count = moments.size(), parts = std::min(count, mostColumns);
  for (size_t part = 0; part < parts; ++part) {
    size_t begin = part * count / parts, end = (part + 1) * count / parts;
    columns.push_back({double(begin), double(end),
                       *std::max_element(moments.begin() + begin, moments.begin() + end,
                                         [](auto &a, auto &b) { return a.total() < b.total(); })});
  }
  return columns;
}

/// One kind, over those below it.
void MemorySchedule::Picture::drawArea(llvm::ArrayRef<Column> columns, size_t kind) {
  std::string points;
  llvm::raw_string_ostream list(points);
  for (const Column &column : columns)
    for (double x : {column.from, column.to})
      list << formatv("{0:f1},{1:f1} ", placeX(x), placeY(column.amounts.upTo(kind + 1)));
  for (const Column &column : llvm::reverse(columns))
    for (double x : {column.to, column.from})
      list << formatv("{0:f1},{1:f1} ", placeX(x), placeY(column.amounts.upTo(kind)));
  stream << formatv("<polygon fill=\"{0}\" points=\"{1}\"><title>{2}</title></polygon>\n", kinds[kind].colour,
                    llvm::StringRef(points).rtrim(), kinds[kind].name);
}

void MemorySchedule::Picture::drawAxes() {
  constexpr double mostTicks = 5;
  double step = std::pow(10, std::floor(std::log10(high / mostTicks)));
  for (double factor : {2.0, 2.5, 2.0}) // 1, 2, 5, 10
    if (high / step > mostTicks)
      step *= factor;
  for (double tick = 0; tick <= high; tick += step)
    stream << formatv("<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:f1}\" y2=\"{2:f1}\" stroke=\"#000000\" "
                      "stroke-opacity=\"0.12\"/><text x=\"{3}\" y=\"{4:f1}\" text-anchor=\"end\">{5}</text>\n",
                      left, width - right, placeY(tick), left - 6, placeY(tick) + 4, bytesText(tick));
  stream << formatv("<text x=\"{0}\" y=\"{1:f1}\" text-anchor=\"middle\">the {2} calls of a step</text>\n",
                    (left + width - right) / 2, base + 28, int64_t(calls));
}

void MemorySchedule::Picture::drawPanel(const Training &training, double y) {
  // A name of the recipe has nothing that XML takes for something else.
  stream << formatv("<text x=\"{0}\" y=\"{1}\" font-size=\"14\">Memory over a step of {2}</text>\n", left, y + 22,
                    training.name);
  std::vector<Column> columns = columnsOf(training);
  if (columns.empty())
    return;
  calls = columns.back().to;
  base = y + panelHeight - bottom;
  high = 0;
  for (const Column &column : columns)
    high = std::max(high, column.amounts.total());
  double x = left;
  for (auto [index, kind] : llvm::enumerate(kinds)) {
    drawArea(columns, index);
    stream << formatv("<rect x=\"{0}\" y=\"{1}\" width=\"10\" height=\"10\" fill=\"{2}\"/><text x=\"{3}\" "
                      "y=\"{4}\">{5}</text>\n",
                      x, y + 34, kind.colour, x + 14, y + 43, kind.name);
    x += 40 + 7 * double(llvm::StringRef(kind.name).size());
  }
  drawAxes();
}

std::string MemorySchedule::picture() const { return Picture(*this).text; }
