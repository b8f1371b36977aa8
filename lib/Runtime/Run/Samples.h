//===- Samples.h - what a step that generates has so far ---------------------===//
#pragma once

#include "Prompts.h"

#include "ftc/Runtime/IO/Json.h"
#include "ftc/Runtime/Run/LineFile.h"

namespace ftc::run {

json::Object sampleObject(const Prompt &prompt, const std::string &completion);

/// The samples of a step that is not finished: a file of lines, from which it goes on.
class SampleFile {
public:
  /// Keeps those that answer the first of the prompts; a last line that a kill has cut off is dropped.
  static Expected<SampleFile> open(const std::string &path, const std::vector<Prompt> &prompts);

  Status add(const Prompt &prompt, const std::string &completion);
  /// Completions of the first prompts.
  const std::vector<std::string> &completions() const { return known; }
  json::Array samples(const std::vector<Prompt> &prompts) const;
  void remove() const;

private:
  SampleFile(std::string path, LineFile lines, std::vector<std::string> known)
      : path(std::move(path)), lines(std::move(lines)), known(std::move(known)) {}

  std::string path;
  LineFile lines;
  std::vector<std::string> known;
};

} // namespace ftc::run
