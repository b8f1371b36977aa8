//===- ftc-opt.cpp - Runs any pass of the compiler alone ------------------===//

#include "dialects/Dnnl/IR/Dnnl.h"
#include "dialects/Recipe/IR/Recipe.h"
#include "dialects/Tune/IR/Tune.h"
#include "dialects/Tune/Transforms/Differentiation.h"
#include "dialects/Tune/Transforms/Passes.h"
#include "ftc/Conversion/TuneToDnnl.h"
#include "ftc/Target/Target.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<ftc::recipe::RecipeDialect, ftc::tune::TuneDialect, ftc::dnnl::DnnlDialect, mlir::arith::ArithDialect,
                  mlir::func::FuncDialect, mlir::linalg::LinalgDialect, mlir::math::MathDialect,
                  mlir::tensor::TensorDialect>();
  ftc::tune::registerAdjoints(registry);
  ftc::tune::registerTunePasses();
  ftc::target::registerTargetPasses();
  ftc::registerConvertTuneToDnnl();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "ftc pass driver\n", registry));
}
