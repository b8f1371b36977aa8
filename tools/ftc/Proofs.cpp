//===- Proofs.cpp ---------------------------------------------------------===//

#include "Proofs.h"

#include "ftc/Pipelines/Trials.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace ftc;
using namespace ftc::ast;
using llvm::StringRef;

/// What a difference may be and still count as rounding.
static constexpr double rounding = 1e-6, mergeBound = 1e-5;

static std::string numberText(double number) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.2g", number);
  return text;
}

namespace {
/// Messages of a trial, kept instead of printed.
struct Quiet {
  explicit Quiet(Definitions &definitions) : stream(text), diags(definitions.sources(), stream) {}
  /// The first message, with its line.
  std::string reason(const Definitions &definitions) const {
    if (diags.messages().empty())
      return "the specimen has no such site";
    const Message &first = diags.messages().front();
    return first.text + (first.range.isValid() ? " (" + definitions.lineOf(first.range) + ")" : "");
  }
  std::string text;
  llvm::raw_string_ostream stream;
  Diagnostics diags;
};
} // namespace

/// A definition with the parameters of the command line that it has.
static AppliedAdapter asGiven(const Definition &definition, const ParameterValues &values, bool smallIntegers = false) {
  ParameterValues own;
  for (const Parameter &parameter : definition.parameters)
    if (auto given = values.find(parameter.name.text); given != values.end())
      own.insert(*given);
  const Definition *one[] = {&definition};
  return applyToSmall(one, own, smallIntegers);
}

/// The same; where its defaults are too large for the small model, integers that are not given are small too.
static AppliedAdapter apply(Definitions &definitions, const Definition &definition, const ParameterValues &values) {
  AppliedAdapter applied = asGiven(definition, values);
  Quiet first(definitions), second(definitions);
  if (!applied || definition.kind != DefinitionKind::Adapter || fits(definitions.library(), first.diags, applied))
    return applied;
  AppliedAdapter smaller = asGiven(definition, values, /*smallIntegers=*/true);
  return smaller && fits(definitions.library(), second.diags, smaller) ? smaller : applied;
}

/// Why a definition cannot be tried: the first of its parameters that has no default and no small value.
static std::string needsValues(const Definition &definition) {
  std::string which = "a parameter";
  for (const Parameter &parameter : definition.parameters)
    if (StringRef type = parameter.type ? StringRef(parameter.type->element.text) : "";
        !parameter.defaultValue && type != "int" && type != "real" && type != "bool" && type != "model") {
      which = "the parameter '" + parameter.name.text + "'";
      break;
    }
  return "'" + definition.name.text + "' cannot be tried alone: " + which +
         " has no default and no value that could be guessed";
}

//===----------------------------------------------------------------------===//
// Describing
//===----------------------------------------------------------------------===//

Facts ftc::describeProofs(Definitions &definitions, const Definition &definition, const ParameterValues &values) {
  Facts facts{"proofs", {}};
  if (definition.kind != DefinitionKind::Adapter)
    return facts;
  AppliedAdapter adapter = apply(definitions, definition, values);
  if (!adapter) {
    facts.add("not tried", needsValues(definition));
    return facts;
  }
  Quiet proof(definitions);
  if (!proveApart(definitions.library(), proof.diags, adapter, ModelUse::Rows)) {
    facts.add("refused", proof.reason(definitions));
    return facts;
  }
  Quiet steps(definitions);
  if (!advances(definitions.library(), steps.diags, adapter)) {
    facts.add("refused", steps.reason(definitions));
    return facts;
  }
  facts.add("causal", "no token sees later ones");
  facts.add("apart", "no sequence sees another one of the batch");
  for (auto [use, name, proven] :
       {std::tuple(ModelUse::PackedRows, "packing", "no document sees another one of its row"),
        {ModelUse::Generation, "generation", "with kept keys and values"}}) {
    Quiet further(definitions);
    bool good = proveApart(definitions.library(), further.diags, adapter, use);
    facts.add(name, good ? proven : "refused: " + further.reason(definitions));
  }
  Quiet trial(definitions);
  std::optional<double> change = changeAtStart(definitions.library(), trial.diags, adapter);
  if (!change && trial.diags.messages().empty())
    facts.add("before training", "not tried: it depends on what data say of a site");
  else if (!change)
    facts.add("before training", "not tried: " + trial.reason(definitions));
  else if (*change < rounding)
    facts.add("before training", "identity at initialisation: the model is as it was");
  else
    facts.add("before training",
              "changes the model: logits of a small one by up to " + numberText(*change) + " of the largest");
  return facts;
}

MergeTrial ftc::tryMerge(Definitions &definitions, const Definition &definition, const ParameterValues &values) {
  AppliedAdapter adapter = apply(definitions, definition, values);
  if (!adapter)
    return {};
  Quiet trial(definitions);
  if (merges(definitions.library(), trial.diags, adapter))
    return {true, ""};
  auto notAffine =
      llvm::find_if(trial.diags.messages(), [](const Message &message) { return message.code == Diag::NotAffine; });
  // That another model has no place for a bias, say, is no matter of the definition.
  return {false, notAffine == trial.diags.messages().end() ? "" : trial.reason(definitions)};
}

Facts ftc::describeCosts(Definitions &definitions, const Definition &definition, const ParameterValues &values) {
  Facts facts;
  AppliedAdapter adapter = definition.kind == DefinitionKind::Adapter ? asGiven(definition, values) : nullptr;
  if (!adapter)
    return facts;
  Quiet trial(definitions);
  std::optional<SiteCost> cost = costAtSite(definitions.library(), trial.diags, adapter);
  if (!cost)
    return facts;
  auto count = [](double number) { return llvm::formatv("{0}", int64_t(number)).str(); };
  facts.heading = "at " + cost->site;
  facts.add("trained", llvm::formatv("{0}", cost->trained).str());
  facts.add("FLOPs per token", "forward " + count(cost->forward) + ", backward " + count(cost->backward) +
                                   " (the site itself: " + count(cost->ownForward) + ", " + count(cost->ownBackward) +
                                   ")");
  facts.add("kept per token", llvm::formatv("{0} bytes for the backward pass (the site itself: {1})", cost->savedBytes,
                                            cost->ownSavedBytes)
                                  .str());
  return facts;
}

std::string ftc::describeCommutator(Definitions &definitions, const Definition &first, const Definition &second,
                                    const ParameterValues &values) {
  AppliedAdapter a = apply(definitions, first, values), b = apply(definitions, second, values);
  if (!a || !b)
    return "not tried: " + needsValues(a ? second : first);
  Quiet trial(definitions);
  std::optional<double> difference = commutator(definitions.library(), trial.diags, a, b);
  if (!difference)
    return "not tried: " + trial.reason(definitions);
  return (*difference < rounding ? "they commute: merged weights differ by "
                                 : "their order matters: merged weights differ by up to ") +
         numberText(*difference) + " of the largest";
}

//===----------------------------------------------------------------------===//
// Checking
//===----------------------------------------------------------------------===//

static bool printComparison(const std::string &what, StringRef which, double error, double bound) {
  bool good = error <= bound;
  llvm::outs() << what << ": " << which << (good ? " equal" : " DIFFERENT") << ", error " << numberText(error) << "\n";
  return good;
}

static bool printGradients(const std::string &what, llvm::ArrayRef<GradientError> gradients) {
  double largest = 0;
  bool good = true;
  if (!gradients.empty() &&
      llvm::none_of(gradients, [](const GradientError &gradient) { return std::isfinite(gradient.error); })) {
    llvm::outs() << what << ": what is computed is not a number here: does 0 meet an infinity, as what `mask` leaves "
                 << "out is? `if condition then e else 0` leaves it out of a sum\n";
    return false;
  }
  for (const GradientError &gradient : gradients) {
    largest = std::max(largest, gradient.error);
    if (!(gradient.error <= GradientError::tolerance))
      good &= printComparison(what, "gradient of " + gradient.tensor, gradient.error, GradientError::tolerance);
  }
  auto zero = llvm::make_filter_range(gradients, [](const GradientError &gradient) { return gradient.isZero; });
  if (!zero.empty())
    llvm::outs() << what << ": " << std::distance(zero.begin(), zero.end()) << " of the gradients are 0, that of "
                 << (*zero.begin()).tensor << " first: what is computed does not depend on these tensors here\n";
  return good && printComparison(what, "gradients of " + std::to_string(gradients.size()) + " tensors", largest,
                                 GradientError::tolerance);
}

static bool printFailure(const std::string &what, const std::string &reason) {
  llvm::errs() << "ftc: error: " << what << " cannot be tried: " << reason << "\n";
  return false;
}

static bool checkAdapterByTrial(Definitions &definitions, const AppliedAdapter &adapter, const std::string &what) {
  Quiet trial(definitions), merge(definitions);
  auto gradients = checkAdapter(definitions.library(), trial.diags, adapter);
  if (!gradients)
    return printFailure(what, trial.reason(definitions));
  bool good = printGradients(what, *gradients);
  if (Quiet step(definitions); !advances(definitions.library(), step.diags, adapter)) {
    llvm::errs() << "ftc: error: " << what << ": " << step.reason(definitions) << "\n";
    good = false;
  }
  std::optional<MergedDifference> merged = compareMerged(definitions.library(), merge.diags, adapter);
  if (!merged) {
    llvm::outs() << what << ": not merged: " << merge.reason(definitions) << "\n";
    return good;
  }
  good &= printComparison(what, "merged forward (reference)", merged->reference, mergeBound);
  return printComparison(what, "merged forward (cpu)", merged->cpu, mergeBound) && good;
}

bool ftc::checkByTrial(Definitions &definitions, const Definition &definition, const ParameterValues &values) {
  bool isObjective = definition.kind == DefinitionKind::Objective;
  if (definition.kind != DefinitionKind::Adapter && !isObjective)
    return true;
  std::string what = definition.name.text;
  if (definition.site)
    what += " on " + definition.site->name.text;
  AppliedAdapter applied = apply(definitions, definition, values);
  if (!applied)
    return printFailure(what, needsValues(definition));
  if (!isObjective)
    return checkAdapterByTrial(definitions, applied, what);
  Quiet trial(definitions);
  auto gradients = checkObjective(definitions.library(), trial.diags, applied);
  return gradients ? printGradients(what, *gradients) : printFailure(what, trial.reason(definitions));
}
