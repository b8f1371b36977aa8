// RUN: ftc-run-mlir %s -o %t && llvm-strings %t | FileCheck %s
// Tensors, programs and steps as JSON; a symbol is a number; text that is no UTF-8 is mended.

// CHECK: {"arena":{"bytes":448},"folder":"","plan":{"activations":64,"gradients":64,
// CHECK-SAME: "peak":448,"states":0,"trained":64,"weights":128,"workspace":128},"programs":["first","second"]
// CHECK-SAME: "steps":[{"caches":[1,3],"deep":{"none":[],"programs":{"micro":1}},"format":"peft","kind":"save","lr":0.5,"name":"run","order":[0,2,1],"shuffle":true,"steps":7,"text":"\"a\"\n"}]
// CHECK-SAME: "target":"reference"
// CHECK-SAME: {"bytes":12,"kind":"weight","name":"w","offset":0,"shape":[3],"source":{"step":"base","tensor":"t"},"type":"f32"}
// CHECK-SAME: {"bytes":8,"kind":"trained","name":"a","offset":64,"shape":[],"type":"f64"}
// CHECK-SAME: {"bytes":6,"kind":"input","name":"mask","offset":{{[0-9]+}},"shape":[2,3],"type":"i1"}
// CHECK-SAME: "version":1}
tune.tensor weight @w : tensor<3xf32> source {step = "base", tensor = "t"}
tune.tensor trained @a : tensor<f64>
tune.tensor input @mask : tensor<2x3xi1>
tune.tensor gradient @g : tensor<f64>
tune.tensor frozen @f : tensor<f64>
tune.tensor output @o : tensor<f64>
func.func @first() attributes {tune.program} {
  return
}
func.func @second() attributes {tune.program} {
  %a = tune.read @a : tensor<f64>
  %b = math.exp %a : tensor<f64>
  tune.write %b, @o : tensor<f64>
  return
}
tune.step @run {kind = "save", format = "peft", steps = 7 : i64, lr = 5.0e-1 : f64, shuffle = true, caches = [@a, @g],
                order = array<i64: 0, 2, 1>, deep = {programs = {micro = @second}, none = []}, text = "\22a\22\0A"}
