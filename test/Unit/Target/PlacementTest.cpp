// Random programs: what placement shares must never lose a value, and never costs more than sharing nothing.

#include "lib/Target/Placement.h"

#include "dialects/Tune/IR/Tune.h"
#include "ftc/Target/Target.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"

#include <gtest/gtest.h>
#include <random>

using namespace ftc::target;
using namespace mlir;

namespace {

/// The text of a module with two programs over a few tensors of one shape, by every kind of op that placement treats in
/// its own way.
class RandomModule {
public:
  explicit RandomModule(unsigned seed) : random(seed) {
    for (int i = 0; i < kTensors; ++i)
      text += llvm::formatv("tune.tensor value @t{0} : tensor<4x8xf64>\n", i);
    text += "tune.tensor input @start : tensor<i32>\n";
    for (int i = 0; i < 2; ++i)
      addProgram(i);
  }

  std::string text;

private:
  static constexpr int kTensors = 5;

  int draw(int below) { return int(random() % unsigned(below)); }
  std::string pick() { return values[draw(int(values.size()))]; }
  std::string name() { return llvm::formatv("%v{0}", next++); }

  /// A line that defines a value of type tensor<4x8xf64>; {0} is its name, {1} and {2} are values, {3} is a number of
  /// its own.
  void define(const char *format) {
    std::string result = name();
    text += llvm::formatv(false, format, result, pick(), pick(), next++);
    values.push_back(result);
  }

  void addProgram(int number) {
    text += llvm::formatv("func.func @p{0}() attributes {{tune.program} {{\n", number);
    text += "  %start = tune.read @start : tensor<i32>\n";
    values.clear();
    for (int i = 0; i < kTensors; ++i)
      if (draw(3) || values.empty()) {
        values.push_back(name());
        text += llvm::formatv("  {0} = tune.read @t{1} : tensor<4x8xf64>\n", values.back(), i);
      }
    for (int i = 0, count = 1 + draw(12); i < count; ++i)
      define(ops[draw(int(std::size(ops)))]);
    for (int i = 0; i < kTensors; ++i)
      if (draw(2))
        text += llvm::formatv("  tune.write {0}, @t{1} : tensor<4x8xf64>\n", pick(), i);
    text += "  return\n}\n";
  }

  static constexpr const char *ops[] = {
      "  {0} = math.exp {1} : tensor<4x8xf64>\n",
      "  {0} = arith.addf {1}, {2} : tensor<4x8xf64>\n",
      "  %a{3} = tensor.extract_slice {1}[2, 0] [2, 8] [1, 1] : tensor<4x8xf64> to tensor<2x8xf64>\n"
      "  %b{3} = math.sin %a{3} : tensor<2x8xf64>\n"
      "  {0} = tensor.concat dim(0) %b{3}, %a{3} : (tensor<2x8xf64>, tensor<2x8xf64>) -> tensor<4x8xf64>\n",
      "  %a{3} = tensor.collapse_shape {1} [[0, 1]] : tensor<4x8xf64> into tensor<32xf64>\n"
      "  %b{3} = math.cos %a{3} : tensor<32xf64>\n"
      "  {0} = tensor.expand_shape %b{3} [[0, 1]] output_shape [4, 8] : tensor<32xf64> into tensor<4x8xf64>\n",
      "  %a{3} = tensor.extract_slice {1}[1, 0] [1, 8] [1, 1] : tensor<4x8xf64> to tensor<1x8xf64>\n"
      "  {0} = tune.update_slice %a{3} into {2} at %start dim 0 : tensor<1x8xf64>, tensor<4x8xf64>, tensor<i32>\n",
      "  %i{3} = tensor.empty() : tensor<8x4xf64>\n"
      "  %a{3} = linalg.transpose ins({1} : tensor<4x8xf64>) outs(%i{3} : tensor<8x4xf64>) permutation = [1, 0]\n"
      "  %j{3} = tensor.empty() : tensor<4x8xf64>\n"
      "  {0} = linalg.transpose ins(%a{3} : tensor<8x4xf64>) outs(%j{3} : tensor<4x8xf64>) permutation = [1, 0]\n",
      "  {0}, %s{3} = tune.rows (%x{3} = {1} : tensor<4x8xf64>) shared (%w{3} = {2} : tensor<4x8xf64>) chunk 2\n"
      "      -> (tensor<4x8xf64>, tensor<2x8xf64>) {{\n"
      "    %p{3} = tensor.extract_slice %w{3}[0, 0] [2, 8] [1, 1] : tensor<4x8xf64> to tensor<2x8xf64>\n"
      "    %q{3} = arith.mulf %x{3}, %p{3} : tensor<2x8xf64>\n"
      "    %r{3} = math.exp %q{3} : tensor<2x8xf64>\n"
      "    tune.yield sliced (%r{3} : tensor<2x8xf64>) summed (%q{3} : tensor<2x8xf64>)\n"
      "  }\n",
  };

  std::mt19937 random;
  std::vector<std::string> values;
  int next = 0;
};

int64_t getPeak(ModuleOp module, const KernelRegistry &registry, PlacementMode mode) {
  EXPECT_TRUE(succeeded(placeModule(module, registry, mode)));
  EXPECT_TRUE(succeeded(verifyPlacement(module, registry)));
  return getPlan(module).peak;
}

TEST(Placement, randomPrograms) {
  DialectRegistry dialects;
  dialects.insert<ftc::tune::TuneDialect, arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect,
                  math::MathDialect, tensor::TensorDialect>();
  MLIRContext context(dialects);
  KernelRegistry registry = getKernels(TargetKind::Reference);
  for (unsigned seed = 0; seed < 300; ++seed) {
    RandomModule made(seed);
    auto module = parseSourceString<ModuleOp>(made.text, &context);
    ASSERT_TRUE(module) << made.text;
    OwningOpRef<ModuleOp> copy = module->clone();
    int64_t shared = getPeak(*module, registry, PlacementMode::Share);
    int64_t distinct = getPeak(*copy, registry, PlacementMode::None);
    EXPECT_LE(shared, distinct);
    ASSERT_FALSE(HasFailure()) << "seed " << seed << "\n" << made.text;
  }
}

} // namespace
