// A batch cut into micro-batches gives the numbers of the whole one if rows stay apart and in order, and sums go on.

#include "dialects/Dnnl/IR/Dnnl.h"
#include "dialects/Tune/IR/Tune.h"
#include "ftc/Target/Target.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace ftc;
using namespace mlir;

namespace {

constexpr int kParts = 2, kRows = 4;

/// A program of 4 or 2 rows. In `body`, B is the number of rows, and what follows WHOLE or CUT on a line is of that
/// program only.
class FollowWhole : public testing::Test {
protected:
  FollowWhole() {
    context.loadDialect<func::FuncDialect, tune::TuneDialect, dnnl::DnnlDialect, arith::ArithDialect,
                        linalg::LinalgDialect, tensor::TensorDialect>();
  }

  OwningOpRef<ModuleOp> parse(StringRef body, bool isCut) {
    std::string text = R"(
      tune.tensor input @x : tensor<Bx64x32xf32>
      tune.tensor input @y : tensor<Bx64x48xf32>
      tune.tensor input @key : tensor<i64>
      tune.tensor input @row : tensor<i64>
      tune.tensor gradient @g : tensor<32x48xf32>
      tune.tensor gradient @sums : tensor<32xf32>
      tune.tensor gradient @other : tensor<32xf32>
      tune.tensor gradient @table : tensor<9x32xf32>
      tune.tensor input @ids : tensor<Bx64xi32>
      tune.tensor output @loss : tensor<f64>
      tune.tensor output @out : tensor<Bx64x32xf32>
      func.func @program() attributes {tune.program} {
        %x = tune.read @x : tensor<Bx64x32xf32>
        %y = tune.read @y : tensor<Bx64x48xf32>
)";
    SmallVector<StringRef> lines;
    body.split(lines, '\n');
    for (StringRef line : lines) {
      line = line.trim();
      if (line.consume_front("WHOLE") ? isCut : line.consume_front("CUT") && !isCut)
        continue;
      text += line.str() + "\n";
    }
    text += "return\n}\n";
    std::string rows = std::to_string(isCut ? kRows / kParts : kRows);
    for (StringRef mark : {"<Bx", "[B,", "xBx"})
      for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1))
        text.replace(at + 1, 1, rows);
    return parseSourceString<ModuleOp>(text, &context);
  }

  bool follows(StringRef body) {
    whole = parse(body, /*isCut=*/false);
    cut = parse(body, /*isCut=*/true);
    EXPECT_TRUE(whole && cut);
    target::TargetOptions options;
    options.processor = "haswell";
    return whole && cut && target::followsWhole(*cut, *whole, kParts, options);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> whole, cut;
};

// Gradients as products and as sums across rows.

constexpr char kMaps[] =
    "{indexing_maps = [affine_map<(m, n, b, t) -> (b, t, m)>, affine_map<(m, n, b, t) -> (b, t, n)>, "
    "affine_map<(m, n, b, t) -> (m, n)>]}";

std::string gradient(StringRef left, StringRef init) {
  return ("%s = dnnl.matmul lhs(" + left + ") rhs(%y) " + (init.empty() ? "" : "init(" + init + ") ") + kMaps +
          " : (tensor<Bx64x32xf32>, tensor<Bx64x48xf32>" + (init.empty() ? "" : ", tensor<32x48xf32>") +
          ") -> tensor<32x48xf32>\n")
      .str();
}
constexpr char kWriteGradient[] = "tune.write %s, @g : tensor<32x48xf32>\n";

TEST_F(FollowWhole, productsThatGoOn) {
  EXPECT_TRUE(follows("WHOLE" + gradient("%x", "") + "CUT %g = tune.read @g : tensor<32x48xf32>\nCUT" +
                      gradient("%x", "%g") + kWriteGradient));
}

TEST_F(FollowWhole, productsThatAreAddedAfterwards) {
  EXPECT_FALSE(follows(gradient("%x", "") + "WHOLE" + kWriteGradient +
                       R"(CUT %g = tune.read @g : tensor<32x48xf32>
                          CUT %t = arith.addf %g, %s : tensor<32x48xf32>
                          CUT tune.write %t, @g : tensor<32x48xf32>)"));
  EXPECT_FALSE(follows(gradient("%x", "") + kWriteGradient));
}

TEST_F(FollowWhole, otherFactors) {
  auto scaled = [&](StringRef factor) {
    return ("WHOLE %f = arith.constant dense<2.0> : tensor<Bx64x32xf32>\nCUT %f = arith.constant dense<" + factor +
            "> : tensor<Bx64x32xf32>\n%z = arith.mulf %x, %f : tensor<Bx64x32xf32>\nWHOLE" + gradient("%z", "") +
            "CUT %g = tune.read @g : tensor<32x48xf32>\nCUT" + gradient("%z", "%g") + kWriteGradient)
        .str();
  };
  EXPECT_TRUE(follows(scaled("2.0")));
  EXPECT_FALSE(follows(scaled("3.0")));
}

TEST_F(FollowWhole, sumsAcrossRows) {
  std::string sums = R"(
    %zero = arith.constant dense<0.0> : tensor<32xf32>
    WHOLE %s = linalg.reduce { arith.addf } ins(%x : tensor<Bx64x32xf32>) outs(%zero : tensor<32xf32>) dimensions = [0, 1]
    CUT %k = tune.read @sums : tensor<32xf32>
    CUT %s = linalg.reduce { arith.addf } ins(%x : tensor<Bx64x32xf32>) outs(%k : tensor<32xf32>) dimensions = [0, 1]
    tune.write %s, @sums : tensor<32xf32>)";
  EXPECT_TRUE(follows(sums));
  // Not from another tensor.
  size_t at = sums.find("tune.read @sums");
  EXPECT_FALSE(follows(sums.replace(at, 15, "tune.read @other") + "\n"));
}

TEST_F(FollowWhole, rowsAddedByTheirIndices) {
  std::string scatter(R"(
    %ids = tune.read @ids : tensor<Bx64xi32>
    CUT %g = tune.read @table : tensor<9x32xf32>
    WHOLE %s = tune.scatter_add %x, %ids : (tensor<Bx64x32xf32>, tensor<Bx64xi32>) -> tensor<9x32xf32>
    CUT %s = tune.scatter_add %x, %ids, %g : (tensor<Bx64x32xf32>, tensor<Bx64xi32>, tensor<9x32xf32>) -> tensor<9x32xf32>
)");
  EXPECT_TRUE(follows(scatter + "tune.write %s, @table : tensor<9x32xf32>"));
  // Twice of the rows before would be added to twice of these.
  EXPECT_FALSE(follows(scatter + R"(
    %two = arith.addf %s, %s : tensor<9x32xf32>
    tune.write %two, @table : tensor<9x32xf32>
)"));
  // The sum of the rows is another one than that of its parts.
  EXPECT_FALSE(follows(R"(
    %ids = tune.read @ids : tensor<Bx64xi32>
    %s = tune.scatter_add %x, %ids : (tensor<Bx64x32xf32>, tensor<Bx64xi32>) -> tensor<9x32xf32>
    tune.write %s, @table : tensor<9x32xf32>
)"));
}

TEST_F(FollowWhole, lossesGoOnFromBothBeginnings) {
  auto loss = [](StringRef init) {
    return (R"(
    %none = arith.constant dense<0.0> : tensor<f64>
    %loss = tune.read @loss : tensor<f64>
    %p = tensor.extract_slice %x[0, 0, 0] [B, 1, 1] [1, 1, 1] : tensor<Bx64x32xf32> to tensor<Bx1x1xf32>
    %q = tensor.collapse_shape %p [[0, 1, 2]] : tensor<Bx1x1xf32> into tensor<Bxf32>
    %w = arith.extf %q : tensor<Bxf32> to tensor<Bxf64>
    %f = tune.fused(%w, %loss) : (tensor<Bxf64>, tensor<f64>) -> tensor<f64> {
    ^bb0(%a: tensor<Bxf64>, %b: tensor<f64>):
      %n = arith.constant dense<0.0> : tensor<f64>
      %s = linalg.reduce { arith.addf } ins(%a : tensor<Bxf64>) outs()" +
            init + R"( : tensor<f64>) dimensions = [0]
      tune.fused_yield %s : tensor<f64>
    }
    tune.write %f, @loss : tensor<f64>)")
        .str();
  };
  EXPECT_TRUE(follows(loss("%b")));
  EXPECT_FALSE(follows(loss("%n")));
}

// What is done to rows.

std::string written(StringRef line) { return (line + "\ntune.write %r, @out : tensor<Bx64x32xf32>\n").str(); }

TEST_F(FollowWhole, fusionDoesNotCount) {
  EXPECT_TRUE(follows(written(R"(
    WHOLE %r = arith.addf %x, %x : tensor<Bx64x32xf32>
    CUT %r = tune.fused(%x) : (tensor<Bx64x32xf32>) -> tensor<Bx64x32xf32> {
    CUT ^bb0(%a: tensor<Bx64x32xf32>):
    CUT %s = arith.addf %a, %a : tensor<Bx64x32xf32>
    CUT tune.fused_yield %s : tensor<Bx64x32xf32>
    CUT })")));
}

TEST_F(FollowWhole, slicesOfRows) {
  EXPECT_TRUE(follows(written(R"(
    %a = tensor.extract_slice %y[0, 0, 4] [B, 64, 32] [1, 1, 1] : tensor<Bx64x48xf32> to tensor<Bx64x32xf32>
    %r = arith.addf %a, %x : tensor<Bx64x32xf32>)")));
  EXPECT_FALSE(follows(written(R"(
    WHOLE %a = tensor.extract_slice %x[0, 0, 0] [2, 64, 32] [1, 1, 1] : tensor<Bx64x32xf32> to tensor<2x64x32xf32>
    WHOLE %r = tensor.concat dim(0) %a, %a : (tensor<2x64x32xf32>, tensor<2x64x32xf32>) -> tensor<Bx64x32xf32>
    CUT %a = tensor.extract_slice %x[0, 0, 0] [1, 64, 32] [1, 1, 1] : tensor<Bx64x32xf32> to tensor<1x64x32xf32>
    CUT %r = tensor.concat dim(0) %a, %a : (tensor<1x64x32xf32>, tensor<1x64x32xf32>) -> tensor<Bx64x32xf32>)")));
}

TEST_F(FollowWhole, placesAlongRows) {
  EXPECT_TRUE(follows(written(R"(
    %i = tune.iota dim 1 : tensor<Bx64x32xf32>
    %r = arith.addf %i, %x : tensor<Bx64x32xf32>)")));
  EXPECT_FALSE(follows(written(R"(
    %i = tune.iota dim 0 : tensor<Bx64x32xf32>
    %r = arith.addf %i, %x : tensor<Bx64x32xf32>)")));
}

TEST_F(FollowWhole, chanceKnowsItsRows) {
  EXPECT_TRUE(follows(written(R"(
    %key = tune.read @key : tensor<i64>
    %row = tune.read @row : tensor<i64>
    %r = tune.drop %x, %key, %row rate 1.000000e-01 site 3 : tensor<Bx64x32xf32>, tensor<i64>, tensor<i64>)")));
}

TEST_F(FollowWhole, rowsInAnotherOrder) {
  EXPECT_FALSE(follows(R"(
    %e = tensor.empty() : tensor<64xBx32xf32>
    %t = linalg.transpose ins(%x : tensor<Bx64x32xf32>) outs(%e : tensor<64xBx32xf32>) permutation = [1, 0, 2]
    WHOLE %l = tensor.collapse_shape %t [[0, 1], [2]] : tensor<64xBx32xf32> into tensor<256x32xf32>
    WHOLE %m = tensor.collapse_shape %y [[0, 1], [2]] : tensor<Bx64x48xf32> into tensor<256x48xf32>
    WHOLE %s = dnnl.matmul lhs(%l) rhs(%m) {indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]} : (tensor<256x32xf32>, tensor<256x48xf32>) -> tensor<32x48xf32>
    CUT %l = tensor.collapse_shape %t [[0, 1], [2]] : tensor<64xBx32xf32> into tensor<128x32xf32>
    CUT %m = tensor.collapse_shape %y [[0, 1], [2]] : tensor<Bx64x48xf32> into tensor<128x48xf32>
    CUT %g = tune.read @g : tensor<32x48xf32>
    CUT %s = dnnl.matmul lhs(%l) rhs(%m) init(%g) {indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]} : (tensor<128x32xf32>, tensor<128x48xf32>, tensor<32x48xf32>) -> tensor<32x48xf32>
    tune.write %s, @g : tensor<32x48xf32>)"));
}

} // namespace
