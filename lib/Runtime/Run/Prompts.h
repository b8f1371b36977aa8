//===- Prompts.h - what a model is to continue -------------------------------===//
#pragma once

#include "ftc/Runtime/Run/Session.h"

namespace ftc::run {

struct Prompt {
  std::string text;
  std::string shown; // on the console: without what all prompts of a data set have in common
  std::vector<int32_t> ids;
  std::optional<std::string> expected; // the data's answer
};

/// All prompts of a step: those of the recipe, or of a data set.
Expected<std::vector<Prompt>> readPrompts(Session &session, const Step &step, const GenerateStep &generate);

/// What stands between a prompt and its continuation when both are shown: nothing where the text goes on.
std::string_view promptSeparator(const GenerateStep &generate);

} // namespace ftc::run
