#include "ftc/Target/Image.h"

#include "ftc/Runtime/Core/Float.h"

#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"

#include <cstring>

using namespace mlir;

namespace ftc {

/// Links an object with the runtime's functions in this process.
static llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>> loadObject(std::unique_ptr<llvm::MemoryBuffer> object) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  char prefix = (*jit)->getDataLayout().getGlobalPrefix();
  auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(prefix);
  if (!process)
    return process.takeError();
  (*jit)->getMainJITDylib().addGenerator(std::move(*process));
  if (llvm::Error error = (*jit)->addObjectFile(std::move(object)))
    return error;
  return jit;
}

llvm::FailureOr<Image> Image::load(OwningOpRef<ModuleOp> module, const target::TargetOptions &options) {
  if (failed(target::lowerToPlaced(*module, options)))
    return failure();
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> object = target::emitObject(*module, options);
  if (failed(object))
    return failure();
  Image image;
  auto jit = loadObject(std::move(*object));
  if (!jit)
    return module->emitError() << llvm::toString(jit.takeError());
  auto programs = (*jit)->lookup("ftc_programs"), setup = (*jit)->lookup("ftc_program_setup");
  if (!programs || !setup)
    return module->emitError() << llvm::toString(llvm::joinErrors(programs.takeError(), setup.takeError()));
  image.arenaBytes = target::getArenaBytes(*module);
  image.arena = ftc_arena_create(image.arenaBytes);
  if (!image.arena)
    return module->emitError() << "needs " << image.arenaBytes << " bytes, which cannot be had";
  image.setup = setup->toPtr<const ftc_setup *>();
  if (ftc_prepare(image.setup, image.arena) != 0)
    return module->emitError() << ftc_failure();
  image.programs = programs->toPtr<const ftc_program *>();
  image.jit = std::move(*jit);
  image.module = std::move(module);
  return image;
}

Image::Image(Image &&other)
    : module(std::move(other.module)), jit(std::move(other.jit)), programs(other.programs), setup(other.setup),
      arena(std::exchange(other.arena, nullptr)), arenaBytes(other.arenaBytes) {}

Image::~Image() { ftc_arena_destroy(arena, arenaBytes); }

void Image::run(unsigned program) {
  if (ftc_run_program(&programs[program], arena) != 0)
    llvm::reportFatalUsageError(ftc_failure());
}

void Image::runBlocksAlone(unsigned number) {
  const ftc_program &program = programs[number];
  if (program.loop_count || program.choice_count)
    llvm::reportFatalUsageError("a program with loops or choices has no calls to run one by one");
  for (const ftc_call &call : ArrayRef(program.calls, program.count)) {
    void *buffers[FTC_MAX_BUFFERS];
    for (uint64_t i = 0; i < call.buffers; ++i)
      buffers[i] = arena + call.offsets[i];
    for (int64_t end = call.items, begin; end > 0; end = begin) {
      int64_t grain = std::max<int64_t>(call.grain, 1);
      begin = (end - 1) / grain * grain;
      std::memset(ftc_scratch(), 0xff, setup->scratch); // NaN in any type
      call.kernel(buffers, call.immediates, begin, end);
    }
  }
}

namespace {
/// An element of 16 bits, as a number.
template <runtime::ElementType type> struct Narrow {
  uint16_t bits;
  explicit Narrow(double value) { runtime::convertFloats(runtime::ElementType::F64, &value, type, &bits, 1); }
  explicit operator double() const {
    double value;
    runtime::convertFloats(type, &bits, runtime::ElementType::F64, &value, 1);
    return value;
  }
};
} // namespace

/// Calls `visit(element, index)` with the element's C++ type.
template <typename Visitor> static void visitElements(Type type, uint8_t *data, int64_t count, Visitor visit) {
  auto each = [&](auto *elements) {
    for (int64_t i = 0; i < count; ++i)
      visit(elements[i], i);
  };
  if (type.isF64())
    each(reinterpret_cast<double *>(data));
  else if (type.isF32())
    each(reinterpret_cast<float *>(data));
  else if (type.isF16())
    each(reinterpret_cast<Narrow<runtime::ElementType::F16> *>(data));
  else if (type.isBF16())
    each(reinterpret_cast<Narrow<runtime::ElementType::BF16> *>(data));
  else if (type.isInteger(64))
    each(reinterpret_cast<int64_t *>(data));
  else if (type.isInteger(32))
    each(reinterpret_cast<int32_t *>(data));
  else
    each(reinterpret_cast<int8_t *>(data));
}

bool Image::has(StringRef name) { return bool(module->lookupSymbol<tune::TensorOp>(name)); }

std::vector<double> Image::get(StringRef name) {
  auto tensor = module->lookupSymbol<tune::TensorOp>(name);
  auto type = cast<RankedTensorType>(tensor.getType());
  std::vector<double> values(type.getNumElements());
  visitElements(type.getElementType(), arena + target::getTensorOffset(tensor), type.getNumElements(),
                [&](auto &element, int64_t i) { values[i] = double(element); });
  return values;
}

void Image::set(StringRef name, ArrayRef<double> values) {
  auto tensor = module->lookupSymbol<tune::TensorOp>(name);
  auto type = cast<RankedTensorType>(tensor.getType());
  visitElements(type.getElementType(), arena + target::getTensorOffset(tensor), type.getNumElements(),
                [&](auto &element, int64_t i) { element = std::decay_t<decltype(element)>(values[i]); });
}

} // namespace ftc
