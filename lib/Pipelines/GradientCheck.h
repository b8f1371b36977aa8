//===- GradientCheck.h - derived gradients beside central differences -*- C++ -*-===//

#ifndef FTC_LIB_PIPELINES_GRADIENTCHECK_H
#define FTC_LIB_PIPELINES_GRADIENTCHECK_H

#include "ftc/Pipelines/Specimen.h"
#include "ftc/Pipelines/Trials.h"

namespace ftc {

/// Two programs of a specimen: a loss, and its gradients by tensors.
class GradientCheck {
public:
  GradientCheck(Specimen &specimen, std::vector<std::string> tensors)
      : specimen(specimen), tensors(std::move(tensors)) {}

  /// `loss` appends the loss to a program, a scalar; null after messages.
  bool build(llvm::function_ref<mlir::Value(elaborate::ProgramBuilder &)> loss);
  /// At the contents of the image: some entries of each tensor, evenly spread.
  std::vector<GradientError> compare(Image &image);

private:
  double lossAt(Image &image, const std::string &tensor, std::vector<double> values);

  Specimen &specimen;
  std::vector<std::string> tensors;
};

} // namespace ftc

#endif // FTC_LIB_PIPELINES_GRADIENTCHECK_H
