//===- RowReader.h - from a row to a training sequence ----------*- C++ -*-===//

#ifndef FTC_RUNTIME_DATA_ROWREADER_H
#define FTC_RUNTIME_DATA_ROWREADER_H

#include "RowSource.h"
#include "ftc/Runtime/Data/Dataset.h"
#include "ftc/Runtime/IO/ObjectReader.h"
#include "ftc/Runtime/Text/TextCodec.h"

#include <array>
#include <span>

namespace ftc::runtime::data {

/// Makes sequences of rows, by the format of a data set.
class RowReader {
public:
  /// `codec` may be null for the format `tokens`. Fails if the model cannot show the format.
  static Expected<RowReader> create(const DatasetOptions &options, const text::TextCodec *codec);

  /// The sequence of row `number` of the file, for formats whose rows are one text; without ids if it has no text.
  Expected<Sequence> read(const Row &row, int64_t number) const;

  /// A text in no form, given in stretches that are encoded one by one, ended by the model's end token.
  Expected<Sequence> readText(std::span<const std::string_view> stretches) const;

  /// What the file calls a field.
  std::string name(const std::string &field) const;
  /// The numbers that objectives read, in the order of the options.
  Expected<std::vector<double>> readNumbers(const Row &row) const;
  std::vector<int32_t> readIds(json::ObjectReader &row, const std::string &field, bool labels) const;
  bool hasChat() const { return chat.has_value(); }
  std::vector<text::ChatSegment> render(std::span<const text::ChatMessage> messages) const {
    return chat->render(messages, false);
  }
  /// Encodes the segments as one text. `whole`: nothing in them begins and ends the text, the tokenizer does.
  Expected<Sequence> encode(std::span<const text::ChatSegment> segments, bool whole) const;
  /// A text with what the tokenizer puts around it, all of weight 1.
  Expected<Sequence> encodeText(std::string_view text) const;

private:
  RowReader(const DatasetOptions &options, const text::TextCodec *codec) : options(options), codec(codec) {}

  Sequence readTokens(json::ObjectReader &row) const;
  Expected<Sequence> readAlpaca(json::ObjectReader &row) const;
  Expected<Sequence> readMessages(json::ObjectReader &row) const;
  Expected<Sequence> readInfill(std::string_view text, int64_t number) const;
  Status findSentinels();

  /// Ends a sequence that does not end with it already.
  void addEndToken(Sequence &sequence) const;

  DatasetOptions options;
  const text::TextCodec *codec;
  std::optional<text::ChatTemplate> chat;
  std::array<int32_t, 3> sentinels{}; // of `infill`: before prefix, suffix, middle
};

} // namespace ftc::runtime::data

#endif // FTC_RUNTIME_DATA_ROWREADER_H
