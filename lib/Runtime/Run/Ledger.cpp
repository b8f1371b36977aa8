//===- Ledger.cpp - what a run has finished ----------------------------------===//

#include "ftc/Runtime/Run/Ledger.h"

#include "ftc/Runtime/Core/File.h"
#include "ftc/Runtime/IO/Json.h"

#include <algorithm>
#include <filesystem>

namespace ftc::run {

namespace fs = std::filesystem;

static constexpr uint64_t maxLedgerBytes = uint64_t(16) << 20;

static std::optional<LedgerEntry> readEntry(const json::Value &value) {
  const json::Value *name = value.find("name"), *kind = value.find("kind"), *hash = value.find("hash"),
                    *outputs = value.find("outputs"), *metrics = value.find("metrics_bytes");
  if (!name || !name->asString() || !kind || !kind->asString() || !hash || !hash->asString() || !outputs ||
      !outputs->asArray() || !metrics || metrics->asInteger().value_or(-1) < 0)
    return std::nullopt;
  LedgerEntry entry{*name->asString(), *kind->asString(), *hash->asString(), {}, 0};
  entry.metricsBytes = static_cast<uint64_t>(*metrics->asInteger());
  for (const json::Value &output : *outputs->asArray()) {
    if (!output.asString())
      return std::nullopt;
    entry.outputs.push_back(*output.asString());
  }
  return entry;
}

Expected<Ledger> Ledger::open(const std::string &path) {
  Ledger ledger(path);
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    return ledger;
  Expected<json::Value> value = json::parseFile(path, maxLedgerBytes);
  if (!value)
    return Error{ExitStatus::Input, value.error().message + " (--fresh begins anew)"};
  const json::Value *steps = value->find("steps");
  if (!steps || !steps->asArray())
    return makeError(ExitStatus::Input, "{}: no ledger of a run (--fresh begins anew)", path);
  for (const json::Value &step : *steps->asArray()) {
    std::optional<LedgerEntry> entry = readEntry(step);
    if (!entry)
      return makeError(ExitStatus::Input, "{}: entry {} is malformed (--fresh begins anew)", path, ledger.list.size());
    ledger.list.push_back(std::move(*entry));
  }
  return ledger;
}

const LedgerEntry *Ledger::find(std::string_view name, std::string_view hash) const {
  for (const LedgerEntry &entry : list) {
    if (entry.name != name || entry.hash != hash)
      continue;
    std::error_code ignored;
    bool isComplete = std::all_of(entry.outputs.begin(), entry.outputs.end(),
                                  [&](const std::string &output) { return fs::exists(output, ignored); });
    return isComplete ? &entry : nullptr;
  }
  return nullptr;
}

Status Ledger::add(LedgerEntry added) {
  std::erase_if(list, [&](const LedgerEntry &entry) { return entry.name == added.name; });
  list.push_back(std::move(added));
  json::Array steps;
  for (const LedgerEntry &entry : list) {
    json::Array outputs(entry.outputs.begin(), entry.outputs.end());
    steps.push_back(json::makeObject("name", entry.name, "kind", entry.kind, "hash", entry.hash, "outputs",
                                     std::move(outputs), "metrics_bytes", static_cast<int64_t>(entry.metricsBytes)));
  }
  json::Value value(json::makeObject("version", 1, "steps", std::move(steps)));
  return writeFileAtomically(path, json::dump(value, 2) + "\n");
}

} // namespace ftc::run
