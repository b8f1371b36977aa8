//===- Dataset.h - files of training examples -------------------*- C++ -*-===//
//
// A data set is a file of JSON objects, one a line (or one JSON array of them), or plain text. Every row becomes a
// document: token ids, their labels, and how much each counts.
//
// | format       | fields                              | weight 1                           | weight `promptLoss`  |
// |--------------|-------------------------------------|------------------------------------|----------------------|
// | `tokens`     | input_ids, labels?                  | labels that are not -100           |                      |
// | `completion` | text                                | all                                |                      |
// | `alpaca`     | instruction, input?, output         | output and the end token           | the rest             |
// | `messages`   | messages: role, content             | assistants' turns and their end    | the rest             |
//
// `messages` also reads `conversations` with `from` (human, gpt) and `value`, as ShareGPT has them. A plain text file
// (`.txt`) is a single `completion`, cut into rows without loss. An `alpaca` row is shown to a model that has a chat
// template as a user's turn (instruction, blank line, input) and an assistant's, to others in the words of the original
// Stanford Alpaca. Texts that no template ends are ended by the model's end token.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_RUNTIME_DATA_DATASET_H
#define FTC_RUNTIME_DATA_DATASET_H

#include "ftc/Runtime/Core/Status.h"
#include "ftc/Runtime/Data/DocumentStore.h"

#include <map>
#include <optional>
#include <string>

namespace ftc::runtime::text {
class TextCodec;
}

namespace ftc::runtime::data {

enum class Format { Tokens, Completion, Alpaca, Messages };

/// The format that recipes call `name`.
std::optional<Format> parseFormat(std::string_view name);

struct DatasetOptions {
  std::string path;
  Format format = Format::Completion;
  /// What the file calls a field, by the format's own name of it.
  std::map<std::string, std::string> fields;
  /// Weight of the tokens of a prompt in the loss, 0 to 1.
  float promptLoss = 0;
  /// Rows to read at most; 0 reads all.
  int64_t limit = 0;
  /// How many tokens the model knows: ids are below this. 0 takes the tokenizer's vocabulary.
  int64_t vocabularySize = 0;
};

/// Reads a data set. `codec` may be null for the format `tokens`. A mistake in the file has exit status Input and names
/// `FILE:LINE` and the field.
Expected<DocumentStore> readDataset(const DatasetOptions &options, const text::TextCodec *codec);

} // namespace ftc::runtime::data

#endif // FTC_RUNTIME_DATA_DATASET_H
