//===- Roofline.cpp - the least time of a step ----------------------------===//

#include "Roofline.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace ftc;

void Roofline::Line::add(const Line &other) {
  calls += other.calls;
  flops += other.flops;
  bytes += other.bytes;
  seconds += other.seconds;
}

Roofline::Roofline(mlir::ModuleOp placed, const run::Manifest &manifest, const run::TrainStep &train,
                   const cpu::Ceiling &ceiling)
    : ceiling(ceiling), total{"all"} {
  double micros = double(train.batch.sequences) / double(train.batch.micro);
  std::map<std::string, Line> byName;
  for (auto [program, times] : {std::pair(train.micro, micros), std::pair(train.update, 1.0)}) {
    if (!program)
      continue;
    auto function = placed.lookupSymbol<mlir::func::FuncOp>(manifest.programs[*program]);
    for (const target::Work &work : target::listWork(function)) {
      Line line{work.what, times * double(work.calls), times * work.flops, times * work.bytes, 0};
      line.seconds = std::max(line.flops / ceiling.flops, line.bytes / ceiling.bytes);
      byName.try_emplace(work.what, Line{work.what}).first->second.add(line);
      total.add(line);
    }
  }
  for (auto &[name, line] : byName)
    lines.push_back(std::move(line));
  llvm::stable_sort(lines, [](const Line &a, const Line &b) { return a.seconds > b.seconds; });
}

std::string Roofline::table() const {
  constexpr size_t most = 20;
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << "     least ms   share    calls    GFLOP       GB  FLOP/B  bound       kernel\n";
  auto print = [&](const Line &line) {
    bool isArithmetic = line.flops / ceiling.flops >= line.bytes / ceiling.bytes;
    stream << llvm::formatv("  {0,11:f2} {1,6:f1}% {2,8:f0} {3,8:f2} {4,8:f3} {5,7:f1}  {6,-10}  {7}\n",
                            line.seconds * 1e3, 100 * line.seconds / total.seconds, line.calls, line.flops * 1e-9,
                            line.bytes * 1e-9, line.bytes ? line.flops / line.bytes : 0,
                            &line == &total ? ""
                            : isArithmetic  ? "arithmetic"
                                            : "memory",
                            line.what);
  };
  Line others{"others"};
  for (auto [index, line] : llvm::enumerate(lines)) {
    if (index < most)
      print(line);
    else
      others.add(line);
  }
  if (lines.size() > most)
    print(others);
  print(total);
  return text;
}
