//===- Data.h - the data of a compiled recipe ------------------*- C++ -*-===//

#ifndef FTC_TOOLS_FTC_DATA_H
#define FTC_TOOLS_FTC_DATA_H

#include "ftc/Pipelines/Compilation.h"
#include "ftc/Runtime/Data/Batch.h"
#include "ftc/Runtime/Run/Manifest.h"
#include "ftc/Runtime/Text/TextCodec.h"

namespace ftc {

/// What the executable of a recipe is told, of a compilation that is lowered to Placed.
runtime::Expected<run::Manifest> manifestOf(Compilation &compilation);

/// The tokenizer of a model: of a Hugging Face directory or a .gguf file.
runtime::Expected<runtime::text::TextCodec> readCodec(const std::string &path);

/// A data set of a recipe as the executable reads it.
struct RecipeData {
  std::string path;
  const run::DatasetStep *step = nullptr;
  std::optional<runtime::text::TextCodec> codec; ///< where texts become tokens
  runtime::data::RecordStore records;
};
runtime::Expected<RecipeData> readData(const run::Manifest &manifest, const std::string &name);

/// Batches as a step of that shape sees them; `data` must outlive them.
runtime::data::RecordBatcher batcherOf(const RecipeData &data, const run::BatchShape &shape, bool shuffle,
                                       int64_t seed);

} // namespace ftc

#endif // FTC_TOOLS_FTC_DATA_H
