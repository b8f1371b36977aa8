//===- Ledger.h - what a run has finished ------------------------------------===//
#pragma once

#include "ftc/Runtime/Core/Status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ftc::run {

using namespace runtime; // its statuses, files and element types

/// A finished step. `hash` is that of the step, what it uses and the options that changed them.
struct LedgerEntry {
  std::string name, kind, hash;
  std::vector<std::string> outputs; // files or folders
  uint64_t metricsBytes = 0;        // length of metrics.jsonl when the step was finished
};

/// The file `ledger.json`: written anew, as one, whenever a step is finished.
class Ledger {
public:
  /// An absent file is an empty ledger; a malformed one an error.
  static Expected<Ledger> open(const std::string &path);

  /// The entry of that step if its hash is the same and everything it has written is still there.
  const LedgerEntry *find(std::string_view name, std::string_view hash) const;
  /// Replaces the entry of that name and writes the file.
  Status add(LedgerEntry entry);
  const std::vector<LedgerEntry> &entries() const { return list; }

private:
  explicit Ledger(std::string path) : path(std::move(path)) {}

  std::string path;
  std::vector<LedgerEntry> list;
};

} // namespace ftc::run
