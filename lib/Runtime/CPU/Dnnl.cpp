// Matrix products by oneDNN: one primitive for each shape of block, made once; blocks are items, so that their sums do
// not depend on the number of threads.

#include "ftc/Runtime/CPU/Dnnl.h"
#include "ftc/Runtime/CPU/Program.h"

#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace ftc::cpu {
namespace {

using dnnl::memory;

struct BatchDimension {
  int64_t size, a, b, c; ///< strides in elements
};

/// A product that is done by blocks of `blockM` rows and `blockN` columns; those at the ends are smaller.
struct MatmulPlan {
  int64_t m, n, k;
  int64_t aM, aK, bK, bN, cM; ///< strides in elements; that of a column of c is 1
  int64_t blockM, blockN;
  bool accumulate;
  bool swapped; ///< b comes before a in the buffers
  std::vector<BatchDimension> batch;

  struct Block {
    memory::desc a, b, c, scratch;
    dnnl::matmul primitive;
  };
  Block blocks[2][2]; ///< [are the last rows][are the last columns]

  int64_t blocksM() const { return (m + blockM - 1) / blockM; }
  int64_t blocksN() const { return (n + blockN - 1) / blockN; }
};

dnnl::engine &getEngine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

/// By number; a deque, since kernels hold references while nothing is added.
std::deque<std::unique_ptr<MatmulPlan>> &getPlans() {
  static std::deque<std::unique_ptr<MatmulPlan>> plans;
  return plans;
}

[[noreturn]] void fail(const char *what, const MatmulPlan &plan, const dnnl::error &error) {
  std::fprintf(stderr, "error: oneDNN cannot %s the matrix product %lld x %lld x %lld: %s\n", what, (long long)plan.m,
               (long long)plan.n, (long long)plan.k, error.what());
  std::abort();
}

MatmulPlan::Block makeBlock(const MatmulPlan &plan, int64_t rows, int64_t columns) {
  constexpr auto kF32 = memory::data_type::f32;
  MatmulPlan::Block block;
  block.a = memory::desc({rows, plan.k}, kF32, memory::dims{plan.aM, plan.aK});
  block.b = memory::desc({plan.k, columns}, kF32, memory::dims{plan.bK, plan.bN});
  block.c = memory::desc({rows, columns}, kF32, memory::dims{plan.cM, 1});
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (plan.accumulate) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  dnnl::matmul::desc description(block.a, block.b, block.c);
  dnnl::matmul::primitive_desc primitive(description, attributes, getEngine());
  block.scratch = primitive.scratchpad_desc();
  block.primitive = dnnl::matmul(primitive);
  return block;
}

struct Operands {
  const float *a, *b, *init;
  float *c;
};

void copyBlock(const float *from, float *to, int64_t rows, int64_t columns, int64_t stride) {
  for (int64_t row = 0; row < rows; ++row)
    std::memcpy(to + row * stride, from + row * stride, columns * sizeof(float));
}

void runBlock(const MatmulPlan &plan, Operands at, int64_t item, dnnl::stream &stream) {
  int64_t column = item % plan.blocksN() * plan.blockN;
  item /= plan.blocksN();
  int64_t row = item % plan.blocksM() * plan.blockM;
  item /= plan.blocksM();
  for (auto dim = plan.batch.rbegin(); dim != plan.batch.rend(); item /= dim->size, ++dim) {
    int64_t index = item % dim->size;
    at.a += index * dim->a;
    at.b += index * dim->b;
    at.c += index * dim->c;
    at.init += at.init ? index * dim->c : 0;
  }
  at.a += row * plan.aM;
  at.b += column * plan.bN;
  at.c += row * plan.cM + column;
  int64_t rows = std::min(plan.blockM, plan.m - row), columns = std::min(plan.blockN, plan.n - column);
  if (at.init)
    at.init += row * plan.cM + column;
  if (at.init && at.init != at.c)
    copyBlock(at.init, at.c, rows, columns, plan.cM);
  const MatmulPlan::Block &block = plan.blocks[rows < plan.blockM][columns < plan.blockN];
  auto use = [](const memory::desc &desc, const void *data) {
    return memory(desc, getEngine(), const_cast<void *>(data));
  };
  block.primitive.execute(stream, {{DNNL_ARG_SRC, use(block.a, at.a)},
                                   {DNNL_ARG_WEIGHTS, use(block.b, at.b)},
                                   {DNNL_ARG_DST, use(block.c, at.c)},
                                   {DNNL_ARG_SCRATCHPAD, use(block.scratch, ftc_scratch(block.scratch.get_size()))}});
  stream.wait();
}

} // namespace
} // namespace ftc::cpu

using namespace ftc::cpu;

void ftc_dnnl_matmul_plan(int64_t number, const int64_t *arguments) {
  auto plan = std::make_unique<MatmulPlan>();
  int64_t *fields[] = {&plan->m,  &plan->n,  &plan->k,  &plan->aM,     &plan->aK,
                       &plan->bK, &plan->bN, &plan->cM, &plan->blockM, &plan->blockN};
  for (int64_t *field : fields)
    *field = *arguments++;
  plan->accumulate = *arguments++;
  for (int64_t dims = *arguments++; dims > 0; --dims, arguments += 4)
    plan->batch.push_back({arguments[0], arguments[1], arguments[2], arguments[3]});
  plan->swapped = *arguments;
  try {
    int64_t lastRows = plan->m % plan->blockM, lastColumns = plan->n % plan->blockN;
    for (int64_t last : {0, 1})
      for (int64_t lastColumn : {0, 1})
        if ((!last || lastRows) && (!lastColumn || lastColumns))
          plan->blocks[last][lastColumn] =
              makeBlock(*plan, last ? lastRows : plan->blockM, lastColumn ? lastColumns : plan->blockN);
  } catch (const dnnl::error &error) {
    fail("plan", *plan, error);
  }
  auto &plans = getPlans();
  if (plans.size() <= size_t(number))
    plans.resize(number + 1);
  plans[number] = std::move(plan);
}

void ftc_dnnl_matmul_run(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  static thread_local dnnl::stream stream(getEngine());
  const MatmulPlan &plan = *getPlans()[immediates[0]];
  Operands operands{};
  operands.a = static_cast<const float *>(*buffers++);
  operands.b = static_cast<const float *>(*buffers++);
  if (plan.swapped)
    std::swap(operands.a, operands.b);
  if (plan.accumulate)
    operands.init = static_cast<const float *>(*buffers++);
  operands.c = static_cast<float *>(*buffers);
  try {
    for (int64_t item = lo; item < hi; ++item)
      runBlock(plan, operands, item, stream);
  } catch (const dnnl::error &error) {
    fail("do", plan, error);
  }
}
