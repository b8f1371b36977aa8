//===- Data.cpp - the data of a compiled recipe ----------------------------===//

#include "Data.h"

#include "ftc/Runtime/Data/Dataset.h"

#include "llvm/Support/Path.h"

using namespace ftc;
using runtime::Expected;

Expected<run::Manifest> ftc::manifestOf(Compilation &compilation) {
  auto text = target::emitManifest(compilation.module(), compilation.targetOptions());
  return mlir::succeeded(text) ? run::readManifest(*text)
                               : runtime::makeError(runtime::ExitStatus::Bug, "the manifest was not made");
}

Expected<runtime::text::TextCodec> ftc::readCodec(const std::string &path) {
  if (!llvm::StringRef(path).ends_with(".gguf"))
    return runtime::text::TextCodec::fromDirectory(path);
  auto file = runtime::GgufFile::open(path);
  if (!file)
    return file.error();
  return runtime::text::TextCodec::fromGguf(*file);
}

static std::string resolve(const run::Manifest &manifest, llvm::StringRef path) {
  llvm::SmallString<256> whole(path);
  llvm::sys::path::make_absolute(manifest.folder, whole);
  return whole.str().str();
}

Expected<RecipeData> ftc::readData(const run::Manifest &manifest, const std::string &name) {
  RecipeData data;
  data.step = &std::get<run::DatasetStep>(manifest.find(name)->detail);
  data.path = resolve(manifest, data.step->path);
  runtime::data::DatasetOptions options = data.step->options(data.path);
  if (data.step->tokenizer) {
    const auto &load = std::get<run::LoadStep>(manifest.find(*data.step->tokenizer)->detail);
    auto codec = readCodec(resolve(manifest, load.path));
    if (!codec)
      return codec.error();
    data.codec.emplace(std::move(*codec));
  }
  auto records = runtime::data::readDataset(options, data.codec ? &*data.codec : nullptr);
  if (!records)
    return records.error();
  if (records->size() == 0)
    return runtime::makeError(runtime::ExitStatus::Input, "{}: holds no example", data.path);
  data.records = std::move(*records);
  return data;
}

runtime::data::RecordBatcher ftc::batcherOf(const RecipeData &data, const run::BatchShape &shape, bool shuffle,
                                            int64_t seed) {
  runtime::data::BatchOptions options;
  options.rows = shape.sequences;
  options.tokens = shape.tokens;
  options.packing = shape.packing;
  options.whole = shape.whole;
  options.virtualTokens = shape.virtualTokens;
  options.shuffle = shuffle;
  options.seed = uint64_t(seed);
  return {data.records, options};
}
