//===- Dataset.h - files of training examples -------------------*- C++ -*-===//
//
// A data set is a file of JSON objects, one a line (or one JSON array of them), or plain text. Every row becomes a
// document: token ids, their labels, and how much each counts.
//
// | format       | fields                              | weight 1                           | weight `promptLoss`  |
// |--------------|-------------------------------------|------------------------------------|----------------------|
// | `tokens`     | input_ids, labels?, completion_mask? | labels that are not -100          | where the mask is 0  |
// | `completion` | text                                | all                                |                      |
// | `infill`     | text                                | all                                |                      |
// | `alpaca`     | instruction, input?, output         | output and the end token           | the rest             |
// | `messages`   | messages: role, content             | assistants' turns and their end    | the rest             |
//
// Formats whose rows are of a kind of their own (Record.h):
//
// | format           | fields                        | texts                                                          |
// |------------------|-------------------------------|----------------------------------------------------------------|
// | `preference`     | prompt, chosen, rejected      | the prompt with each answer                                    |
// | `feedback`       | prompt, completion, desirable | the prompt with its completion and with that of the row before |
// | `pairs`          | query, positive               | both                                                           |
// | `classification` | text, label                   | the text                                                       |
//
// Their texts are strings, lists of token ids, or (prompts and answers) lists of messages.
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
#include "ftc/Runtime/Data/RecordStore.h"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace ftc::runtime::text {
class TextCodec;
}

namespace ftc::runtime::data {

enum class Format { Tokens, Completion, Infill, Alpaca, Messages, Preference, Feedback, Pairs, Classification };

/// The format that recipes call `name`.
std::optional<Format> parseFormat(std::string_view name);

/// How the middle of a text is moved to its end, so that a model learns to fill gaps: Bavarian et al., "Efficient
/// training of language models to fill in the middle" (2022). A text becomes prefix, suffix, middle, or (SPM) suffix,
/// then prefix and middle as one; it is cut at two places that are functions of the seed and the row.
struct InfillOptions {
  double rate = 0.9; ///< share of the texts that are changed
  double spm = 0.5;  ///< share of those that begin with the suffix
  int64_t seed = 0;
  /// The tokens before prefix, suffix and middle; empty: the first known ones that the tokenizer has.
  std::vector<std::string> sentinels;
};

struct DatasetOptions {
  std::string path;
  Format format = Format::Completion;
  /// What the file calls a field, by the format's own name of it.
  std::map<std::string, std::string> fields;
  /// Further fields that objectives read, each a number of every row.
  std::vector<std::string> numbers;
  /// Weight of the tokens of a prompt in the loss, 0 to 1.
  float promptLoss = 0;
  /// Rows to read at most; 0 reads all.
  int64_t limit = 0;
  /// How many tokens the model knows: ids are below this. 0 takes the tokenizer's vocabulary.
  int64_t vocabularySize = 0;
  InfillOptions infill;
  /// Called now and then with how much is read ("1024 rows"); an error ends the reading.
  std::function<Status(const std::string &)> watch;
};

/// Reads a data set. `codec` may be null where all texts are token ids. A mistake in the file has exit status Input and
/// names `FILE:LINE` and the field.
Expected<RecordStore> readDataset(const DatasetOptions &options, const text::TextCodec *codec);

} // namespace ftc::runtime::data

#endif // FTC_RUNTIME_DATA_DATASET_H
