#include "Profile.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ftc::cpu {
namespace {

using Clock = std::chrono::steady_clock;

struct Line {
  uint64_t calls = 0;
  double seconds = 0, flops = 0;
};

/// One for the process; programs are run by one thread at a time.
struct Profile {
  const ftc_program *programs = nullptr;
  uint64_t count = 0;
  const ftc_note *const *notes = nullptr;
  std::map<std::string, Line> lines;

  ~Profile() { print(); }
  void print() const;
};

Profile &getProfile() {
  static Profile profile;
  return profile;
}

void Profile::print() const {
  if (lines.empty())
    return;
  Line total;
  std::vector<std::pair<std::string, Line>> sorted(lines.begin(), lines.end());
  std::sort(sorted.begin(), sorted.end(), [](auto &a, auto &b) { return a.second.seconds > b.second.seconds; });
  for (auto &[what, line] : sorted) {
    total.calls += line.calls;
    total.seconds += line.seconds;
    total.flops += line.flops;
  }
  auto write = [&](const std::string &what, const Line &line) {
    std::fprintf(stderr, "%10.1f %6.2f%% %8llu %8.1f  %s\n", line.seconds * 1e3, 100 * line.seconds / total.seconds,
                 (unsigned long long)line.calls, line.flops * 1e-9 / line.seconds, what.c_str());
  };
  std::fprintf(stderr, "%10s %7s %8s %8s  %s\n", "ms", "share", "calls", "GFLOP/s", "kernel");
  for (auto &[what, line] : sorted)
    write(what, line);
  write("total", total);
}

} // namespace

CallTimer::CallTimer(const ftc_program &program, uint64_t call) : note(nullptr) {
  const Profile &profile = getProfile();
  if (!profile.notes || &program < profile.programs || &program >= profile.programs + profile.count)
    return;
  note = &profile.notes[&program - profile.programs][call];
  begin = Clock::now();
}

CallTimer::~CallTimer() {
  if (!note)
    return;
  Line &line = getProfile().lines[note->what];
  line.seconds += std::chrono::duration<double>(Clock::now() - begin).count();
  line.flops += double(note->flops);
  ++line.calls;
}

} // namespace ftc::cpu

void ftc_profile_start(const ftc_program *programs, const ftc_note *const *notes) {
  ftc::cpu::Profile &profile = ftc::cpu::getProfile();
  profile.programs = programs;
  profile.count = 0;
  while (notes[profile.count])
    ++profile.count;
  profile.notes = notes;
}
