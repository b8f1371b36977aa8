//===- Curves.h - what metrics.jsonl shows -----------------------------------===//
#pragma once

#include "ftc/Runtime/Run/Plot.h"

#include <string_view>
#include <utility>

namespace ftc::run {

/// A panel for each training of a run, in order; evaluations are marks at the end of the training before them. Lines
/// that say nothing of these are passed over.
std::vector<Panel> panelsOf(std::string_view metrics);

/// The panels of several runs in one: those of equal titles become one panel, whose curves bear the runs' names.
std::vector<Panel> overlay(std::span<const std::pair<std::string, std::vector<Panel>>> runs);

} // namespace ftc::run
