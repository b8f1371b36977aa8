#include "Profile.h"

#include "ftc/Runtime/IO/Json.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ftc::cpu {
namespace {

using Clock = std::chrono::steady_clock;

/// Calls that a trace keeps at most: some steps of a large model, 2 MB.
constexpr size_t kMostEvents = 65536;

struct Line {
  uint64_t calls = 0;
  double seconds = 0, flops = 0, bytes = 0;
};

struct Event {
  const ftc_note *note;
  Clock::time_point begin, end;
};

/// One for the process; programs are run by one thread at a time.
struct Profile {
  const ftc_program *programs;
  const ftc_note *const *notes;
  Ceiling ceiling;
  uint64_t count = 0;
  std::map<std::string, Line> lines = {};
  std::vector<Event> events = {};
};

std::unique_ptr<Profile> current;

/// The least time in which the machine could do it.
double leastSeconds(const Line &line, const Ceiling &ceiling) {
  return std::max(line.flops / ceiling.flops, ceiling.bytes ? line.bytes / ceiling.bytes : 0);
}

} // namespace

void startProfile(const ftc_program *programs, const ftc_note *const *notes, const Ceiling &ceiling) {
  current = std::make_unique<Profile>(Profile{programs, notes, ceiling});
  while (notes[current->count])
    ++current->count;
  current->events.reserve(kMostEvents);
}

void stopProfile() { current.reset(); }

std::string profileTable() {
  Line total;
  double least = 0;
  std::vector<std::pair<std::string, Line>> sorted(current->lines.begin(), current->lines.end());
  std::sort(sorted.begin(), sorted.end(), [](auto &a, auto &b) { return a.second.seconds > b.second.seconds; });
  for (auto &[what, line] : sorted) {
    total.calls += line.calls;
    total.seconds += line.seconds;
    total.flops += line.flops;
    total.bytes += line.bytes;
    least += leastSeconds(line, current->ceiling);
  }
  char buffer[160];
  std::snprintf(buffer, sizeof(buffer), "this machine, measured before: %.1f GFLOP/s, %.1f GB/s\n",
                current->ceiling.flops * 1e-9, current->ceiling.bytes * 1e-9);
  std::string text = buffer;
  std::snprintf(buffer, sizeof(buffer), "%10s %7s %8s %8s %8s %6s  %s\n", "ms", "share", "calls", "GFLOP/s", "GB/s",
                "wall", "kernel");
  text += buffer;
  auto add = [&](const std::string &what, const Line &line, double wall) {
    std::snprintf(buffer, sizeof(buffer), "%10.1f %6.2f%% %8llu %8.1f %8.2f %6.2f  ", line.seconds * 1e3,
                  100 * line.seconds / total.seconds, (unsigned long long)line.calls, line.flops * 1e-9 / line.seconds,
                  line.bytes * 1e-9 / line.seconds, wall);
    text += buffer + what + "\n";
  };
  for (auto &[what, line] : sorted)
    add(what, line, leastSeconds(line, current->ceiling) / line.seconds);
  if (!sorted.empty())
    add("total", total, least / total.seconds);
  return text;
}

std::string profileTrace() {
  std::string text = "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [";
  char buffer[192];
  for (const Event &event : current->events) {
    auto micro = [&](Clock::time_point time) {
      return std::chrono::duration<double, std::micro>(time - current->events.front().begin).count();
    };
    const ftc_note &note = *event.note;
    std::snprintf(buffer, sizeof(buffer),
                  "\"ph\": \"X\", \"pid\": 1, \"tid\": 1, \"ts\": %.3f, \"dur\": %.3f, \"args\": {\"flops\": %llu, "
                  "\"bytes\": %llu}}",
                  micro(event.begin), micro(event.end) - micro(event.begin), (unsigned long long)note.flops,
                  (unsigned long long)note.bytes);
    text += &event == current->events.data() ? "\n{\"name\": " : ",\n{\"name\": ";
    text += runtime::json::dumpString(note.what) + ", " + buffer;
  }
  return text + "\n]}\n";
}

CallTimer::CallTimer(const ftc_program &program, uint64_t call) : note(nullptr) {
  if (!current || &program < current->programs || &program >= current->programs + current->count)
    return;
  note = &current->notes[&program - current->programs][call];
  begin = Clock::now();
}

CallTimer::~CallTimer() {
  if (!note)
    return;
  Clock::time_point end = Clock::now();
  Line &line = current->lines[note->what];
  line.seconds += std::chrono::duration<double>(end - begin).count();
  line.flops += double(note->flops);
  line.bytes += double(note->bytes);
  ++line.calls;
  if (current->events.size() < kMostEvents)
    current->events.push_back({note, begin, end});
}

} // namespace ftc::cpu
