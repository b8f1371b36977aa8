//===- Console.h - what a run says to its user -------------------------------===//
//
// Results and progress go to stdout, notes and errors to stderr. On a terminal the progress line is redrawn in place;
// elsewhere a line is printed now and then; with --json stdout holds one JSON object a line and nothing else.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "ftc/Runtime/Run/Options.h"

#include <chrono>
#include <string>
#include <string_view>

namespace ftc::run {

/// Where a long piece of work stands.
struct Progress {
  std::string_view name; // of the step of the recipe
  std::string_view unit; // "step", "batch"
  int64_t done = 0, total = 0;
  std::string_view details; // "loss 1.2345  lr 1.0e-04  250 tokens/s"
  double secondsLeft = -1;  // negative: not known
  bool isBrief = false;     // not worth a line of its own unless it takes long
};

class Console {
public:
  explicit Console(const Options &options);
  ~Console() { clearProgress(); }
  Console(const Console &) = delete;
  Console &operator=(const Console &) = delete;

  bool isJson() const { return json; }

  /// Shows where work stands: at once on a terminal (at most ten times a second), else one in ten seconds, and the
  /// first and the last of what is not brief.
  void showProgress(const Progress &progress);
  /// Shows what is being done: in place on a terminal, elsewhere a line in ten seconds.
  void showStatus(std::string_view text);
  /// Removes the line that is redrawn in place.
  void clearProgress();
  /// A line of the run's results.
  void print(std::string_view line);
  /// Part of a generated text, without a line break; `endText` ends it.
  void printPart(std::string_view text);
  void endText();
  /// An object of --json; nothing otherwise.
  void printJson(std::string_view object);
  /// Something that a user should know and need not act on.
  void note(std::string_view text);
  void error(const Error &error);

private:
  using Clock = std::chrono::steady_clock;

  void draw(std::string text);

  bool json, quiet, terminal;
  bool lineShown = false;
  std::string lastName;
  Clock::time_point lastShown;
};

/// `3 h 12 min`, `4 min 05 s`, `12 s`.
std::string durationText(double seconds);
/// `1.25 GB`, in powers of 1000.
std::string byteText(uint64_t bytes);

} // namespace ftc::run
