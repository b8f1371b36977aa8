//===- Console.cpp - what a run says to its user -----------------------------===//

#include "ftc/Runtime/Run/Console.h"

#include "ftc/Runtime/IO/Json.h"

#include <algorithm>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

namespace ftc::run {

using namespace std::chrono_literals;

static bool isTerminal() {
  const char *term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) && term && std::string_view(term) != "dumb";
}

static size_t terminalWidth() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

Console::Console(const Options &options)
    : json(options.json), quiet(options.quiet), terminal(isTerminal()), lastShown(Clock::now()) {}

/// A bar before `text`, as long as the line allows.
static std::string withBar(const Progress &progress, const std::string &text) {
  constexpr int64_t longest = 20, shortest = 5, frame = 4; // brackets, a space, the last column
  int64_t width = std::min(longest, static_cast<int64_t>(terminalWidth()) - static_cast<int64_t>(text.size()) - frame);
  if (width < shortest || progress.total <= 0)
    return text;
  auto filled = static_cast<size_t>(width * progress.done / progress.total);
  return "[" + std::string(filled, '=') + std::string(static_cast<size_t>(width) - filled, ' ') + "] " + text;
}

static std::string progressText(const Progress &progress) {
  std::string text =
      fmt::format("{}  {} {}/{}  {}", progress.name, progress.unit, progress.done, progress.total, progress.details);
  if (progress.secondsLeft >= 0 && progress.done < progress.total)
    text += fmt::format("  {} left", durationText(progress.secondsLeft));
  return text;
}

void Console::showProgress(const Progress &progress) {
  if (quiet || json)
    return;
  Clock::time_point now = Clock::now();
  bool isNew = lastName != progress.name;
  if (isNew)
    lastShown = now;
  lastName = progress.name;
  bool isWanted = (isNew || progress.done >= progress.total) && (terminal || !progress.isBrief);
  if (!isWanted && now - lastShown < (terminal ? 100ms : Clock::duration(10s)))
    return;
  lastShown = now;
  std::string text = progressText(progress);
  if (terminal)
    return draw(withBar(progress, text));
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

void Console::showStatus(std::string_view text) {
  Clock::time_point now = Clock::now();
  if (quiet || json || now - lastShown < (terminal ? 100ms : Clock::duration(10s)))
    return;
  lastShown = now;
  if (terminal)
    return draw(std::string(text));
  print(text);
}

void Console::draw(std::string text) {
  text.resize(std::min(text.size(), terminalWidth() - 1));
  std::printf("\r\033[K%s", text.c_str());
  std::fflush(stdout);
  lineShown = true;
}

void Console::clearProgress() {
  if (!lineShown)
    return;
  std::fputs("\r\033[K", stdout);
  std::fflush(stdout);
  lineShown = false;
}

void Console::print(std::string_view line) {
  if (quiet || json)
    return;
  clearProgress();
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

void Console::printPart(std::string_view text) {
  if (quiet || json)
    return;
  clearProgress();
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void Console::endText() { printPart("\n"); }

void Console::printJson(std::string_view object) {
  if (!json)
    return;
  std::printf("%.*s\n", static_cast<int>(object.size()), object.data());
  std::fflush(stdout);
}

void Console::note(std::string_view text) {
  if (quiet)
    return;
  clearProgress();
  fmt::print(stderr, "note: {}\n", text);
}

void Console::error(const Error &error) {
  clearProgress();
  fmt::print(stderr, "error: {}\n", error.message);
  if (error.status == ExitStatus::Bug)
    fmt::print(stderr, "this is a bug of ftc: please report it with the recipe and this message\n");
  printJson(
      fmt::format("{{\"error\":{},\"status\":{}}}", json::dumpString(error.message), static_cast<int>(error.status)));
}

std::string durationText(double seconds) {
  auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole >= 3600)
    return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
  if (whole >= 60)
    return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

std::string byteText(uint64_t bytes) {
  constexpr const char *units[] = {"bytes", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1000 && unit < 4; ++unit)
    value /= 1000;
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.3g} {}", value, units[unit]);
}

} // namespace ftc::run
