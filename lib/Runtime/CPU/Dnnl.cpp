// Matrix products by oneDNN: one primitive for each shape of block, made once; blocks are items, so that their sums do
// not depend on the number of threads.

#include "ftc/Runtime/CPU/Dnnl.h"
#include "ftc/Runtime/CPU/Program.h"
#include "ftc/Runtime/Core/Float.h"

#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <dlfcn.h>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace ftc::cpu {
namespace {

using dnnl::memory;

/// One of the products that a result is the sum of. Strides in elements.
struct Term {
  int64_t k, aM, aK, bK, bN;
  bool swapped;                                   ///< b is the left one of the two buffers
  int64_t aType, bType;                           ///< FTC_DNNL_F32 ...
  size_t buffer = 0;                              ///< number of its buffers
  int64_t from = 0;                               ///< first k of them
  std::vector<std::pair<int64_t, int64_t>> batch; ///< strides of a and b

  /// The operands as the library sees them: in the thread's memory, after its own, if they are extended.
  struct Block {
    memory::desc a, b, c, scratch;
    size_t aAt = 0, bAt = 0, bytes = 0; ///< places in the thread's memory, and its size
    size_t number = 0;                  ///< among all blocks of all plans
    dnnl::matmul primitive;
  };
  Block blocks[2][2]; ///< [are the last rows][are the last columns]
};

/// A sum of products that is done by blocks of `blockM` rows and `blockN` columns; those at the ends are smaller.
struct MatmulPlan {
  int64_t m, n;
  int64_t cM; ///< stride of a row of c; that of a column is 1
  int64_t blockM, blockN;
  bool hasInit;
  std::vector<std::pair<int64_t, int64_t>> batch; ///< size and stride in c
  std::vector<Term> terms;

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

/// oneDNN must not start threads of its own inside the pool's. Its OpenMP (which one is the package's choice) counts
/// threads for each calling thread.
void useOneThread() {
  static const auto setThreads = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  if (setThreads)
    setThreads(1);
}

/// Where an item's block is.
struct Place {
  int64_t row, column, rows, columns;
  std::vector<int64_t> batch; ///< index of each dimension
};

/// What the library is called with for a block; made once for each thread, since making it allocates.
struct Arguments {
  explicit Arguments(const Term::Block &block)
      : a(block.a, getEngine(), DNNL_MEMORY_NONE), b(block.b, getEngine(), DNNL_MEMORY_NONE),
        c(block.c, getEngine(), DNNL_MEMORY_NONE), scratch(block.scratch, getEngine(), DNNL_MEMORY_NONE),
        list{{DNNL_ARG_SRC, a.get()},
             {DNNL_ARG_WEIGHTS, b.get()},
             {DNNL_ARG_DST, c.get()},
             {DNNL_ARG_SCRATCHPAD, scratch.get()}} {}

  memory a, b, c, scratch;
  dnnl_exec_arg_t list[4];
};

/// What each thread that runs products has.
struct Worker {
  Worker() : stream(getEngine()) { useOneThread(); }

  Arguments &argumentsOf(const Term::Block &block) {
    if (arguments.size() <= block.number)
      arguments.resize(block.number + 1);
    std::unique_ptr<Arguments> &own = arguments[block.number];
    if (!own)
      own = std::make_unique<Arguments>(block);
    return *own;
  }

  dnnl::stream stream;
  Place place;
  std::vector<std::unique_ptr<Arguments>> arguments; ///< by number
};

/// Reports what has been thrown; without memory for it.
void fail(const char *what, const MatmulPlan &plan) {
  char text[256];
  auto report = [&](int status, const char *why) {
    std::snprintf(text, sizeof(text), "oneDNN cannot %s a matrix product of %lld rows and %lld columns: %s", what,
                  (long long)plan.m, (long long)plan.n, why);
    ftc_fail(status, text);
  };
  try {
    throw;
  } catch (const dnnl::error &error) {
    report(error.status == dnnl_out_of_memory ? FTC_NO_MEMORY : FTC_BUG, error.what());
  } catch (const std::bad_alloc &) {
    report(FTC_NO_MEMORY, "no memory");
  }
}

/// A matrix of rows or columns without gaps, as it lies when it has been extended.
memory::desc makeDense(int64_t rows, int64_t columns, bool isRowMajor) {
  memory::dims strides = isRowMajor ? memory::dims{columns, 1} : memory::dims{1, rows};
  return memory::desc({rows, columns}, memory::data_type::f32, strides);
}

Term::Block makeBlock(const MatmulPlan &plan, const Term &term, int64_t rows, int64_t columns, bool accumulate) {
  constexpr auto kF32 = memory::data_type::f32;
  Term::Block block;
  block.a = memory::desc({rows, term.k}, kF32, memory::dims{term.aM, term.aK});
  block.b = memory::desc({term.k, columns}, kF32, memory::dims{term.bK, term.bN});
  block.c = memory::desc({rows, columns}, kF32, memory::dims{plan.cM, 1});
  if (term.aType != FTC_DNNL_F32)
    block.a = makeDense(rows, term.k, term.aK == 1);
  if (term.bType != FTC_DNNL_F32)
    block.b = makeDense(term.k, columns, term.bN == 1);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (accumulate) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  dnnl::matmul::desc description(block.a, block.b, block.c);
  dnnl::matmul::primitive_desc primitive(description, attributes, getEngine());
  block.scratch = primitive.scratchpad_desc();
  block.primitive = dnnl::matmul(primitive);
  constexpr size_t kLine = 64;
  auto reserve = [&](size_t bytes) {
    return std::exchange(block.bytes, block.bytes + (bytes + kLine - 1) / kLine * kLine);
  };
  reserve(block.scratch.get_size());
  block.aAt = term.aType == FTC_DNNL_F32 ? 0 : reserve(block.a.get_size());
  static size_t blocks = 0; // plans are made one after the other
  block.number = blocks++;
  block.bAt = term.bType == FTC_DNNL_F32 ? 0 : reserve(block.b.get_size());
  return block;
}

void makeBlocks(const MatmulPlan &plan, Term &term, bool accumulate) {
  int64_t rows[] = {plan.blockM, plan.m % plan.blockM}, columns[] = {plan.blockN, plan.n % plan.blockN};
  for (int lastRows : {0, 1})
    for (int lastColumns : {0, 1})
      if (rows[lastRows] && columns[lastColumns])
        term.blocks[lastRows][lastColumns] = makeBlock(plan, term, rows[lastRows], columns[lastColumns], accumulate);
}

struct Buffers {
  void *const *lhs, *const *rhs;
  const float *init;
  float *c;
};

void locate(const MatmulPlan &plan, int64_t item, Place &place) {
  place.column = item % plan.blocksN() * plan.blockN;
  item /= plan.blocksN();
  place.row = item % plan.blocksM() * plan.blockM;
  item /= plan.blocksM();
  place.rows = std::min(plan.blockM, plan.m - place.row);
  place.columns = std::min(plan.blockN, plan.n - place.column);
  place.batch.resize(plan.batch.size());
  for (size_t dim = plan.batch.size(); dim-- > 0; item /= plan.batch[dim].first)
    place.batch[dim] = item % plan.batch[dim].first;
}

/// A block of an operand: of `rows` runs of `length` elements that follow each other, the runs `stride` elements apart.
struct Operand {
  const void *data;
  int64_t type, at, rows, length, stride;
};

/// Where the library reads it: in place, or where it has been extended to.
const void *makeReadable(const Operand &operand, size_t at) {
  if (operand.type == FTC_DNNL_F32)
    return static_cast<const float *>(operand.data) + operand.at;
  auto type = operand.type == FTC_DNNL_BF16 ? runtime::ElementType::BF16 : runtime::ElementType::F16;
  const auto *from = static_cast<const uint16_t *>(operand.data) + operand.at;
  auto *to = reinterpret_cast<float *>(static_cast<uint8_t *>(ftc_scratch()) + at);
  for (int64_t row = 0; row < operand.rows; ++row)
    runtime::convertFloats(type, from + row * operand.stride, runtime::ElementType::F32, to + row * operand.length,
                           size_t(operand.length));
  return to;
}

void runTerm(const MatmulPlan &plan, const Term &term, const Place &place, const void *left, const void *right,
             float *c, Worker &worker) {
  int64_t aAt = place.row * term.aM + term.from * term.aK, bAt = place.column * term.bN + term.from * term.bK;
  for (size_t dim = 0; dim < place.batch.size(); ++dim) {
    aAt += place.batch[dim] * term.batch[dim].first;
    bAt += place.batch[dim] * term.batch[dim].second;
  }
  const Term::Block &block = term.blocks[place.rows < plan.blockM][place.columns < plan.blockN];
  bool aIsRows = term.aK == 1, bIsRows = term.bN == 1;
  const void *a = makeReadable({left, term.aType, aAt, aIsRows ? place.rows : term.k, aIsRows ? term.k : place.rows,
                                aIsRows ? term.aM : term.aK},
                               block.aAt);
  const void *b = makeReadable({right, term.bType, bAt, bIsRows ? term.k : place.columns,
                                bIsRows ? place.columns : term.k, bIsRows ? term.bK : term.bN},
                               block.bAt);
  Arguments &arguments = worker.argumentsOf(block);
  arguments.a.set_data_handle(const_cast<void *>(a));
  arguments.b.set_data_handle(const_cast<void *>(b));
  arguments.c.set_data_handle(c);
  arguments.scratch.set_data_handle(ftc_scratch());
  dnnl::error::wrap_c_api(
      dnnl_primitive_execute(block.primitive.get(), worker.stream.get(), std::size(arguments.list), arguments.list),
      "could not execute a primitive");
  worker.stream.wait();
}

/// All terms of one block.
void runBlock(const MatmulPlan &plan, const Buffers &buffers, Worker &worker) {
  const Place &place = worker.place;
  int64_t offset = place.row * plan.cM + place.column;
  for (size_t dim = 0; dim < place.batch.size(); ++dim)
    offset += place.batch[dim] * plan.batch[dim].second;
  float *c = buffers.c + offset;
  if (buffers.init && buffers.init != buffers.c)
    for (int64_t row = 0; row < place.rows; ++row)
      std::memcpy(c + row * plan.cM, buffers.init + offset + row * plan.cM, place.columns * sizeof(float));
  for (const Term &term : plan.terms) {
    const void *left = buffers.lhs[term.buffer], *right = buffers.rhs[term.buffer];
    if (term.swapped)
      std::swap(left, right);
    runTerm(plan, term, place, left, right, c, worker);
  }
}

/// A term that extends an operand, in parts of little depth.
void addParts(const Term &whole, std::vector<Term> &terms) {
  bool extends = whole.aType != FTC_DNNL_F32 || whole.bType != FTC_DNNL_F32;
  int64_t depth = extends ? int64_t(FTC_DNNL_DEPTH) : whole.k;
  for (int64_t from = 0; from < whole.k; from += depth) {
    Term &part = terms.emplace_back(whole);
    part.from = from;
    part.k = std::min(depth, whole.k - from);
  }
}

/// Reads a plan's arguments.
MatmulPlan readPlan(const int64_t *next) {
  MatmulPlan plan;
  for (int64_t *field : {&plan.m, &plan.n, &plan.cM, &plan.blockM, &plan.blockN})
    *field = *next++;
  plan.hasInit = *next++;
  plan.batch.resize(*next++);
  for (auto &[size, stride] : plan.batch) {
    size = *next++;
    stride = *next++;
  }
  size_t terms = size_t(*next++);
  for (size_t i = 0; i < terms; ++i) {
    Term term;
    term.buffer = i;
    for (int64_t *field : {&term.k, &term.aM, &term.aK, &term.bK, &term.bN})
      *field = *next++;
    term.swapped = *next++;
    term.aType = *next++;
    term.bType = *next++;
    if (term.swapped)
      std::swap(term.aType, term.bType);
    term.batch.resize(plan.batch.size());
    for (auto &[a, b] : term.batch) {
      a = *next++;
      b = *next++;
    }
    addParts(term, plan.terms);
  }
  return plan;
}

} // namespace
} // namespace ftc::cpu

using namespace ftc::cpu;

uint64_t ftc_dnnl_matmul_plan(int64_t number, const int64_t *arguments) {
  auto plan = std::make_unique<MatmulPlan>(readPlan(arguments));
  uint64_t scratch = 0;
  try {
    for (Term &term : plan->terms) {
      makeBlocks(*plan, term, plan->hasInit || &term != plan->terms.data());
      for (const auto &row : term.blocks)
        for (const Term::Block &block : row)
          if (block.primitive)
            scratch = std::max<uint64_t>(scratch, block.bytes);
    }
  } catch (const std::exception &) {
    fail("plan", *plan);
  }
  auto &plans = getPlans();
  if (plans.size() <= size_t(number))
    plans.resize(number + 1);
  plans[number] = std::move(plan);
  return scratch;
}

void ftc_dnnl_matmul_run(void *const *buffers, const int64_t *immediates, int64_t lo, int64_t hi) {
  const MatmulPlan &plan = *getPlans()[immediates[0]];
  size_t terms = plan.terms.back().buffer + 1;
  Buffers at{buffers, buffers + terms, nullptr, nullptr};
  buffers += 2 * terms;
  if (plan.hasInit)
    at.init = static_cast<const float *>(*buffers++);
  at.c = static_cast<float *>(*buffers);
  try {
    static thread_local Worker worker;
    for (int64_t item = lo; item < hi; ++item) {
      locate(plan, item, worker.place);
      runBlock(plan, at, worker);
    }
  } catch (const std::exception &) {
    fail("do", plan);
  }
}
