// RUN: ftc-run-mlir %s --target=cpu --judge=0 --num-threads=2
// Random numbers are those of the runtime's generator bit for bit, in vectors and one by one: whole vectors, tails, rows that are no whole blocks, a batch that
// begins with a later row.
tune.tensor input @key : tensor<i64> {test.values = dense<-81985529216486896> : tensor<i64>}
tune.tensor input @row : tensor<i64> {test.values = dense<5> : tensor<i64>}
tune.tensor output @normals : tensor<3x1000xf64>
tune.tensor output @single : tensor<3x1000xf32>
tune.tensor output @uniforms : tensor<3x1000xf64>
tune.tensor output @later : tensor<4x96xf64>
tune.tensor output @odd : tensor<5x67xf64>
func.func @p() attributes {tune.program} {
  %key = tune.read @key : tensor<i64>
  %row = tune.read @row : tensor<i64>
  %n = tune.random normal(0.0, 1.0) %key site 3 : tensor<i64> -> tensor<3x1000xf64>
  %s = tune.random normal(0.5, 2.0) %key site 4 : tensor<i64> -> tensor<3x1000xf32>
  %u = tune.random uniform(-1.0, 2.0) %key site 5 : tensor<i64> -> tensor<3x1000xf64>
  %l = tune.random normal(0.0, 1.0) %key row %row : tensor<i64> site 6 : tensor<i64> -> tensor<4x96xf64>
  %o = tune.random normal(0.0, 1.0) %key row %row : tensor<i64> site 7 : tensor<i64> -> tensor<5x67xf64>
  tune.write %n, @normals : tensor<3x1000xf64>
  tune.write %s, @single : tensor<3x1000xf32>
  tune.write %u, @uniforms : tensor<3x1000xf64>
  tune.write %l, @later : tensor<4x96xf64>
  tune.write %o, @odd : tensor<5x67xf64>
  return
}
