// RUN: ftc-run-mlir %s --print-llvm | FileCheck %s
// One kernel for ops of equal structure: equal products share one, drops of different sites too (the site is an
// immediate), products of other shapes, squares and other constants do not.

tune.tensor input @x : tensor<2x3xf64>
tune.tensor input @key : tensor<i64>
tune.tensor output @a : tensor<2x3xf64>
tune.tensor output @b : tensor<2x3xf64>
tune.tensor output @c : tensor<2x3xf64>

// Numbers of all calls stand behind each other: four offsets of a drop, then its site.
// CHECK: @[[NUMBERS:.*]] = private constant [{{[0-9]+}} x i64] [i64 {{[0-9]+}}, i64 {{[0-9]+}}, i64 {{[0-9]+}}, i64 {{[0-9]+}}, i64 5, i64 {{[0-9]+}}, i64 {{[0-9]+}}, i64 {{[0-9]+}}, i64 {{[0-9]+}}, i64 6,
// CHECK: { ptr @tune_drop_0, {{[^{}]*}}, ptr getelementptr inbounds (i64, ptr @[[NUMBERS]], i64 4), i64 4 }
// CHECK-SAME: { ptr @tune_drop_0, {{[^{}]*}}, ptr getelementptr inbounds (i64, ptr @[[NUMBERS]], i64 9), i64 4 }
// CHECK: @ftc_programs = constant
// CHECK: @ftc_program_setup = constant
// CHECK: @ftc_manifest = constant {{.*}}\22programs\22:[\22main\22]
// CHECK: @ftc_manifest_size = constant i64
// CHECK: define internal void @tune_drop_0.body(
// CHECK: define internal void @arith_mulf_1.body(
// CHECK: define internal void @arith_mulf_2.body(
// CHECK: define internal void @arith_addf_3.body(
// CHECK: define internal void @arith_addf_4.body(
// CHECK-NOT: define internal void @{{[a-z_]*}}5.body(
// CHECK: define hidden void @tune_drop_0(ptr %0, ptr %1, i64 %2, i64 %3)
func.func @main() attributes {tune.program} {
  %x = tune.read @x : tensor<2x3xf64>
  %key = tune.read @key : tensor<i64>
  %five = tune.drop %x, %key, %key rate 0.5 site 5 : tensor<2x3xf64>, tensor<i64>, tensor<i64>
  %six = tune.drop %five, %key, %key rate 0.5 site 6 : tensor<2x3xf64>, tensor<i64>, tensor<i64>
  %product = arith.mulf %five, %six : tensor<2x3xf64>
  %again = arith.mulf %product, %five : tensor<2x3xf64>
  %square = arith.mulf %again, %again : tensor<2x3xf64>
  tune.write %square, @a : tensor<2x3xf64>
  %one = arith.constant dense<1.0> : tensor<2x3xf64>
  %two = arith.constant dense<2.0> : tensor<2x3xf64>
  %more = arith.addf %x, %one : tensor<2x3xf64>
  %again_more = arith.addf %more, %one : tensor<2x3xf64>
  tune.write %again_more, @b : tensor<2x3xf64>
  %most = arith.addf %again_more, %two : tensor<2x3xf64>
  tune.write %most, @c : tensor<2x3xf64>
  return
}
